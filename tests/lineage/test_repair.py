"""Repair: what was damaged has its recorded bytes again, in the workspace and in DVC's cache, by the first road that gives them."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml

from heirloom.artefacts import manifest, paths
from heirloom.artefacts.files import replacing
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, pointers, verify_records
from heirloom.lineage.pointers import Pointer
from heirloom.lineage.record import RecordReport, record
from heirloom.lineage.repair import NEWER, remaining_damage, repair, total
from heirloom.lineage.verify import verify
from toy_project import CONFIG, LINEAGE, MODEL, UP_TO_DATE, Shell, cache_is_intact, change_rows, commit, snakemake

pytestmark = pytest.mark.slow

FIRST_MODEL = LINEAGE / "gen=1/checkpoint/model.safetensors"
STORE = Path("../store")


def rot(path: Path, place: int = 50) -> None:
    """Change one bit of a file through whatever links it has, as a disk does, or root."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        content = bytearray(file.read())
        content[min(place, len(content) - 1)] ^= 1
        file.seek(0)
        file.write(content)
    path.chmod(0o444)


def store(sh: Shell) -> None:
    """Give the project a remote, and push to it."""
    sh("dvc", "remote", "add", "-q", "-d", "store", str(STORE.resolve()))
    commit(sh)
    sh("dvc", "push", "-q")


def on_remote(path: Path) -> Path:
    """Return where the remote has the bytes that DVC has recorded of a file."""
    md5 = (dvc.listing(str(LINEAGE)) or {})[str(path)]
    return STORE / "files/md5" / md5[:2] / md5[2:]


def repaired(*references: str, **options: bool) -> list[str]:
    """Return what the command prints, without the places of objects, which vary."""
    outcomes = list(repair(references, CONFIG, **options))
    outcomes += [] if "dry" in options else remaining_damage(references, outcomes)
    lines = [*map(str, outcomes), total(outcomes, dry="dry" in options)]
    return [re.sub(r"[^ (]*/files/md5/[0-9a-f/]+(\.dir)?", "OBJECT", line) for line in lines]


