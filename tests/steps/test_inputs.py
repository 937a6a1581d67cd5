"""A job refuses to build on an artefact that is not as it was recorded, in one line that names the file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from heirloom import cli
from heirloom.artefacts import manifest, paths
from heirloom.errors import BAD_INPUT, HeirloomError

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
    assert refused().startswith(f"{TRAIN}: not the bytes that {paths.fingerprint(TRAIN)} records; heirloom repair {TRAIN} repairs it")


def test_a_manifest_of_another_version_is_named(sealed: Path) -> None:
    content = json.loads(Path(paths.manifest(TRAIN)).read_text())
    Path(paths.manifest(TRAIN)).write_text(manifest.manifest_text({**content, "sha256": "0" * 64}))
    assert refused().startswith(f"{paths.manifest(TRAIN)}: records other bytes than {paths.fingerprint(TRAIN)}; ")


def test_a_missing_artefact_is_named(sealed: Path) -> None:
    sealed.unlink()
    assert refused().startswith(f"{TRAIN}: missing; ")


@pytest.mark.parametrize("command", ["mix", "train", "sample", "select", "evaluate", "chain"])
def test_every_step_looks_at_every_input_before_it_begins(
    sealed: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = {
        "mix": ["pool", "original", "synthetic"],
        "train": ["train", "start"],
        "sample": ["checkpoint", "train", "prompts", "tokenizer", "judge"],
        "select": ["synthetic", "origin", "parent", "judges", "original"],
        "evaluate": ["checkpoint", "train", "synthetic", "held-out", "original", "origin"],
        "chain": ["pool", "held-out", "original", "checkpoint", "judges"],
    }[command]
    outputs = {"mix": "train", "train": "checkpoint", "sample": "synthetic", "select": "selected", "evaluate": "metrics"}
    output = outputs.get(command, "trajectory")
    for bad in inputs:
        arguments = [part for name in inputs for part in (f"--{name}", "bad" if name == bad else TRAIN)]
        line = ["heirloom", command, "--slice", '{"num_threads": 1}', *arguments, f"--{output}", "out"]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as exit_info:
            cli.main()
        assert exit_info.value.code == BAD_INPUT
        assert capsys.readouterr().err == "heirloom: bad.fingerprint.json: missing; run snakemake, or fetch it with dvc pull\n"


LINEAGE = "data/toy/replace/seed=0"


def seal_at(path: str, **slice_: object) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(path.encode())
    manifest.seal([path], {"slice": slice_})
    return path


def swap(one: str, other: str) -> None:
    """Exchange two artefacts with their fingerprints and manifests."""
    for spelled in (str, paths.fingerprint, paths.manifest):
        first, second = Path(spelled(one)), Path(spelled(other))
        aside = first.with_name("aside")
        first.rename(aside)
        second.rename(first)
        aside.rename(second)


@pytest.mark.parametrize(
    "other",
    [
        "data/toy/replace/seed=0/gen=4/train.parquet",
        "data/toy/replace/seed=1/gen=3/train.parquet",
        "data/toy/keep/seed=0/gen=3/train.parquet",
        "data/another/replace/seed=0/gen=3/train.parquet",
        "data/toy/replace/seed=0/gen=3/synthetic.parquet",
        "data/toy/real/train.parquet",
    ],
)
def test_an_artefact_that_was_exchanged_with_all_its_notes_is_refused(sealed: Path, other: str) -> None:
    artefact = seal_at(f"{LINEAGE}/gen=3/train.parquet")
    seal_at(other)
    swap(artefact, other)
    with pytest.raises(HeirloomError) as caught:
        manifest.check(artefact)
    reason = f"belongs to {other}, not to {artefact}"
    assert str(caught.value) == f"{paths.manifest(artefact)}: {reason}; heirloom repair {artefact} repairs it"


@pytest.mark.parametrize(("key", "value"), [("generation", 4), ("seed", 1), ("regime", "keep")])
def test_a_manifest_of_schema_1_is_held_to_its_place_by_its_slice(sealed: Path, key: str, value: object) -> None:
    place = seal_at(f"{LINEAGE}/gen=3/train.parquet", **{"generation": 3, "seed": 0, "regime": "replace", key: value})
    content = json.loads(Path(paths.manifest(place)).read_text())
    del content["path"], content["digest"]
    Path(paths.manifest(place)).write_text(json.dumps({**content, "schema_version": 1}))
    with pytest.raises(HeirloomError, match=rf"records {key} {value}, not (3|0|replace); heirloom repair"):
        manifest.check(place)


def test_a_manifest_is_valid_in_another_folder_that_holds_the_project(sealed: Path, tmp_path: Path) -> None:
    place = seal_at(f"{LINEAGE}/gen=3/train.parquet", generation=3, seed=0, regime="replace")
    manifest.check(tmp_path / place)
    (tmp_path / "elsewhere").mkdir()
    Path("data").rename("elsewhere/data")
    manifest.check(f"elsewhere/{place}")
