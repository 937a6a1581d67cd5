"""A clone has the bytes of what it was cloned from, whatever a user's settings of line ends are."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from heirloom.lineage.record import RecordReport
from heirloom.lineage.verify import verify
from helpers import ROOT
from toy_project import Shell

CONVERTING = ("-c", "core.autocrlf=true", "-c", "core.eol=crlf")


def bytes_of(folder: Path, names: list[str]) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names}


def test_a_clone_that_converts_line_ends_has_the_same_bytes(recorded: RecordReport, sh: Shell) -> None:
    names = sh("git", "ls-files").splitlines()
    assert {"Snakefile", "config.yaml", "dvc.lock", "results/lineage.tsv", "data/toy/real.dvc", "data/README.md"} <= set(names)
    sh("git", "clone", "-q", *CONVERTING, ".", "../clone")
    assert bytes_of(Path("../clone"), names) == bytes_of(Path(), names)
    assert sh("git", "-C", "../clone", "status", "--porcelain") == ""


def test_a_commit_that_would_convert_line_ends_keeps_the_bytes(recorded: RecordReport, sh: Shell) -> None:
    Path("notes.csv").write_bytes(b"a,b\r\n1,2\n")
    sh("git", *CONVERTING, "add", "notes.csv")
    assert subprocess.check_output(["git", "cat-file", "blob", ":notes.csv"]) == b"a,b\r\n1,2\n"


def test_every_file_of_this_repository_is_kept_as_it_is(tmp_path: Path, sh: Shell) -> None:
    shutil.copy(ROOT / ".gitattributes", tmp_path)
    sh("git", "init", "-q", str(tmp_path))
    names = sorted(path.name for path in ROOT.iterdir() if path.is_file())
    names += ["data/a/real.dvc", "data/a/real/train.manifest.json", "results/lineage.tsv", "tests/test_a.py", "configs/a.yaml"]
    answers = sh("git", "-C", str(tmp_path), "check-attr", "text", "--", *names)
    assert answers.splitlines() == [f"{name}: text: unset" for name in names]


def test_the_page_about_data_leaves_a_finished_run_clean(recorded: RecordReport, sh: Shell) -> None:
    assert Path("data/README.md").read_bytes() == (ROOT / "data/README.md").read_bytes()
    assert [mismatch for unit in verify() for mismatch in unit.mismatches] == []
    assert "No changes" in sh("dvc", "data", "status")
    assert sh("git", "status", "--porcelain") == ""


@pytest.mark.usefixtures("toy")
def test_a_new_clone_has_the_folder_of_data_and_nothing_else_in_it(sh: Shell) -> None:
    sh("git", "clone", "-q", ".", "../clone")
    assert [path.name for path in Path("../clone/data").iterdir()] == ["README.md"]
