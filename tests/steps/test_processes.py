"""Processes that share a fine-tuning or its sampling: the same model up to rounding, the same text, and one that is killed goes on."""

from __future__ import annotations

import contextlib
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import helpers
import small_lineages
from damage import cut
from heirloom import config as configuration
from heirloom.artefacts import manifest, paths
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.data.dataset import Dataset
from heirloom.families import causal_lm
from shared_steps import note_validation_loss, sample_from, together, train_by_command, train_from, train_on_copies, train_until_killed
from small_models import pretrained

VOCABULARY, CONTEXT = 300, 16
ARCHITECTURES: dict[str, dict[str, Any]] = {"opt": {"dropout": 0.0}, "gpt_neox": {}, "llama": {}}
"""Without dropout: what it drops depends on who reads a row."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with real rows and pretrained models."""
    run_folder = tmp_path_factory.mktemp("processes")
    ngram = {"family": {"name": "ngram"}, "source": small_lineages.SOURCE, "regimes": ["replace"], "generations": 1, "rows": 30}
    with contextlib.chdir(run_folder):
        helpers.write_corpus(Path("corpus"))
        small_lineages.make_origin(configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": ngram}}), "lm")
        for name, changed in {**ARCHITECTURES, "dropping": {}}.items():
            causal_lm.save(pretrained("opt" if name == "dropping" else name, VOCABULARY, CONTEXT, **changed), Path(name))
            manifest.seal([name], {})
    return run_folder


def trained(folder: Path, processes: int, start: str, name: str, **fit: Any) -> dict[str, np.ndarray[Any, Any]]:
    assert together(processes, folder, train_from, start, f"{name}/checkpoint", fit) == [0] * processes
    return load_file(folder / name / "checkpoint/model.safetensors")


@pytest.mark.parametrize(
    ("start", "more"),
    [("opt", {}), ("gpt_neox", {"micro_rows": 5, "clip_norm": 0.1, "batch_rows": 29}), ("llama", {"lora": {"rank": 2}})],
)
def test_two_processes_fine_tune_to_the_weights_of_one_up_to_rounding(folder: Path, tmp_path: Path, start: str, more: Any) -> None:
    # of 30 rows in batches of 29 the last has one, and a process none
    of_one, two = (trained(folder, count, start, f"{tmp_path.name}/{count}", **more) for count in (1, 2))
    start_weights = load_file(folder / start / "model.safetensors")
    for name, weight in of_one.items():
        np.testing.assert_allclose(two[name], weight, atol=2e-4)
    assert any(np.abs(weight - start_weights[name]).max() > 1e-2 for name, weight in of_one.items())


def test_two_processes_fine_tune_to_the_same_bytes_each_time_and_after_a_kill(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(folder, 2, "dropping", "whole")
    trained(folder, 2, "dropping", "twice")
    statuses = together(2, folder, train_until_killed, "dropping", "killed/checkpoint", 4)  # the first step of the second epoch
    assert statuses[0] == -signal.SIGKILL
    assert statuses[1] not in (0, -signal.SIGKILL)
    monkeypatch.chdir(folder)
    assert not Path("killed/checkpoint").exists()
    assert len(list(paths.state("killed/checkpoint").glob("*/training.*.safetensors"))) == 1
    shutil.copytree(paths.state("killed/checkpoint"), paths.state("damaged/checkpoint"))
    cut(next(paths.state("damaged/checkpoint").glob("*/training.*.safetensors")))
    trained(folder, 2, "dropping", "killed")
    trained(folder, 2, "dropping", "damaged")
    sums = {name: recorded_sha256(f"{name}/checkpoint") for name in ("whole", "twice", "killed", "damaged")}
    assert len(set(sums.values())) == 1
    assert not paths.state("killed/checkpoint").exists()


def test_a_process_leaves_the_others_before_its_job_ends(folder: Path) -> None:
    # one that ends with open connections is sometimes aborted by gloo while Python closes down
    assert together(2, folder, train_by_command, "opt", "command/checkpoint") == [0, 0]


def test_all_processes_choose_the_epoch_by_the_same_number(folder: Path) -> None:
    for count in (1, 2):
        assert together(count, folder, note_validation_loss, "llama") == [0] * count
    of_one, first, second = ((folder / f"loss-{name}").read_text() for name in ("0-of-1", "0-of-2", "1-of-2"))
    assert first == second
    assert float(first) == pytest.approx(float(of_one), rel=1e-6)


def test_rows_in_two_processes_are_not_given_the_same_dropout(folder: Path) -> None:
    from_one, copies = (together(count, folder, train_on_copies, count) for count in (1, 2))
    assert from_one == [0]
    assert copies == [0, 0]
    of_one, two = (load_file(folder / f"copies-{count}/model.safetensors") for count in (1, 2))
    assert max(np.abs(two[name] - weight).max() for name, weight in of_one.items()) > 1e-3


def test_two_processes_write_the_same_bytes_as_one(folder: Path) -> None:
    for count in (1, 2):
        assert together(count, folder, sample_from, "opt", f"{count}/synthetic.parquet") == [0] * count
    of_one, two = (folder / f"{count}/synthetic.parquet" for count in (1, 2))
    helpers.assert_made_alike(of_one, two)
    assert len(set(Dataset.open(of_one).head("tokens", 30)[:, 0].tolist())) > 1
