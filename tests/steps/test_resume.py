"""A job that is killed, or shared out to jobs or processes, ends in the bytes of one that ran through."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

import helpers
import small_lineages
from by_hand import fields_of, slice_of
from damage import DAMAGES, cut, flip_a_bit
from heirloom import config as configuration
from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.config import Config
from heirloom.families import causal_lm, minibatches
from heirloom.runtime import processes
from heirloom.steps import resume, sample, train
from small_models import pretrained

ARCHITECTURE = {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "intermediate_size": 32}
SCHEDULE = {"epochs": 4, "learning_rate": 0.01, "batch_rows": 4}
TRAINING = {"architecture": ARCHITECTURE, "origin": SCHEDULE, "generation": SCHEDULE}
ORIGIN = kinds.CHECKPOINT.path("lm", "origin", 0, 0)
ORIGINAL = kinds.TRAIN.path("lm", "origin", 0, 0)
SYNTHETIC = kinds.SYNTHETIC.path("lm", "replace", 0, 1)
INPUTS = {
    "checkpoint": ORIGIN,
    "train": ORIGINAL,
    "prompts": ORIGINAL,
    "tokenizer": kinds.TOKENIZER.path("lm"),
    "judge": "",
}


def declared(name: str = "transformer") -> Config:
    family = {"name": name} if name == "ngram" else {"name": name, "training": TRAINING}
    sizes = {"generations": 1, "rows": 100, "origin_rows": 120, "chunk_rows": 8}
    lm = {"family": family, "source": small_lineages.SOURCE, "regimes": ["replace"], **sizes}
    return configuration.parse({"regimes": small_lineages.REGIMES, "experiments": {"lm": lm}})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders with generation 0 of a small transformer, and of n-grams, whose jobs take milliseconds."""
    return {name: _make(name, tmp_path_factory.mktemp(name)) for name in ("transformer", "ngram")}


def _make(name: str, folder: Path) -> Path:
    with contextlib.chdir(folder):
        helpers.write_corpus(Path("corpus"))
        small_lineages.make_origin(declared(name), "lm")
    return folder


