"""Processes that share a fine-tuning or its sampling: the same model up to rounding, the same text, and one that is killed goes on.

Pairs of a small transformer that are killed, or written in shards, are here too: their processes are forked from the same one.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import helpers
import small_lineages
from damage import cut
from heirloom import config as configuration
from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.data.dataset import Dataset
from heirloom.families import causal_lm
from shared_steps import (
    make_pairs_origin,
    note_gradient,
    note_learners,
    note_validation_loss,
    sample_from,
    sample_pairs,
    sample_pairs_in_shards,
    together,
    train_by_command,
    train_from,
    train_on_copies,
    train_on_pairs,
    train_pairs,
    train_until_killed,
    unequal_pairs,
    weighted_pairs,
)
from small_models import pretrained

VOCABULARY, CONTEXT = 300, 16
ORIGIN = kinds.CHECKPOINT.path("lm", "origin", 0, 0)
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


def test_each_process_holds_half_of_the_weights_and_learns_what_data_parallel_processes_learn(folder: Path) -> None:
    assert together(2, folder, note_learners, "llama", "learners") == [0, 0]
    first, second = (json.loads((folder / f"learners-{rank}.json").read_text()) for rank in (0, 1))
    for notes in (first, second):
        assert notes["whole"]["types"] == ["Parameter"]
        assert notes["sharded"]["types"] == ["DTensor"]
        for name, size in notes["whole"]["sizes"].items():
            assert notes["sharded"]["sizes"][name] == size / 2
        assert notes["sharded"]["norm"] == pytest.approx(notes["whole"]["norm"], rel=1e-5)
        assert notes["sharded"]["losses"] == pytest.approx(notes["whole"]["losses"], abs=1e-5)
        assert notes["sharded"]["lowest"] == pytest.approx(notes["whole"]["lowest"], abs=1e-5)
    assert first == second
    assert first["sharded"]["losses"][-1] < first["sharded"]["losses"][0] - 0.1


@pytest.mark.parametrize("network", ["native", "library"])
def test_a_weighted_step_in_parts_and_processes_has_the_gradient_of_one_mean_over_all_labelled_tokens(folder: Path, network: str) -> None:
    model, rows = causal_lm.load(folder / "llama").module, weighted_pairs()
    losses, num_labels = [], 0
    for row, weight in zip(rows.table().to_pylist(), rows.weights(), strict=True):
        ids = torch.tensor([row["prompt"] + row["tokens"]])
        labels = ids.masked_fill(torch.arange(ids.shape[1]) < len(row["prompt"]), -100)
        losses.append(float(weight) * len(row["tokens"]) * model(input_ids=ids, labels=labels).loss)
        num_labels += len(row["tokens"])
    (sum(losses) / num_labels).backward()
    for count, micro_rows in ((1, None), (2, 3)):
        assert together(count, folder, note_gradient, "llama", network, f"gradient-{network}-{count}.npz", micro_rows) == [0] * count
        gradient = np.load(folder / f"gradient-{network}-{count}.npz")
        assert len(gradient.files) == len(list(model.parameters()))
        for name, weight in model.named_parameters():
            np.testing.assert_allclose(gradient[name], weight.grad, atol=1e-6, rtol=1e-4)


def test_two_processes_learn_pairs_by_adapters_as_one_does_and_leave_a_checkpoint_that_one_opens(folder: Path) -> None:
    names, fit = ("pairs-1", "pairs-2"), {"lora": {"rank": 3, "checkpoint": "adapter"}, "micro_rows": 3}
    for count, name in zip((1, 2), names, strict=True):
        assert together(count, folder, train_on_pairs, "llama", name, fit) == [0] * count
    with contextlib.chdir(folder):
        start, of_one, two = (causal_lm.log_likelihoods(causal_lm.load(Path(name)), unequal_pairs(31), 8) for name in ("llama", *names))
    np.testing.assert_allclose(two, of_one, atol=1e-3)
    assert np.abs(of_one - start).max() > 0.1


def test_the_last_epoch_is_kept_beside_the_best_one_by_two_processes_too(folder: Path) -> None:
    fit = {"epochs": 5, "learning_rate": 0.3}
    best = trained(folder, 2, "llama", "both", last_epoch=True, **fit)
    last = trained(folder, 2, "llama", "last", best_epoch="last", **fit)
    beside = load_file(folder / "both/checkpoint/last_epoch/model.safetensors")
    assert all(np.array_equal(beside[name], weight) for name, weight in last.items())
    assert any(not np.array_equal(best[name], weight) for name, weight in last.items())


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


@pytest.fixture(scope="module")
def pairs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with generation 0 and what it writes."""
    run_folder = tmp_path_factory.mktemp("killed")
    assert together(1, run_folder, make_pairs_origin) == [0]
    assert together(1, run_folder, sample_pairs, "whole/synthetic.parquet") == [0]
    return run_folder


def test_a_training_on_pairs_killed_in_the_middle_goes_on_to_the_same_bytes(pairs_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert together(1, pairs_folder, train_pairs, "again/checkpoint", 7) == [-signal.SIGKILL]
    monkeypatch.chdir(pairs_folder)
    assert not Path("again/checkpoint").exists()
    assert len(list(paths.state("again/checkpoint").glob("*/training.*.safetensors"))) == 1
    assert together(1, pairs_folder, train_pairs, "again/checkpoint") == [0]
    assert recorded_sha256("again/checkpoint") == recorded_sha256(ORIGIN)
    assert not paths.state("again/checkpoint").exists()


def test_completions_killed_in_the_middle_go_on_to_the_same_bytes(pairs_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert together(1, pairs_folder, sample_pairs, "again/synthetic.parquet", 6) == [-signal.SIGKILL]
    monkeypatch.chdir(pairs_folder)
    assert not Path("again/synthetic.parquet").exists()
    assert len(list(paths.state("again/synthetic.parquet").glob("*/chunk-*.npy"))) == 5
    assert together(1, pairs_folder, sample_pairs, "again/synthetic.parquet") == [0]
    assert Path("again/synthetic.parquet").read_bytes() == Path("whole/synthetic.parquet").read_bytes()


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_shards_of_completions_are_the_bytes_of_one_job(pairs_folder: Path, shards: int) -> None:
    synthetic = f"shards-{shards}/synthetic.parquet"
    assert together(1, pairs_folder, sample_pairs_in_shards, synthetic, shards) == [0]
    assert (pairs_folder / synthetic).read_bytes() == (pairs_folder / "whole/synthetic.parquet").read_bytes()
