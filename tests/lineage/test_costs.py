"""What a job has used, and the cost table that is gathered from it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from damage import flip_a_bit
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import dumps, write_text
from heirloom.artefacts.kinds import Kind
from heirloom.artefacts.manifest import seal
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.errors import HeirloomError
from heirloom.lineage import costs

USED = {"seconds": 2.5, "cpu_seconds": 2.0, "peak_memory_mb": 100.0, "read_mb": 0.0, "written_mb": None}
PLACE: dict[str, Any] = {"experiment": "words", "regime": "replace", "seed": 0, "generation": 1}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def finished(step: str, kind: Kind) -> None:
    write_text(paths.cost(step, kind.path(**PLACE)), dumps(USED))


def texts(rows: int, kind: Kind) -> None:
    Dataset.of(text_table(np.zeros((rows, 4), np.int32), [""] * rows, first_row=0)).write(kind.path(**PLACE))


def test_tokens_are_those_that_a_job_wrote_or_scored_or_trained_on_once_an_epoch() -> None:
    for count, dataset in enumerate((kinds.REAL_VALID, kinds.SYNTHETIC, kinds.TRAIN, kinds.SELECTED, kinds.REAL_TEST, kinds.REAL_TRAIN), 1):
        texts(count, dataset)
    checkpoint = Path(kinds.CHECKPOINT.path(**PLACE))
    checkpoint.mkdir()
    seal([checkpoint], {"slice": {"fit": {"schedule": {"epochs": 2}}}})
    outputs = {"real": kinds.REAL_TRAIN, "mix": kinds.TRAIN, "sample": kinds.SYNTHETIC, "select": kinds.SELECTED}
    for step, kind in (outputs | {"train": kinds.CHECKPOINT, "evaluate": kinds.METRICS}).items():
        finished(step, kind)
    assert costs.gather() == 6
    rows = {row["step"]: row for row in pq.read_table(costs.COSTS).to_pylist()}
    tokens = {step: row["tokens"] for step, row in rows.items()}
    assert tokens == {"real": 4 * (1 + 5 + 6), "mix": 12, "sample": 8, "select": 16, "train": 24, "evaluate": 4 * (2 + 5)}
    assert (rows["train"]["seconds"], rows["train"]["cpu_seconds"], rows["train"]["written_mb"]) == (2.5, 2.0, None)


def test_a_table_that_was_changed_is_refused_and_gathered_anew_once_it_is_deleted() -> None:
    finished("sample", kinds.SYNTHETIC)
    assert costs.gather() == 1
    flip_a_bit(costs.COSTS)
    finished("mix", kinds.TRAIN)
    with pytest.raises(HeirloomError, match=r"costs.parquet: not the bytes .* delete it, and heirloom record gathers it"):
        costs.gather()
    costs.COSTS.unlink()
    assert costs.gather() == 2
    assert [row["step"] for row in pq.read_table(costs.COSTS).to_pylist()] == ["mix", "sample"]


def test_vectors_have_no_tokens() -> None:
    finished("sample", kinds.SYNTHETIC)
    costs.gather()
    assert pq.read_table(costs.COSTS)["tokens"].to_pylist() == [None]


def test_jobs_of_no_lineage_are_left_out() -> None:
    write_text("logs/costs/plot.json", dumps(USED))
    write_text(paths.cost("train", "elsewhere/checkpoint"), dumps(USED))
    write_text(paths.cost("train", kinds.CHECKPOINT.path(**PLACE)), '{"seconds": 1')
    assert costs.gather() == 0


def test_the_jobs_of_a_sets_shards_and_the_machines_of_a_job_are_one_row() -> None:
    synthetic, checkpoint = (kind.path(**PLACE) for kind in (kinds.SYNTHETIC, kinds.CHECKPOINT))
    for shard in range(3):
        file = paths.part(paths.cost("sample_shard", synthetic), f"shard={shard}")
        write_text(file, dumps(USED | {"peak_memory_mb": 100.0 + shard}))
    write_text(paths.cost("train", checkpoint), dumps(USED))
    write_text(paths.part(paths.cost("train", checkpoint), "node=1"), dumps(USED | {"seconds": None}))
    costs.gather()
    shards, machines = pq.read_table(costs.COSTS).to_pylist()
    assert {name: shards[name] for name in PLACE} == {name: machines[name] for name in PLACE} == PLACE
    names = ("step", "seconds", "cpu_seconds", "peak_memory_mb", "read_mb", "written_mb")
    assert [shards[name] for name in names] == ["sample_shard", 7.5, 6.0, 102.0, 0.0, None]
    assert [machines[name] for name in names] == ["train", 2.5, 4.0, 100.0, 0.0, None]


BUSY = """
import os, subprocess, sys
from heirloom.cli.steps import _job
from heirloom.runtime.processes import LAUNCHED
def work(): sum(range(10_000_000))
with _job("used.json", '{"num_threads": 1}', {}):
    held = bytearray(150 * 2**20)
    work()
    if sys.argv[1] == "parent":
        subprocess.run([sys.executable, __file__, "child"], check=True, env=os.environ | {LAUNCHED: "1", "RANK": "0"})
    if sys.argv[1] == "fails":
        raise RuntimeError("as the test asked")
