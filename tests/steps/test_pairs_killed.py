"""Pairs of a small transformer: killed in training and in sampling, and written in shards, they are the bytes of an unbroken job."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.fingerprints import recorded_sha256
from shared_steps import make_pairs_origin, sample_pairs, sample_pairs_in_shards, together, train_pairs

ORIGIN = kinds.CHECKPOINT.path("lm", "origin", 0, 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with generation 0 and what it writes."""
    run_folder = tmp_path_factory.mktemp("killed")
    assert together(1, run_folder, make_pairs_origin) == [0]
    assert together(1, run_folder, sample_pairs, "whole/synthetic.parquet") == [0]
    return run_folder


def test_a_training_on_pairs_killed_in_the_middle_goes_on_to_the_same_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert together(1, folder, train_pairs, "again/checkpoint", 7) == [-signal.SIGKILL]
    monkeypatch.chdir(folder)
    assert not Path("again/checkpoint").exists()
    assert len(list(paths.state("again/checkpoint").glob("*/training.*.safetensors"))) == 1
    assert together(1, folder, train_pairs, "again/checkpoint") == [0]
    assert recorded_sha256("again/checkpoint") == recorded_sha256(ORIGIN)
    assert not paths.state("again/checkpoint").exists()


def test_completions_killed_in_the_middle_go_on_to_the_same_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert together(1, folder, sample_pairs, "again/synthetic.parquet", 6) == [-signal.SIGKILL]
    monkeypatch.chdir(folder)
    assert not Path("again/synthetic.parquet").exists()
    assert len(list(paths.state("again/synthetic.parquet").glob("*/chunk-*.npy"))) == 5
    assert together(1, folder, sample_pairs, "again/synthetic.parquet") == [0]
    assert Path("again/synthetic.parquet").read_bytes() == Path("whole/synthetic.parquet").read_bytes()


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_shards_of_completions_are_the_bytes_of_one_job(folder: Path, shards: int) -> None:
    synthetic = f"shards-{shards}/synthetic.parquet"
    assert together(1, folder, sample_pairs_in_shards, synthetic, shards) == [0]
    assert (folder / synthetic).read_bytes() == (folder / "whole/synthetic.parquet").read_bytes()
