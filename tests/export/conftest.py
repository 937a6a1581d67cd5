"""A small project with a text and a vector experiment, made in this process by the real steps, committed to git."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Kind
from heirloom.steps import evaluate, mix, real, sample, train
from helpers import environment, make_workspace

os.environ.setdefault("HF_HUB_OFFLINE", "1")

CONFIG = {
    "regimes": {"keep": {"original": {"share": 0.25, "draw": "redrawn"}}},
    "experiments": {
        "lm": {
            "family": {
                "name": "transformer",
                "training": {
                    "architecture": {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "intermediate_size": 32},
                    "origin": {"epochs": 1, "learning_rate": 0.01, "batch_rows": 8},
                    "generation": {"epochs": 1, "learning_rate": 0.01, "batch_rows": 8},
                },
            },
            "source": {
                "name": "files",
                "paths": ["corpus/*.txt"],
                "license": "cc-by-4.0",
                "text": {"vocab_size": 300, "row_tokens": 8},
            },
            "regimes": ["keep"],
            "generations": 1,
            "rows": 20,
            "evaluation_rows": 5,
        },
        "bell": {
            "family": {"name": "gaussian"},
            "source": {"name": "normal", "rows": 40, "test_rows": 2},
            "regimes": ["keep"],
            "generations": 1,
            "rows": 8,
        },
    },
}
WHO = {f"GIT_{role}_{what}": "me@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
WHEN = {"GIT_AUTHOR_DATE": "2026-01-02T03:04:05+00:00", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05+00:00"}

Shell = Callable[..., str]


def shell(*arguments: str) -> str:
    """Run a command in the working folder and return what it printed; it fails the test unless the exit status is 0."""
    done = subprocess.run(arguments, env={**environment(), **WHO, **WHEN}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def sh() -> Shell:
    """Return a function that runs a command in the working folder."""
    return shell


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project's folder; only ever copied."""
    folder = make_workspace(tmp_path_factory.mktemp("made") / "project")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        config = configuration.load("config.yaml")
        _lineage(config, "lm", _real_text(config))
        real.run_vectors(slice_of("real", config, "bell"), {"train": kinds.REAL_TRAIN.path("bell"), "test": kinds.REAL_TEST.path("bell")})
        _lineage(config, "bell", None)
        for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "a version")):
            shell("git", *arguments)
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the project, which is the working folder."""
    shutil.copytree(made, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def _real_text(config: configuration.Config) -> str:
    files = {split: getattr(kinds, f"REAL_{split.upper()}").path("lm") for split in ("train", "valid", "test")}
    tokenizer = kinds.TOKENIZER.path("lm")
    real.run_text(slice_of("real", config, "lm"), {**files, "tokenizer": tokenizer, "documents": kinds.DOCUMENTS.path("lm")})
    return tokenizer


def _lineage(config: configuration.Config, name: str, tokenizer: str | None) -> None:
    """Make generations 0 and 1 of the regime `keep`."""

    def at(kind: Kind, generation: int) -> str:
        return kind.path(name, "keep", 0, generation)

    pool, held_out = kinds.REAL_TRAIN.path(name), kinds.REAL_TEST.path(name)
    original, origin, synthetic = at(kinds.TRAIN, 0), at(kinds.CHECKPOINT, 0), at(kinds.SYNTHETIC, 1)
    key = config, name, "keep", 0
    mix.run(slice_of("mix", *key, 0), {"pool": pool}, {"train": original})
    train.run(slice_of("train", *key, 0), {"train": original}, {"checkpoint": origin})
    prompts = original if tokenizer else ""
    inputs = {"checkpoint": origin, "train": original, "prompts": prompts, "tokenizer": tokenizer or "", "judge": ""}
    sample.run(slice_of("sample", *key, 1), inputs, {"synthetic": synthetic})
    mix.run(slice_of("mix", *key, 1), {"pool": pool, "original": original, "synthetic": synthetic}, {"train": at(kinds.TRAIN, 1)})
    train.run(slice_of("train", *key, 1), {"train": at(kinds.TRAIN, 1), "start": origin}, {"checkpoint": at(kinds.CHECKPOINT, 1)})
    inputs = {"checkpoint": at(kinds.CHECKPOINT, 1), "train": at(kinds.TRAIN, 1), "synthetic": synthetic}
    shared = {"held_out": held_out, "original": original, "origin": origin}
    evaluate.run(slice_of("evaluate", *key, 1), {**inputs, **shared}, {"metrics": at(kinds.METRICS, 1)})
