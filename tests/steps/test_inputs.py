"""A job refuses to build on an artefact that is not as it was recorded, in one line that names the file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from heirloom import cli, manifest, paths
from heirloom.errors import HeirloomError

TRAIN = "data/toy/real/train.parquet"


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path(TRAIN).parent.mkdir(parents=True)
    Path(TRAIN).write_bytes(b"rows")
    manifest.seal([TRAIN], {})
    return Path(TRAIN)


def refused() -> str:
    with pytest.raises(HeirloomError) as caught:
        manifest.check(TRAIN)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_artefact_as_recorded_is_taken(sealed: Path) -> None:
    manifest.check(TRAIN)


@pytest.mark.parametrize("beside", [paths.manifest, paths.fingerprint])
def test_a_missing_manifest_or_fingerprint_is_named(sealed: Path, beside: Callable[[str], str]) -> None:
    Path(beside(TRAIN)).unlink()
    assert refused() == f"{beside(TRAIN)}: missing; run snakemake, or fetch it with dvc pull"


def test_changed_bytes_of_the_same_size_are_noticed(sealed: Path) -> None:
    sealed.write_bytes(b"ROWS")
    assert refused().startswith(f"{TRAIN}: not the bytes that {paths.fingerprint(TRAIN)} tells of; dvc checkout --force {TRAIN} brings")


def test_a_manifest_of_another_version_is_named(sealed: Path) -> None:
    told = json.loads(Path(paths.manifest(TRAIN)).read_text())
    Path(paths.manifest(TRAIN)).write_text(json.dumps({**told, "sha256": "0" * 64}))
    assert refused().startswith(f"{paths.manifest(TRAIN)}: tells of other bytes than {paths.fingerprint(TRAIN)}; ")


def test_a_missing_artefact_is_named(sealed: Path) -> None:
    sealed.unlink()
    assert refused().startswith(f"{TRAIN}: missing; ")


@pytest.mark.parametrize("command", ["mix", "train", "sample", "select", "evaluate", "chain"])
def test_every_step_looks_at_every_input_before_it_begins(
    sealed: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {
        "mix": ["pool", "original", "synthetic"],
        "train": ["train", "start"],
        "sample": ["checkpoint", "train", "prompts", "tokenizer", "judge"],
        "select": ["synthetic", "origin", "parent"],
        "evaluate": ["checkpoint", "train", "synthetic", "held-out", "original", "origin"],
        "chain": ["pool", "held-out", "original", "checkpoint"],
    }[command]
    outputs = {"mix": "train", "train": "checkpoint", "sample": "synthetic", "select": "selected", "evaluate": "metrics"}
    output = outputs.get(command, "trajectory")
    for bad in given:
        arguments = [part for name in given for part in (f"--{name}", "bad" if name == bad else TRAIN)]
        line = ["heirloom", command, "--slice", '{"num_threads": 1}', *arguments, f"--{output}", "out"]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert left.value.code == cli.BAD_INPUT
        assert capsys.readouterr().err == "heirloom: bad.fingerprint.json: missing; run snakemake, or fetch it with dvc pull\n"