"""


def test_a_job_writes_what_it_and_its_processes_have_used_and_none_if_it_fails() -> None:
    Path("job.py").write_text(BUSY)
    assert subprocess.run([sys.executable, "job.py", "fails"], check=False, stderr=subprocess.DEVNULL).returncode == 1
    assert not Path("used.json").exists()
    times_before, began = os.times(), time.monotonic()
    subprocess.run([sys.executable, "job.py", "parent"], check=True)
    times_after, ended = os.times(), time.monotonic()
    usage = json.loads(Path("used.json").read_text())
    cpu_seconds = times_after.children_user + times_after.children_system - times_before.children_user - times_before.children_system
    assert 0.8 * cpu_seconds < usage["cpu_seconds"] <= cpu_seconds + 0.02
    assert 0.8 * (ended - began) < usage["seconds"] <= ended - began + 0.02
    assert 150 < usage["peak_memory_mb"] < 250


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process has written")
def test_the_peak_of_a_job_is_not_that_of_the_process_that_started_it() -> None:
    memory = bytearray(300 * 2**20)  # a shell's `exec` would hand this process's peak on, in what getrusage tells
    code = f"exec {sys.executable} -c 'from heirloom.runtime import usage; print(usage.measure())'"
    answer = ast.literal_eval(subprocess.run(["bash", "-c", code], text=True, capture_output=True, check=True).stdout)
    assert len(memory) == 300 * 2**20
    assert 5 < answer["peak_memory_mb"] < 100
    assert min(answer["read_mb"], answer["written_mb"]) >= 0


def test_commits_of_jobs_are_read_without_arrow_as_long_as_the_table_is_the_one_that_was_gathered() -> None:
    finished("sample", kinds.SYNTHETIC)
    costs.gather()
    job = ("sample", *PLACE.values())
    assert costs.commits() == {job: ""}
    memory = json.loads(costs.COMMITS.read_text())
    costs.COMMITS.write_text(json.dumps(memory | {"commits": [[*job, "abc+0123456789abcdef"]]}))
    assert costs.commits() == {job: "abc+0123456789abcdef"}
    code = "import sys; from heirloom.lineage import costs; costs.commits(); print({'numpy', 'pyarrow'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
    for spoilt in ("{", "[]", json.dumps(memory | {"commits": [0]}), json.dumps(memory | {"table": {}, "commits": [[*job, "abc"]]})):
        costs.COMMITS.write_text(spoilt)
        assert costs.commits() == {job: ""}


def test_a_changed_table_is_refused_although_its_commits_are_remembered() -> None:
    assert costs.commits() == {}
    finished("sample", kinds.SYNTHETIC)
    costs.gather()
    flip_a_bit(costs.COSTS)
    with pytest.raises(HeirloomError, match=r"costs.parquet: not the bytes .* delete it, and heirloom record gathers it"):
        costs.commits()
    costs.COSTS.unlink()
    assert costs.commits() == {}
