"""Three users, each beginning with a bare clone, and what Snakemake runs for them: the jobs that their change asks for, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from heirloom.artefacts.fingerprints import fingerprint
from heirloom.lineage import pointers
from toy_project import CONFIG, UP_TO_DATE, Shell, commit, planned_totals, set_generations

pytestmark = [pytest.mark.slow, pytest.mark.system]

LINEAGE = Path("data/steps/replace/seed=0")
TABLES = {"summarise": 1, "plot": 1}


def run(sh: Shell) -> dict[str, int]:
    """Run the workflow; return what was planned, having seen that so many jobs ran and that nothing is left."""
    planned = planned_totals(sh)
    step_counts = re.findall(r"(\d+) of (\d+) steps", sh("snakemake"))
    assert step_counts[-1] == (str(sum(planned.values()) + 1),) * 2  # the target rule is a step
    assert planned_totals(sh) == {}
    return planned


def prints() -> dict[str, str]:
    """Return artefact's fingerprint file → recorded sha256, of all that is on disk."""
    return {path.as_posix(): json.loads(path.read_text())["sha256"] for path in sorted(Path("data").rglob("*.fingerprint.json"))}


def at(published: Path, tag: str, sh: Shell) -> dict[str, str]:
    """Return path → sha256 of every artefact that the ledger of a tag names."""
    lines = sh("git", "-C", str(published / "project.git"), "show", f"{tag}:results/lineage.tsv").splitlines()[1:]
    return {line.split("\t")[0]: line.split("\t")[1] for line in lines}


def on_disk(names: dict[str, str]) -> dict[str, str]:
    return {path: fingerprint(Path(path))["sha256"] for path in names if Path(path).exists()}


def test_a_researcher_pulls_edits_one_key_runs_and_publishes(elsewhere: Path, sh: Shell) -> None:
    sh("git", "checkout", "-q", "-b", "keep", "first")
    sh("dvc", "pull", "-q")
    assert planned_totals(sh) == {}
    CONFIG.write_text(CONFIG.read_text().replace("replace: {}", "replace: {original: {share: 0.1}}"))
    # the origin and what it wrote stay; what is mixed from it is new
    assert run(sh) == {"mix": 1, "train": 1, "evaluate": 1, **TABLES}
    assert sh("dvc", "status") == UP_TO_DATE
    changed = {line.split("\t")[0] for line in sh("git", "diff", "-U0", "results/lineage.tsv").splitlines() if line.startswith("+data")}
    assert changed == {f"+{LINEAGE}/gen=1/{name}" for name in ("train.parquet", "checkpoint", "metrics.json")}
    sh("dvc", "remote", "modify", "--local", "store", "url", "../store")
    commit(sh)
    assert "files pushed" in sh("dvc", "push")


def test_somebody_who_curates_gets_old_bytes_back_and_can_make_them_again(elsewhere: Path, published: Path, sh: Shell) -> None:
    old = at(published, "first", sh)
    sh("dvc", "fetch", "-q", "--all-tags")
    sh("heirloom", "restore")
    assert "gen=2" in sh("git", "diff", "first", "second", "--", "results/lineage.tsv")
    sh("git", "checkout", "-q", "first")
    sh("heirloom", "restore")
    assert on_disk(old) == old
    assert not (LINEAGE / "gen=2/checkpoint").exists()
    assert planned_totals(sh) == {}
    sh("git", "clone", "-q", "--branch", "first", str(published / "project.git"), "../again")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir("../again")
        sh("snakemake")
        assert on_disk(old) == old
        assert sh("git", "status", "--short") == ""


def test_a_collaborator_goes_on_with_one_more_generation_to_the_same_bytes(elsewhere: Path, published: Path, sh: Shell) -> None:
    sh("git", "checkout", "-q", "first")
    sh("dvc", "pull", "-q")
    set_generations(2)
    assert run(sh) == {"mix": 1, "train": 1, "sample": 1, "evaluate": 1, **TABLES}
    new = at(published, "second", sh)
    assert on_disk(new) == new


def test_edited_code_reruns_the_steps_that_reach_it_and_a_comment_none(elsewhere: Path, sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    sh("git", "checkout", "-q", "first")
    sh("dvc", "pull", "-q")
    monkeypatch.setenv("PYTHONPATH", str(elsewhere / "src"))
    code = Path("src/heirloom/steps/evaluate.py")
    code.write_text(code.read_text() + "# a remark\n")
    assert planned_totals(sh) == {}
    code.write_text(code.read_text().replace("dumps(replicas.split_units(measures)[0])", "dumps(dict(replicas.split_units(measures)[0]))"))
    assert run(sh) == {"evaluate": 2, **TABLES}
    assert "modified" not in sh("git", "diff", "--stat", "results/metrics.json")  # another way to the same numbers


def test_only_the_small_files_are_needed_to_see_that_nothing_is_to_be_done(elsewhere: Path, sh: Shell) -> None:
    names = sh("dvc", "list", ".", "data", "--dvc-only", "--recursive").splitlines()
    small = [f"data/{name}" for name in names if name.endswith((".json", ".jsonl"))]
    sh("dvc", "pull", "-q", *small)
    assert not list(Path("data").rglob("*.parquet"))
    assert planned_totals(sh) == {}


def test_a_file_that_is_missing_is_named_last_and_a_record_that_was_cut_is_finished(elsewhere: Path, sh: Shell) -> None:
    sh("git", "checkout", "-q", "second")
    sh("dvc", "pull", "-q")
    middle, pointer = LINEAGE / "gen=1/train.parquet", Path(f"{LINEAGE}.dvc")
    middle.unlink()
    message = f"heirloom: {middle}: missing, though results/lineage.tsv names it; heirloom repair repairs it"
    assert sh("snakemake").splitlines()[-1] == message  # nothing was to be done
    assert sh("snakemake", str(LINEAGE / "gen=2/metrics.json"), "--force").splitlines()[-1] == message
    assert sh("heirloom", "repair").splitlines()[-1] == "1 repaired: 1 from DVC's cache, 0 artefacts redone; 0 not repaired"
    text = pointer.read_text()
    pointer.unlink()  # as if the record had been killed before DVC was asked
    Path(".heirloom/recorded.json").unlink()
    Path(".heirloom/unrecorded").touch()
    assert "heirloom" not in sh("snakemake", "--dry-run")
    assert not pointer.exists()
    assert "recorded 1 lineage folder" in sh("snakemake").splitlines()
    assert pointers.read(str(LINEAGE)) == pointers.parse(text.encode(), str(LINEAGE))
    assert not Path(".heirloom/unrecorded").exists()
