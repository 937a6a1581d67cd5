"""What is refused before a run, because the run could not be recorded: linked folders, and what a merge has left."""

from __future__ import annotations

from pathlib import Path

import pytest

from heirloom import config as configuration
from heirloom import records
from heirloom.errors import HeirloomError
from heirloom.lineage import layout
from heirloom.lineage.record import RecordReport, record
from toy_project import CONFIG, Shell, change_rows, commit, snakemake

PROJECT = """\
schema_version: 1
regimes: {replace: {}}
experiments:
  a: {family: {name: gaussian}, source: {name: normal, rows: 9, test_rows: 9}, regimes: [replace], generations: 1, rows: 9}
"""


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an empty project the working folder."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")


def refused() -> str:
    Path("config.yaml").write_text(PROJECT)
    with pytest.raises(HeirloomError) as error:
        layout.check(configuration.load("config.yaml"))
    return str(error.value)


@pytest.mark.parametrize("folder", ["data", "results", "data/a", "data/a/real", "data/a/replace", "data/a/replace/seed=0"])
def test_a_linked_folder_is_refused_with_the_reason_and_the_way_out(folder: str, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    Path(folder).parent.mkdir(parents=True, exist_ok=True)
    Path(folder).symlink_to(tmp_path / "disk")
    reason = "git keeps of a linked folder the link alone" if folder == "results" else "DVC adds no file behind a link"
    advice = f"rm {folder} && mv {tmp_path}/disk {folder} puts the folder there, dvc cache dir FOLDER the bytes on another disk"
    assert refused() == f"{folder}: is a symbolic link to {tmp_path}/disk, and a run could not be recorded: {reason}; {advice}"


def test_a_project_in_a_folder_with_a_line_break_in_its_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a\nb").mkdir()
    monkeypatch.chdir(tmp_path / "a\nb")
    assert refused().endswith("the path has the character U+000A; rename the folder, every other name will do")


@pytest.mark.parametrize(
    ("place", "advice"),
    [
        ("elsewhere", "rm data/a && mv data/elsewhere data/a puts the folder there"),
        ("a", "rm data/a removes the link, which leads to no folder"),
    ],
)
def test_the_way_out_of_a_link_is_spelled_from_the_project_and_moves_what_is_there(place: str, advice: str) -> None:
    Path("data/elsewhere").mkdir(parents=True)
    Path("data/a").symlink_to(place)
    assert refused().endswith(f"DVC adds no file behind a link; {advice}, dvc cache dir FOLDER the bytes on another disk")


@pytest.mark.parametrize("folder", ["data", "results", "data/a", "data/a/replace/seed=0", "logs", ".heirloom"])
def test_a_file_in_the_place_of_a_folder_is_refused(folder: str) -> None:
    Path(folder).parent.mkdir(parents=True, exist_ok=True)
    Path(folder).touch()
    assert refused() == f"{folder}: is a file, and a run keeps a folder of that name; move it away"


@pytest.mark.parametrize(
    "file",
    ["results/lineage.tsv", "results/plots/a.csv", "results/lm/onset.csv", "data/a/real.dvc", "data/a/replace/seed=0.dvc", "dvc.lock"],
)
def test_the_conflict_marks_of_a_merge_are_refused_with_the_recipe(file: str) -> None:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text("first\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> theirs\n")
    assert refused() == f"{file}: holds the conflict marks of a git merge; {records.MERGE}"
    Path("results").mkdir(exist_ok=True)
    Path("results/onset.csv").write_text(">>>>>>> theirs\n")
    assert " and 1 more files: hold the conflict marks of a git merge; git checkout --ours -- results data dvc.lock takes" in refused()


def test_the_folder_of_another_config_s_results_is_looked_at_with_that_config() -> None:
    Path("results").mkdir()
    Path("results/lm").touch()
    for config in ("config.yaml", "lm.yaml"):
        Path(config).write_text(PROJECT)
    layout.check(configuration.load("config.yaml"))
    with pytest.raises(HeirloomError, match=r"^results/lm: is a file, and a run keeps a folder of that name; move it away$"):
        layout.check(configuration.load("lm.yaml"))


@pytest.mark.slow
def test_a_merge_of_two_branches_with_results_is_ended_by_the_recipe(
    recorded: RecordReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell
) -> None:
    monkeypatch.chdir(tmp_path / "toy")
    sh("git", "checkout", "-q", "-b", "theirs")
    for branch, rows in (("theirs", "rows: 11"), ("ours", "rows: 12")):
        if branch == "ours":
            sh("git", "checkout", "-q", "-b", "ours", "HEAD~1")
            sh("heirloom", "restore")
        change_rows(new=rows)
        snakemake(sh)
        record(CONFIG, complete=True)
        commit(sh)
    sh("git", "merge", "-q", "theirs", status=1)
    sh("git", "checkout", "-q", "--ours", "--", "config.yaml")
    assert records.is_conflicted(Path("results/lineage.tsv").read_bytes())
    assert f"holds the conflict marks of a git merge; {records.MERGE}" in sh("heirloom", "verify", status=1)
    sh("git", "checkout", "-q", "--ours", "--", "results", "data", "dvc.lock")
    sh("heirloom", "restore")
    snakemake(sh)
    assert record(CONFIG, complete=True).missing == ()
    commit(sh)
    assert sh("heirloom", "verify").endswith("all as recorded\n")
    assert sh("dvc", "status") == "Data and pipelines are up to date.\n"
