"""Every byte under data/: any change is found, and named in one line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from rich.filesize import decimal

from heirloom.artefacts import paths
from heirloom.artefacts.files import read_json, replacing
from heirloom.artefacts.fingerprints import sha256_file
from heirloom.artefacts.manifest import inputs, manifest_text
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, ledger, references
from heirloom.lineage.record import RecordReport
from heirloom.lineage.repair import remaining_damage
from heirloom.lineage.verify import digests, total, verify
from toy_project import CONFIG, LINEAGE, Shell

GENERATION = Path("data/text/replace/seed=0/gen=2")
MANIFEST = GENERATION / "train.manifest.json"
NEXT = GENERATION.with_name("gen=3")
ORIGIN = "data/toy/origin/seed=0"
CHANGED = "changed: md5 …, DVC recorded …"


def mismatches(reference: str | None = None, *, fast: bool = False) -> list[str]:
    lines = [str(mismatch) for unit in verify(reference, fast=fast) for mismatch in unit.mismatches]
    return [re.sub(r"\b[0-9a-f]{12}\b", "…", line) for line in lines]


def flip(path: Path, place: int = -1) -> None:
    """Change one bit of a file, as a disk or a hand would: under the same name, but not through a link."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _md5(lineage: str) -> str:
    return str(yaml.safe_load(Path(f"{lineage}.dvc").read_text())["outs"][0]["md5"])


@pytest.fixture
def own_cache() -> None:
    """Ask DVC anew where its cache is, because each test has its own."""
    dvc._cache.cache_clear()


@pytest.mark.usefixtures("made_project")
def test_what_is_as_it_was_made_is_so_in_every_byte() -> None:
    checked = list(verify())
    assert [line for unit in checked for line in unit.mismatches] == []
    files = [path for path in Path("data").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    assert (sum(unit.files for unit in checked), sum(unit.size for unit in checked)) == (len(files), size)
    summary = f"{len(files)} files, {decimal(size)}: all as recorded; not compared with DVC (no .dvc/config in this folder"
    assert total(checked).startswith(summary)


@pytest.mark.usefixtures("made_project")
def test_one_read_gives_both_digests() -> None:
    path = GENERATION / "train.parquet"
    assert digests(path) == (sha256_file(path), dvc.md5(path), path.stat().st_size)
    assert digests(path, fast=True) == (sha256_file(path), "", path.stat().st_size)


def corrupt_parquet() -> None:
    flip(GENERATION / "train.parquet", 100)


def corrupt_checkpoint() -> None:
    flip(next(path for path in (GENERATION / "checkpoint").iterdir()), 100)


def corrupt_manifest() -> None:
    manifest = GENERATION / "train.manifest.json"
    manifest.write_text(manifest.read_text().replace('"num_threads": 1', '"num_threads": 2'))


def contradict_fingerprint() -> None:
    manifest = GENERATION / "train.manifest.json"
    manifest.write_text(manifest_text({**read_json(manifest), "sha256": "0" * 64}))


def corrupt_json() -> None:
    (GENERATION / "train.manifest.json").write_text("{")


def remove_manifest() -> None:
    (GENERATION / "train.manifest.json").unlink()


def remove_artefact() -> None:
    shutil.rmtree(GENERATION / "checkpoint")


def add_to_checkpoint() -> None:
    (GENERATION / "checkpoint/extra.txt").write_text("x")


def add_to_unit() -> None:
    (GENERATION / "notes.txt").write_text("x")


def add_outside() -> None:
    Path("data/stray.txt").write_text("x")


@pytest.mark.usefixtures("made_project")
def test_the_page_about_data_is_no_stray_file_and_one_of_its_name_elsewhere_is() -> None:
    Path("data/README.md").write_text("x")
    assert mismatches(fast=True) == []
    Path("data/text/README.md").write_text("x")
    assert mismatches(fast=True) == ["data/text/README.md: extra: no step writes there"]


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (corrupt_parquet, f"{GENERATION}/train.parquet: changed: sha256 …, the fingerprint says …"),
        (corrupt_checkpoint, f"{GENERATION}/checkpoint: changed: sha256 …, the fingerprint says …"),
        (corrupt_manifest, f"{MANIFEST}: not as it was written; heirloom repair {MANIFEST} repairs it"),
        (contradict_fingerprint, f"{MANIFEST}: disagrees with the fingerprint: …, and not …"),
        (corrupt_json, f"{GENERATION}/train.manifest.json: not valid JSON (Expecting property name enclosed in double quotes: line 1 …"),
        (remove_manifest, f"{GENERATION}/train.manifest.json: missing; run snakemake, or fetch it with dvc pull"),
        (remove_artefact, f"{GENERATION}/checkpoint: missing: its fingerprint is here"),
        (add_to_checkpoint, f"{GENERATION}/checkpoint: changed: sha256 …, the fingerprint says …"),
        (add_to_unit, f"{GENERATION}/notes.txt: extra or half made: it has no fingerprint"),
        (add_outside, "data/stray.txt: extra: no step writes there"),
    ],
)
@pytest.mark.usefixtures("made_project")
def test_each_kind_of_damage_is_found_and_named_with_sha256_alone(damage: Callable[[], None], line: str) -> None:
    damage()
    (said,) = mismatches(fast=True)
    assert re.sub(r"line 1 .*|x[0-9a-f]{11}", lambda hit: hit.group()[:1] + "…" if hit.group()[0] == "x" else "line 1 …", said) == line


