"""The cost table, gathered from benchmark files as Snakemake writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from heirloom import paths
from heirloom.dataset import Dataset
from heirloom.lineage import costs
from heirloom.manifest import seal, write_text
from heirloom.rows import text_table

PLACE = {"experiment": "words", "regime": "replace", "seed": 0, "generation": 1}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def finished(step: str, pattern: str) -> None:
    line = '{"s": 2.5, "cpu_time": 2.0, "max_rss": 100.0, "io_in": 0.0, "io_out": "NA"}\n'
    write_text(paths.benchmark(step, pattern).format(**PLACE), line)


def texts(rows: int, pattern: str) -> None:
    Dataset.of(text_table(np.zeros((rows, 4), np.int32), [""] * rows, first_row=0)).write(pattern.format(**PLACE))


def test_tokens_are_those_that_a_job_wrote_or_scored_or_trained_on_once_an_epoch() -> None:
    for count, dataset in enumerate((paths.REAL_VALID, paths.SYNTHETIC, paths.TRAIN, paths.SELECTED, paths.REAL_TEST, paths.REAL_TRAIN), 1):
        texts(count, dataset)
    checkpoint = Path(paths.CHECKPOINT.format(**PLACE))
    checkpoint.mkdir()
    seal([checkpoint], {"slice": {"fit": {"schedule": {"epochs": 2}}}})
    outputs = {"real": paths.REAL_TRAIN, "mix": paths.TRAIN, "sample": paths.SYNTHETIC, "select": paths.SELECTED}
    for step, pattern in (outputs | {"train": paths.CHECKPOINT, "evaluate": paths.METRICS}).items():
        finished(step, pattern)
    assert costs.gather() == 6
    rows = {row["step"]: row for row in pq.read_table(costs.COSTS).to_pylist()}
    tokens = {step: row["tokens"] for step, row in rows.items()}
    assert tokens == {"real": 4 * (1 + 5 + 6), "mix": 12, "sample": 8, "select": 16, "train": 24, "evaluate": 4 * (2 + 5)}
    assert (rows["train"]["seconds"], rows["train"]["cpu_seconds"], rows["train"]["written_mb"]) == (2.5, 2.0, None)


def test_vectors_have_no_tokens() -> None:
    finished("sample", paths.SYNTHETIC)
    costs.gather()
    assert pq.read_table(costs.COSTS)["tokens"].to_pylist() == [None]


def test_jobs_of_no_lineage_are_left_out() -> None:
    write_text(Path("logs/benchmarks/plot.jsonl"), '{"s": 1.0}\n')
    assert costs.gather() == 0


def test_the_jobs_of_a_sets_shards_are_one_row() -> None:
    line = '{"s": 2.5, "cpu_time": 2.0, "max_rss": %d, "io_in": "NA", "io_out": "NA"}\n'
    for shard in range(3):
        write_text(paths.benchmark("sample_shard", paths.SHARD).format(**PLACE, shard=shard), line % (100 + shard))
    costs.gather()
    (row,) = pq.read_table(costs.COSTS).to_pylist()
    assert {name: row[name] for name in PLACE} == PLACE
    assert (row["step"], row["seconds"], row["cpu_seconds"], row["peak_memory_mb"], row["read_mb"]) == (
        "sample_shard",
        7.5,
        6.0,
        102.0,
        None,
    )