@pytest.fixture
def project(made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A working folder with a trained transformer."""
    shutil.copytree(made["transformer"], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return declared("transformer")


@pytest.fixture
def counting_project(made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A working folder with a model of n-grams."""
    shutil.copytree(made["ngram"], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return declared("ngram")


def command(step: str, slice_: dict[str, Any], **given: str) -> list[str]:
    options = [part for name, path in given.items() for part in (f"--{name}", path)]
    return [sys.executable, "-m", "heirloom", step, "--slice", json.dumps(slice_), *options]


def kill_when(reached: Callable[[], bool], line: list[str]) -> int:
    """Start a command, kill it without a chance to clean up as soon as something is reached, and return its exit status."""
    running = subprocess.Popen(line, env=os.environ | {"HEIRLOOM_SAVE_SECONDS": "0"})
    while not reached():
        assert running.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    running.send_signal(signal.SIGKILL)
    return running.wait()


def finish(line: list[str]) -> str:
    """Run a command to its end and return what it logs."""
    ended = subprocess.run(line, text=True, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def state_files(artefact: str, name: str) -> list[Path]:
    return sorted(paths.state(artefact).glob(f"*/{name}"))


def test_a_training_killed_in_the_middle_goes_on_to_the_same_bytes(project: Config) -> None:
    unbroken = recorded_sha256(ORIGIN)
    line = command("train", fields_of("train", project, "lm", "origin", 0, 0), train=ORIGINAL, checkpoint="again/checkpoint")
    assert kill_when(lambda: bool(state_files("again/checkpoint", "training.*.safetensors")), line) == -signal.SIGKILL
    assert not Path("again/checkpoint").exists()
    assert "going on after step" in finish(line)
    assert recorded_sha256("again/checkpoint") == unbroken
    assert not paths.state("again/checkpoint").exists()
    assert {path.name for path in Path("again").iterdir()} == {"checkpoint", "checkpoint.fingerprint.json", "checkpoint.manifest.json"}


def test_a_training_that_is_asked_to_stop_saves_the_step_it_is_in_before_it_ends(tmp_path: Path) -> None:
    saved: list[str] = []
    with minibatches.saving(tmp_path, lambda _: saved.append("saved")) as step_done:
        step_done()
        assert saved == []
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(SystemExit, match="143"):
            step_done()
    assert saved == ["saved"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_process_that_others_need_for_their_step_goes_on_when_it_is_asked_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(processes.LAUNCHED, "1")
    monkeypatch.setenv("RANK", "1")
    saved: list[int] = []
    with minibatches.saving(tmp_path, lambda _: saved.append(0)) as step_done:
        signal.raise_signal(signal.SIGTERM)
        step_done()
    assert saved == []


def test_a_sampling_killed_in_the_middle_goes_on_to_the_same_bytes(project: Config) -> None:
    slice_ = slice_of("sample", project, "lm", "replace", 0, 1)
    sample.run(slice_, INPUTS, {"synthetic": SYNTHETIC})
    line = command("sample", slice_.json_fields(), **{**INPUTS, "synthetic": "again/synthetic.parquet"})
    assert kill_when(lambda: len(state_files("again/synthetic.parquet", "chunk-*.npy")) >= 3, line) == -signal.SIGKILL
    assert not Path("again/synthetic.parquet").exists()
    assert "of 13 chunks are there already" in finish(line)
    assert recorded_sha256("again/synthetic.parquet") == recorded_sha256(SYNTHETIC)
    assert not paths.state("again/synthetic.parquet").exists()


@pytest.mark.parametrize("shards", [1, 2, 7, 20])
def test_rows_written_in_shares_in_any_order_are_those_written_at_once(counting_project: Config, shards: int) -> None:
    slice_ = slice_of("sample", counting_project, "lm", "replace", 0, 1)
    sample.run(slice_, INPUTS, {"synthetic": SYNTHETIC})
    for shard in reversed(range(shards)):
        sample.run(slice_, INPUTS, {"synthetic": "again/synthetic.parquet"}, (shard, shards))
    assert not Path("again/synthetic.parquet").exists()
    assert len(state_files("again/synthetic.parquet", "chunk-*.npy")) == 13
    sample.run(slice_, INPUTS, {"synthetic": "again/synthetic.parquet"})
    helpers.assert_made_alike("again/synthetic.parquet", SYNTHETIC)


def test_a_transformers_rows_do_not_depend_on_the_shares_they_are_written_in(project: Config) -> None:
    slice_ = slice_of("sample", project, "lm", "replace", 0, 1)
    sample.run(slice_, INPUTS, {"synthetic": SYNTHETIC})
    for shard in (4, 0, 6, 2, 1, 3, 5):
        sample.run(slice_, INPUTS, {"synthetic": "again/synthetic.parquet"}, (shard, 7))
    sample.run(slice_, INPUTS, {"synthetic": "again/synthetic.parquet"})
    assert Path("again/synthetic.parquet").read_bytes() == Path(SYNTHETIC).read_bytes()


def numbered(numbers: range) -> Iterator[NDArray[np.int32]]:
    return (np.full((2, 3), number, np.int32) for number in numbers)


def test_chunks_that_are_there_are_read_and_not_made_again(tmp_path: Path) -> None:
    def make(numbers: range) -> Iterator[NDArray[np.int32]]:
        asked.append(numbers)
        return numbered(numbers)

    asked: list[range] = []
    assert [int(chunk[0, 0]) for chunk in resume.chunks(tmp_path, range(2, 9), make)] == [2, 3, 4, 5, 6, 7, 8]
    for number in (3, 4, 8):
        next(tmp_path.glob(f"chunk-00000{number}.*.npy")).unlink()
    assert [int(chunk[0, 0]) for chunk in resume.chunks(tmp_path, range(2, 9), make)] == [2, 3, 4, 5, 6, 7, 8]
    assert asked == [range(2, 9), range(3, 5), range(8, 9)]


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_chunk_is_dropped_with_a_line_and_made_again_by_the_job_that_gathers(
    damage: Callable[[Path], None], counting_project: Config, caplog: pytest.LogCaptureFixture
) -> None:
    slice_ = slice_of("sample", counting_project, "lm", "replace", 0, 1)
    sample.run(slice_, INPUTS, {"synthetic": SYNTHETIC})
    for shard in range(2):
        sample.run(slice_, INPUTS, {"synthetic": "again/synthetic.parquet"}, (shard, 2))
    damage(state_files("again/synthetic.parquet", "chunk-*.npy")[5])
    damaged = state_files("again/synthetic.parquet", "chunk-*.npy")[5]
    sample.run(slice_, INPUTS, {"synthetic": "again/synthetic.parquet"})
    assert caplog.messages == [f"{damaged} is damaged: it is dropped, and what it held is done again"]
    assert Path("again/synthetic.parquet").read_bytes() == Path(SYNTHETIC).read_bytes()


@pytest.mark.parametrize("damage", [flip_a_bit, cut])
def test_a_training_whose_state_is_damaged_begins_again_and_ends_in_the_same_bytes(
    damage: Callable[[Path], None], project: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HEIRLOOM_SAVE_SECONDS", "0")
    slice_ = slice_of("train", project, "lm", "origin", 0, 0)
    Path("again").touch()  # where the checkpoint's folder should be
    with pytest.raises(FileExistsError):
        train.run(slice_, {"train": ORIGINAL}, {"checkpoint": "again/checkpoint"})
    Path("again").unlink()
    (damaged,) = state_files("again/checkpoint", "training.*.safetensors")
    damage(damaged)
    train.run(slice_, {"train": ORIGINAL}, {"checkpoint": "again/checkpoint"})
    assert f"{damaged} is damaged: it is dropped, and what it held is done again" in caplog.messages
    assert recorded_sha256("again/checkpoint") == recorded_sha256(ORIGIN)
    assert not paths.state("again/checkpoint").exists()


def test_a_state_is_not_gone_on_from_under_another_slice_or_other_inputs(counting_project: Config) -> None:
    slice_ = slice_of("sample", counting_project, "lm", "replace", 0, 1)
    own = resume.folder(slice_, INPUTS, SYNTHETIC)
    assert own == resume.folder(slice_.model_copy(), dict(INPUTS), SYNTHETIC)
    assert own != resume.folder(slice_.model_copy(update={"seed": 1}), INPUTS, SYNTHETIC)
    assert own != resume.folder(slice_, {**INPUTS, "prompts": kinds.REAL_TRAIN.path("lm")}, SYNTHETIC)
    stale = own.with_name("0" * 16)
    stale.mkdir(parents=True)
    sample.run(slice_, INPUTS, {"synthetic": SYNTHETIC})
    assert not stale.exists()


def test_a_training_that_was_done_but_not_written_trains_no_step_again(project: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEIRLOOM_SAVE_SECONDS", "0")
    slice_ = slice_of("train", project, "lm", "origin", 0, 0)
    Path("again").touch()  # where the checkpoint's folder should be
    with pytest.raises(FileExistsError):
        train.run(slice_, {"train": ORIGINAL}, {"checkpoint": "again/checkpoint"})
    (saved,) = state_files("again/checkpoint", "training.*.safetensors")
    before = saved.stat().st_mtime_ns
    with pytest.raises(FileExistsError):
        train.run(slice_, {"train": ORIGINAL}, {"checkpoint": "again/checkpoint"})
    assert saved.stat().st_mtime_ns == before
    Path("again").unlink()
    train.run(slice_, {"train": ORIGINAL}, {"checkpoint": "again/checkpoint"})
    assert recorded_sha256("again/checkpoint") == recorded_sha256(ORIGIN)


@pytest.mark.slow
def test_a_fine_tuning_and_its_writing_killed_in_the_middle_go_on_to_the_same_bytes(project: Config) -> None:
    causal_lm.save(pretrained("opt", 300, context=16), Path("begun"))
    manifest.seal(["begun"], {})
    fit = {"epochs": 3, "learning_rate": 0.01, "batch_rows": 4, "best_epoch": "last"}
    training = {**fields_of("train", project, "lm", "origin", 0, 0), "family": "causal_lm", "fit": fit}
    whole, line = (command("train", training, train=ORIGINAL, start="begun", checkpoint=f"{one}/checkpoint") for one in ("whole", "again"))
    finish(whole)  # a process like the other: threads change bytes
    kill_when(lambda: bool(state_files("again/checkpoint", "training.*.safetensors")), line)
    assert "going on after step" in finish(line)
    assert recorded_sha256("again/checkpoint") == recorded_sha256("whole/checkpoint")

    sampling, given = (
        {**fields_of("sample", project, "lm", "replace", 0, 1), "family": "causal_lm"},
        {**INPUTS, "checkpoint": "whole/checkpoint"},
    )
    whole, line = (command("sample", sampling, **given, synthetic=f"{one}/synthetic.parquet") for one in ("whole", "again"))
    finish(whole)
    kill_when(lambda: len(state_files("again/synthetic.parquet", "chunk-*.npy")) >= 3, line)
    assert "of 13 chunks are there already" in finish(line)
    assert recorded_sha256("again/synthetic.parquet") == recorded_sha256("whole/synthetic.parquet")
    assert not paths.state("again/synthetic.parquet").exists()


@pytest.mark.slow
def test_two_processes_sample_the_same_bytes_as_one(project: Config) -> None:
    slice_ = slice_of("sample", project, "lm", "replace", 0, 1)
    sample.run(slice_, INPUTS, {"synthetic": SYNTHETIC})
    before = os.times()
    line = command("sample", slice_.json_fields(), **{**INPUTS, "synthetic": "data/again/synthetic.parquet"})
    finish([*line, "--num-processes", "2"])
    after, used = os.times(), json.loads(Path("logs/costs/sample/again.json").read_text())
    whole = after.children_user + after.children_system - before.children_user - before.children_system
    assert 0.9 * whole < used["cpu_seconds"] <= whole + 0.02  # of the two, and of the one that starts them
    assert Path("data/again/synthetic.parquet").read_bytes() == Path(SYNTHETIC).read_bytes()
    assert not paths.state("data/again/synthetic.parquet").exists()


@pytest.mark.slow
def test_two_processes_train_the_same_weights_as_one_up_to_rounding(project: Config) -> None:
    slice_ = {**fields_of("train", project, "lm", "origin", 0, 0), "num_processes": 2}
    line = command("train", slice_, train=ORIGINAL, start="", checkpoint="again/checkpoint")  # torchrun has options of such names
    finish(line)
    one, two = (load_file(Path(folder, "model.safetensors")) for folder in (ORIGIN, "again/checkpoint"))
    for name, weight in one.items():
        np.testing.assert_allclose(two[name], weight, atol=2e-4)
    assert any(not np.array_equal(two[name], weight) for name, weight in one.items())