@pytest.mark.usefixtures("made_project")
def test_the_ledger_in_git_tells_when_bytes_fingerprint_and_manifest_were_changed_together() -> None:
    ledger.write(references.units(None), [])
    for arm in ("replace", "accumulate", "origin"):
        Path(f"data/text/{arm}/seed=0.dvc").touch()
    for path in GENERATION.glob("train.*"):
        shutil.copy(str(path).replace("gen=2", "gen=3"), path)
    assert mismatches("text/replace/0/2", fast=True) == [
        f"{GENERATION}/checkpoint.manifest.json: made from {GENERATION}/train.parquet as …, but … lies there",
        f"{GENERATION}/train.fingerprint.json: says …, but results/lineage.tsv …",
        f"{GENERATION}/train.manifest.json: belongs to {NEXT}/train.parquet, not to {GENERATION}/train.parquet",
    ]
    for path in GENERATION.glob("train.*"):
        path.unlink()
    assert mismatches("text/replace/0/2", fast=True) == [f"{GENERATION}/train.parquet: missing: results/lineage.tsv names it"]


@pytest.mark.usefixtures("made_project")
def test_a_source_that_has_other_bytes_is_named_and_one_that_is_absent_is_not() -> None:
    train = Path("data/text/real/train.parquet")
    source = next(Path(edge.path) for edge in inputs(read_json(paths.manifest(train))) if edge.role.endswith("source"))
    content = source.read_bytes()
    source.write_bytes(content + b"x")
    (line,) = mismatches("text/real", fast=True)
    assert re.fullmatch(rf"{source}: changed since data/text/real/\w+\.\w+ was made from it; snakemake makes it again", line)
    source.unlink()
    (line,) = mismatches("text/real", fast=True)
    assert re.fullmatch(
        rf"{source}: missing, though data/text/real/\w+\.\w+ was made from it; snakemake makes it again from what is here", line
    )
    assert [str(outcome).partition(": missing")[0] for outcome in remaining_damage(["text/real"], [], dry=True)] == [
        f"{source}: not repaired"
    ]
    shutil.rmtree("corpus")
    checked = list(verify("text/real", fast=True))
    assert [mismatch for unit in checked for mismatch in unit.mismatches] == []
    assert "; 12 source files are not on this machine, and not compared" in total(checked, fast=True)


@pytest.mark.usefixtures("made_project")
def test_a_reference_limits_what_is_read() -> None:
    corrupt_parquet()
    assert mismatches("text/accumulate") == []
    assert len(mismatches("text/replace/0/2")) == 1
    with pytest.raises(HeirloomError, match=r"^'text/replac': nothing of that name lies under data/"):
        mismatches("text/replac")
    with pytest.raises(HeirloomError, match=r"^text/replace/0/2@HEAD: verify reads what lies on disk; git checkout and dvc checkout"):
        mismatches("text/replace/0/2@HEAD")