def flipped(content: bytes, bit: int) -> bytes:
    """Return bytes with one bit changed."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def mismatches() -> list[str]:
    return [str(mismatch) for checked in verify(cache_too=True) for mismatch in checked.mismatches]


def test_a_file_that_rots_with_its_object_in_the_cache_is_repaired_from_the_remote_pushed_cloned_and_verified(
    recorded: RecordReport, sh: Shell
) -> None:
    store(sh)
    right = FIRST_MODEL.read_bytes()
    rot(FIRST_MODEL)
    sh("dvc", "checkout", "--force", "-q")
    assert FIRST_MODEL.read_bytes() != right  # DVC has put the damaged object back
    line = f"{FIRST_MODEL}: from the remote 'store' (OBJECT was damaged, too)"
    total = "1 {}: 1 from the remote 'store', 0 artefacts redone; 0 not repaired"
    assert repaired(dry=True) == [line, total.format("would be repaired")]
    assert FIRST_MODEL.read_bytes() != right
    assert repaired() == [line, total.format("repaired")]
    assert FIRST_MODEL.read_bytes() == right
    assert FIRST_MODEL.stat().st_nlink == 2
    assert cache_is_intact()
    assert mismatches() == []
    shutil.rmtree(STORE)
    sh("dvc", "push", "-q")
    sh("git", "clone", "-q", ".", "../clone")
    sh("dvc", "--cd", "../clone", "pull", "-q")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir("../clone")
        assert sh("heirloom", "verify").endswith("all as recorded\n")
    assert sh("dvc", "status") == UP_TO_DATE


def test_what_the_cache_and_the_remote_hold_damaged_is_redone_and_replaced_on_the_remote(recorded: RecordReport, sh: Shell) -> None:
    store(sh)
    right = FIRST_MODEL.read_bytes()
    damaged = on_remote(FIRST_MODEL)
    rot(FIRST_MODEL)
    rot(damaged)
    why = "the remote 'store' holds damaged bytes in OBJECT: heirloom repair --remote replaces them there; OBJECT was damaged, too"
    assert repaired("toy/replace") == [
        f"{FIRST_MODEL}: from snakemake, redone ({why})",
        "1 repaired: 1 artefact redone; 0 not repaired",
    ]
    assert FIRST_MODEL.read_bytes() == right
    assert cache_is_intact()
    assert sh("dvc", "push") == "Everything is up to date.\n"
    assert damaged.read_bytes() != right  # DVC does not look at what it believes to be there
    lines = repaired(on_remote=True)
    assert lines == ["OBJECT on the remote 'store': from DVC's cache", "1 repaired: 1 from DVC's cache, 0 artefacts redone; 0 not repaired"]
    assert damaged.read_bytes() == right


def test_only_what_exists_nowhere_is_redone_and_in_the_order_in_which_it_is_made(recorded: RecordReport, sh: Shell) -> None:
    bytes_before = {path: path.read_bytes() for path in Path("data").rglob("[!.]*") if path.is_file()}
    inodes = {path: path.stat().st_ino for path in bytes_before}
    damaged = [Path("data/toy/real/train.parquet"), FIRST_MODEL, LINEAGE / "gen=1/provenance.jsonl"]
    for path in damaged:
        rot(path)
    (LINEAGE / "gen=2/checkpoint.fingerprint.json").unlink()
    (LINEAGE / "gen=2/checkpoint/stray").touch()
    lines = repaired()
    assert [line.partition(" (")[0] for line in lines] == [
        f"{LINEAGE}/gen=2/checkpoint.fingerprint.json: from DVC's cache",
        f"{LINEAGE}/gen=2/checkpoint/stray: moved to .heirloom/replaced/{LINEAGE}/gen=2/checkpoint/stray",
        f"{LINEAGE}/gen=1/provenance.jsonl: from Snakemake's own records",
        "data/toy/real/train.parquet: from snakemake, redone",
        f"{FIRST_MODEL}: from snakemake, redone",
        "5 repaired: 1 from DVC's cache, 1 moved, 1 from Snakemake's own records, 2 artefacts redone; 0 not repaired",
    ]
    assert {path: path.read_bytes() for path in bytes_before} == bytes_before
    assert mismatches() == []
    untouched = bytes_before.keys() - {*damaged, LINEAGE / "gen=2/checkpoint.fingerprint.json"}
    assert {path for path in untouched if path.stat().st_ino != inodes[path]} == set()
    assert "Nothing to be done" in snakemake(sh)


def test_a_job_that_gives_other_bytes_changes_nothing_and_says_so(recorded: RecordReport, sh: Shell) -> None:
    Path("step.py").write_text(Path("step.py").read_text().replace('"x" * 100_000', '"y" * 100_000'))
    rot(FIRST_MODEL)
    bytes_before = {path: path.read_bytes() for path in Path("data").rglob("*") if path.is_file()}
    why = "redone, and other bytes came: not comparable here (another kind of machine, other library versions), or the record is wrong"
    assert repaired() == [f"{FIRST_MODEL}: not repaired: {why}", "0 repaired: 0 artefacts redone; 1 not repaired"]
    assert {path: path.read_bytes() for path in bytes_before} == bytes_before
    assert repaired("toy/replace/0/2") == ["nothing to repair: all as recorded"]


def test_pointers_listings_and_the_ledger_come_from_git_or_from_files_that_agree(recorded: RecordReport, sh: Shell) -> None:
    pointer, ledger = Path(f"{LINEAGE}.dvc"), Path("results/lineage.tsv")
    md5 = yaml.safe_load(pointer.read_text())["outs"][0]["md5"]
    pointer.write_text(pointer.read_text().replace("hash: md5", "hash: mdu"))
    dvc.cache_path(md5).unlink()
    ledger.write_text(ledger.read_text().replace("gen=2", "gen=8"))
    Path("data/toy/origin/seed=0.dvc").unlink()
    assert repaired() == [
        "data/toy/origin/seed=0.dvc: from git",
        "OBJECT: from the files that lie here",
        f"{pointer}: from git",
        f"{ledger}: from git (does not name {LINEAGE}/gen=2/checkpoint and 1 more; heirloom repair repairs it)",
        "4 repaired: 3 from git, 1 from the files that lie here, 0 artefacts redone; 0 not repaired",
    ]
    assert sh("git", "status", "--short") == ""
    dvc.cache_path(md5).unlink()
    rot(FIRST_MODEL)
    repaired()  # the job first, then the listing from its files
    assert mismatches() == []
    text = ledger.read_text()
    ledger.write_text("path\tsha256\tsize\tinputs\n")
    sh("git", "commit", "-qam", "an empty ledger")
    assert sh("heirloom", "verify", status=1).startswith(
        "results/lineage.tsv: does not name data/toy/origin/seed=0/gen=0/checkpoint and 1 m"
    )
    assert "results/lineage.tsv: from the manifests" in repaired()[0]
    assert ledger.read_text() == text


def test_without_dvc_the_notes_tell_what_was_recorded(recorded: RecordReport, sh: Shell) -> None:
    shutil.rmtree(".dvc")
    for pointer in Path("data").rglob("*.dvc"):
        pointer.unlink()
    right = FIRST_MODEL.read_bytes()
    rot(FIRST_MODEL)
    rot(LINEAGE / "gen=2/checkpoint.fingerprint.json")
    assert repaired() == [
        f"{LINEAGE}/gen=2/checkpoint.fingerprint.json: from its artefact",
        f"{LINEAGE}/gen=1/checkpoint: from snakemake, redone",
        "2 repaired: 1 from its artefact, 1 artefact redone; 0 not repaired",
    ]
    assert FIRST_MODEL.read_bytes() == right


def test_a_forged_version_makes_room_and_is_kept_and_one_that_nobody_has_recorded_stays(recorded: RecordReport, sh: Shell) -> None:
    shutil.move(LINEAGE / "gen=1", "x")
    shutil.copytree(LINEAGE / "gen=2", LINEAGE / "gen=1")
    forged = FIRST_MODEL.read_bytes()
    assert repaired()[-1].endswith("from DVC's cache, 0 artefacts redone; 0 not repaired")
    assert Path(".heirloom/replaced", FIRST_MODEL).read_bytes() == forged
    assert mismatches() == []
    change_rows()
    snakemake(sh)
    Path(".heirloom/unrecorded").touch()
    newer = FIRST_MODEL.read_bytes()
    assert repaired("toy/replace/0/1") == [
        f"{LINEAGE}/gen=1/checkpoint: not repaired: {NEWER}",
        f"{LINEAGE}/gen=1/metrics.json: not repaired: {NEWER}",
        "0 repaired: 0 artefacts redone; 2 not repaired",
    ]
    assert FIRST_MODEL.read_bytes() == newer


def test_lineages_that_were_exchanged_pointers_and_all_come_back_and_the_ledger_never_follows_them(
    recorded: RecordReport, sh: Shell
) -> None:
    origin, text = Path("data/toy/origin"), Path("results/lineage.tsv").read_text()
    LINEAGE.parent.rename("aside")
    origin.rename(LINEAGE.parent)
    Path("aside").rename(origin)
    report = record(CONFIG, complete=True)
    assert report.recorded == ()
    assert any("belongs to data/toy/" in line for line in report.missing)
    assert sh("heirloom", "record", status=1).startswith("not recorded: data/toy/")
    assert Path("results/lineage.tsv").read_text() == text
    lines = repaired()
    assert lines[-1].endswith("0 artefacts redone; 0 not repaired"), lines
    assert Path("results/lineage.tsv").read_text() == text
    assert mismatches() == []


def test_artefacts_that_were_exchanged_are_repaired_after_a_record_too(recorded: RecordReport, sh: Shell) -> None:
    for note in ("metrics.json", "metrics.fingerprint.json", "metrics.manifest.json"):
        first, second = LINEAGE / "gen=1" / note, LINEAGE / "gen=2" / note
        first.rename("aside")
        second.rename(first)
        Path("aside").rename(second)
    assert "belongs to" in record(CONFIG, complete=True).missing[0]
    assert repaired()[-1].endswith("0 artefacts redone; 0 not repaired")
    assert mismatches() == []


def test_a_forgery_that_what_was_made_from_it_contradicts_is_not_recorded(recorded: RecordReport, sh: Shell) -> None:
    text, checkpoint = Path("results/lineage.tsv").read_text(), LINEAGE / "gen=1/checkpoint"
    content = manifest.read(paths.manifest(checkpoint))
    with replacing(FIRST_MODEL) as temporary:
        temporary.write_text("forged")
    manifest.seal([checkpoint], {"slice": content["slice"], "inputs": manifest.inputs(content), "environment": {}})
    report = record(CONFIG, complete=True)
    assert (report.recorded, report.left_out) == ((), (str(LINEAGE / "gen=1"),))
    assert Path("results/lineage.tsv").read_text() == text
    assert sh("git", "status", "--short") == ""


def test_the_command_prints_a_line_for_each_file_and_one_for_bad_input(recorded: RecordReport, sh: Shell) -> None:
    with pytest.raises(HeirloomError, match=r"^'toy/replac': nothing of that name lies under data/;"):
        repaired("toy/replac")
    with pytest.raises(HeirloomError, match=r"^toy/replace/0/1@HEAD: repair repairs what lies on disk; "):
        repaired("toy/replace/0/1@HEAD")
    assert sh("heirloom", "repair", "--config", "no.yaml", status=2) == "heirloom: no.yaml: no such config file\n"
    MODEL.unlink()
    line = f"{MODEL}: from DVC's cache\n1 {{}}: 1 from DVC's cache, 0 artefacts redone; 0 not repaired\n"
    assert sh("heirloom", "repair", "-n", status=1) == line.format("would be repaired")
    assert sh("heirloom", "repair") == line.format("repaired")


def test_every_bit_of_a_pointer_that_flips_is_named(recorded: RecordReport) -> None:
    lineage = "data/toy/real"
    file = pointers.file_of(lineage)
    right = file.read_bytes()
    silent = []
    for bit in range(8 * len(right)):
        file.write_bytes(flipped(right, bit))
        if not any(checked.mismatches for checked in verify(lineage)):
            silent.append(bit)
    assert silent == []
    file.write_bytes(right)
    assert next(iter(verify(lineage))).mismatches == ()


def test_a_pointer_is_read_strictly() -> None:
    """714 of 816 flips are refused by the reader, 102 change a number or a digit, and none gives the same pointer."""
    pointer = Pointer("afebcd5eede01dfba251af38d82d063c.dir", 102134, 4, "real")
    right, outcomes = pointer.text.encode(), []
    for bit in range(8 * len(right)):
        try:
            outcomes.append("equal" if pointers.parse(flipped(right, bit), "data/toy/real") == pointer else "differs")
        except HeirloomError:
            outcomes.append("refused")
    assert Counter(outcomes) == {"refused": 714, "differs": 102}
    without_size = f"outs:\n- md5: {pointer.md5}\n  nfiles: 4\n  hash: md5\n  path: real\n"  # DVC writes so when a part was added
    assert pointers.parse(without_size.encode(), "data/toy/real") == Pointer(pointer.md5, None, 4, "real")


def test_every_bit_of_the_ledger_that_flips_is_named(recorded: RecordReport) -> None:
    ledger = Path("results/lineage.tsv")
    right = ledger.read_bytes()
    silent = []
    for bit in range(0, 8 * len(right), 13):
        ledger.write_bytes(flipped(right, bit))
        if not any(checked.mismatches for checked in verify(fast=True)):
            silent.append(bit)
    assert silent == []
    ledger.unlink()
    assert [str(mismatch) for checked in verify(fast=True) for mismatch in checked.mismatches] == [
        "results/lineage.tsv: missing, but git has it; git checkout -- results/lineage.tsv or heirloom repair repairs it"
    ]


def test_the_cache_is_read_before_a_push(recorded: RecordReport, sh: Shell) -> None:
    metrics = LINEAGE / "gen=1/metrics.manifest.json"
    md5 = (dvc.listing(str(LINEAGE)) or {})[str(metrics)]
    shutil.copy(metrics, "x")
    rot(dvc.cache_path(md5))
    Path("x").replace(metrics)
    assert [line for checked in verify() for line in checked.mismatches] == []
    what = f"damaged, the cache's bytes of {metrics}, which dvc push would send; heirloom repair {metrics} repairs it"
    assert sh("heirloom", "verify", "--cache", status=1).splitlines()[0] == f"{dvc.cache_path(md5)}: {what}"
    assert repaired()[0] == "OBJECT: from an equal file in data/"
    assert mismatches() == []
    dvc.cache_path(md5).unlink()
    assert mismatches() == [f"{metrics}: not in DVC's cache, and so dvc push would not send it; heirloom repair {metrics} repairs it"]
    repaired("toy/replace/0/1")
    assert mismatches() == []
    assert verify_records.cache_mismatches({}, []) == []
