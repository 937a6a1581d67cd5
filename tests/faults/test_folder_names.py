"""A project in a folder of any name: with braces, quotes, blanks, dollars and per cents in its path all commands work."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from heirloom.lineage import dvc
from helpers import run_in

NAME = "a{b} {{c}} %s $HOME 'q' \"d\" ü"
CONFIG = """\
regimes: {replace: {}}
experiments:
  e: {family: {name: gaussian}, source: {name: normal, rows: 40, test_rows: 20}, regimes: [replace], generations: 2, rows: 20}
"""


def in_repository(folder: Path) -> Path:
    """Return a new project in a folder of an odd name, in git."""
    project = folder / NAME
    project.mkdir()
    assert run_in(folder, "heirloom", "init", NAME).returncode == 0
    (project / "config.yaml").write_text(CONFIG)
    for arguments in (["init", "-q"], ["add", "-A"], ["-c", "user.email=a@b", "-c", "user.name=a", "commit", "-qm", "start"]):
        subprocess.run(["git", *arguments], cwd=project, check=True)
    return project


def test_dvc_records_a_folder_below_a_name_with_braces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = in_repository(tmp_path)
    monkeypatch.chdir(project)
    dvc._cache.cache_clear()
    lineage = Path("data/e/replace/seed=0")
    lineage.mkdir(parents=True)
    (lineage / "rows.txt").write_text("a row")
    dvc.add([lineage.as_posix()])
    assert dvc.listing(lineage.as_posix()) == {f"{lineage}/rows.txt": "b117fdf4f613b12a7f03c57ccad631f7"}
    dvc._cache.cache_clear()


@pytest.mark.faults
def test_a_run_its_record_and_all_that_reads_it_work_below_such_a_name(tmp_path: Path) -> None:
    project = in_repository(tmp_path)
    for command in (
        *("check", "run -- all pages", "record --complete", "trace e/replace/0/2", "verify", "summary", "show e/replace/0/2", "plan"),
        *("diff e/replace/0/1 e/replace/0/2", "report", "restore"),
    ):
        process = run_in(project, "heirloom", *command.split(), check=False)
        assert process.returncode <= (1 if command.startswith("diff") else 0), f"{command}: {process.stderr[-2000:]}"
    assert (project / "data/e/replace/seed=0.dvc").is_file()
    assert (project / "results/report.html").is_file()