METRICS = f"{LINEAGE}/gen=1/metrics.fingerprint.json"


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
def test_dvcs_record_covers_the_small_files_too(recorded: RecordReport) -> None:
    assert mismatches() == []
    flip(LINEAGE / "gen=1/checkpoint/model.safetensors", 5_000)
    flip(LINEAGE / "gen=1/metrics.fingerprint.json", -1)  # the newline at its end
    flip(LINEAGE / "gen=2/provenance.jsonl", -1)
    (LINEAGE / "gen=2/metrics.json").unlink()
    (LINEAGE / "gen=2/checkpoint/extra.txt").write_text("x")
    shutil.rmtree("data/toy/origin/seed=0")
    assert mismatches() == [
        f"{ORIGIN}: missing: nothing of it is here; dvc pull {ORIGIN}.dvc or heirloom repair {ORIGIN}",
        f"{LINEAGE}/gen=1/checkpoint: changed: sha256 …, the fingerprint says …",
        f"{LINEAGE}/gen=1/checkpoint/model.safetensors: {CHANGED}",
        f"{METRICS}: not valid JSON (Extra data: line 5 column 2 (char 118)); heirloom repair {METRICS} repairs it; {CHANGED}",
        f"{LINEAGE}/gen=2/checkpoint: changed: sha256 …, the fingerprint says …",
        f"{LINEAGE}/gen=2/checkpoint/extra.txt: unrecorded: DVC does not know it; heirloom record",
        f"{LINEAGE}/gen=2/metrics.json: missing: its fingerprint is here; missing: DVC has a record of it",
        f"{LINEAGE}/gen=2/provenance.jsonl: {CHANGED}",
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
def test_a_lineage_without_a_record_and_damaged_or_absent_records_are_named(recorded: RecordReport, sh: Shell) -> None:
    Path("data/toy/real.dvc").unlink()
    damaged, absent = (dvc.cache_path(_md5(lineage)) for lineage in (ORIGIN, str(LINEAGE)))
    flip(damaged)
    absent.unlink()
    output = sh("heirloom", "verify", status=1)
    assert output.splitlines()[:-1] == [
        f"{damaged}: DVC's listing of {ORIGIN} is damaged; heirloom repair {ORIGIN} repairs it",
        "data/toy/real.dvc: missing, but git has it; git checkout -- data/toy/real.dvc or heirloom repair data/toy/real repairs it",
        f"{LINEAGE}: not compared with DVC: its record is not in the cache; dvc fetch {LINEAGE}.dvc or heirloom repair {LINEAGE}",
    ]
    assert output.splitlines()[-1].endswith(": 3 mismatches")
    assert sh("heirloom", "verify", "--fast").endswith("all as recorded; not compared with DVC (left out by --fast)\n")


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
def test_a_checkpoint_that_the_config_lets_go_was_dropped_and_is_not_missing(recorded: RecordReport, sh: Shell) -> None:
    shutil.rmtree(LINEAGE / "gen=1/checkpoint")
    fault = f"{LINEAGE}/gen=1/checkpoint: missing: its fingerprint is here"
    assert mismatches(fast=True) == [fault]
    message = (
        f"{LINEAGE}/gen=1/checkpoint: missing, though results/lineage.tsv names it, and stays recorded: heirloom repair brings it back"
    )
    assert sh("heirloom", "record") == f"nothing new to record; {message}\n"
    assert mismatches(fast=True) == [fault]
    CONFIG.write_text(f"{CONFIG.read_text().rstrip()}\n    keep_checkpoints: last\n")
    assert sh("heirloom", "record") == "recorded 1 lineage folder\n"
    assert mismatches() == []
    assert mismatches(fast=True) == []
    assert sh("heirloom", "repair") == "nothing to repair: all as recorded\n"
    shutil.rmtree(LINEAGE / "gen=2/checkpoint")
    assert mismatches(fast=True) == [fault.replace("gen=1", "gen=2")]
