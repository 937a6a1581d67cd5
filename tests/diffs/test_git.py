"""What `git diff` shows of a recorded lineage, with real git and real DVC."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers import environment

pytestmark = pytest.mark.slow


def ran(folder: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "me@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return subprocess.run(arguments, cwd=folder, env={**environment(), **who}, text=True, capture_output=True, check=True).stdout


def test_git_diff_says_which_columns_differ_of_tables_that_heirloom_did_not_write(tmp_path: Path) -> None:
    folder = tmp_path / "data/labels"
    folder.mkdir(parents=True)
    for command in ("git init -q", "dvc init -q"):
        ran(tmp_path, *command.split())
    ran(tmp_path, "git", "config", "diff.heirloom.command", f"{shlex.quote(sys.executable)} -m heirloom git-diff")
    (tmp_path / ".gitattributes").write_text("data/**/*.dvc diff=heirloom\n")
    for label in (0, 1):
        for name in ("theirs", "ours"):
            pq.write_table(pa.table({"text": ["p", "q"], "weight": [0, label]}), folder / f"{name}.parquet")
        (folder / "ours.manifest.json").write_text("{}")
        for command in ("dvc add -q data/labels", "git add -A", f"git commit -q -m {label}"):
            ran(tmp_path, *command.split())
    assert ran(tmp_path, "git", "diff", "HEAD~1", "--", "data/labels.dvc").splitlines() == [
        "data/labels: 2 files changed, 0 added, 0 removed",
        "  ours.parquet: 2 rows kept, 0 edited, 0 removed, 0 added",
        "  theirs.parquet: 2 rows kept, 0 edited, 0 removed, 0 added; weight differs in 1 of 2 rows",
    ]


def test_git_diff_of_a_dvc_file_says_which_rows_changed(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        return ran(tmp_path, *arguments)

    lineage = tmp_path / "data/lm/replace/seed=0"
    lineage.mkdir(parents=True)
    rows = [f"row {n}" for n in range(10)]
    pq.write_table(pa.table({"text": rows}), lineage / "rows.parquet")
    (lineage / "note.json").write_text("1")
    run("git", "init", "-q")
    run("dvc", "init", "-q")
    run("dvc", "add", "-q", "data/lm/replace/seed=0")
    run("git", "config", "diff.heirloom.command", f"{shlex.quote(sys.executable)} -m heirloom git-diff")
    (tmp_path / ".gitattributes").write_text("data/**/*.dvc diff=heirloom\n")
    run("git", "add", "-A")
    run("git", "commit", "-q", "-m", "first")
    shutil.rmtree(lineage)
    lineage.mkdir()
    pq.write_table(pa.table({"text": [*rows[1:], "new", "newer"]}), lineage / "rows.parquet")
    (lineage / "other.json").write_text("2")
    run("dvc", "add", "-q", "data/lm/replace/seed=0")
    assert run("git", "diff", "--", "data/lm/replace/seed=0.dvc").splitlines() == [
        "data/lm/replace/seed=0: 1 file changed, 1 added, 1 removed",
        "  rows.parquet: 9 rows kept, 0 edited, 1 removed, 2 added",
    ]
    current = lineage / "rows.parquet"
    whole = current.read_bytes()
    (rotten,) = (file for file in (tmp_path / ".dvc/cache/files").rglob("*") if file.is_file() and file.read_bytes() == whole)
    rotten.chmod(0o644)
    rotten.write_bytes(whole[:-1] + b"?")
    assert run("git", "diff", "--", "data/lm/replace/seed=0.dvc").endswith("is damaged, so its rows cannot be compared\n")
    rotten.write_bytes(whole)
    run("git", "commit", "-q", "-a", "-m", "second")
    run("git", "mv", "data/lm/replace/seed=0.dvc", "data/lm/replace/seed=1.dvc")
    assert run("git", "diff", "-M", "HEAD") == "data/lm/replace/seed=0: 0 files changed, 0 added, 0 removed\n"
    run("git", "reset", "-q", "--hard", "HEAD~1")
    shutil.rmtree(tmp_path / ".dvc/cache")
    (tmp_path / "data/lm/replace/seed=0.dvc").write_text("outs:\n- md5: 00.dir\n  path: seed=0\n")
    assert "DVC's cache lacks its listing" in run("git", "diff", "--", "data/lm/replace/seed=0.dvc")


def test_git_diff_in_a_subfolder_of_a_repository_never_stops(tmp_path: Path) -> None:
    project = tmp_path / "models/collapse"
    lineage = project / "data/lm/replace/seed=0"

    def run(*arguments: str, folder: Path = project) -> str:
        who = {f"GIT_{role}_{what}": "me@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(arguments, cwd=folder, env={**environment(), **who}, text=True, capture_output=True, check=True)
        assert "external diff died" not in done.stderr
        return done.stdout

    def version(*rows: str) -> None:
        shutil.rmtree(lineage, ignore_errors=True)
        lineage.mkdir(parents=True)
        pq.write_table(pa.table({"text": rows}), lineage / "rows.parquet")
        run("dvc", "add", "-q", "data/lm/replace/seed=0")

    project.mkdir(parents=True)
    run("git", "init", "-q", folder=tmp_path)
    run("dvc", "init", "-q", "--subdir")
    version("a", "b", "c")
    driver = shlex.quote(sys.executable) + " -m heirloom git-diff"
    run("git", "config", "diff.heirloom.command", f"""f() {{ {driver} "$@" || true; }}; f""")
    (project / ".gitattributes").write_text("data/**/*.dvc diff=heirloom\n")
    (tmp_path / ".gitattributes").write_text("*.dvc diff=heirloom\n")
    (tmp_path / "stray.dvc").write_text("outs:\n- md5: 00.dir\n  path: stray\n")
    (project / "own.txt.dvc").write_text("outs:\n- path: own.txt\n")
    run("git", "add", "-A", folder=tmp_path)
    run("git", "commit", "-q", "-m", "first")
    version("b", "c", "d", "e")
    run("git", "commit", "-q", "-a", "-m", "second")
    changed = ["data/lm/replace/seed=0: 1 file changed, 0 added, 0 removed", "  rows.parquet: 2 rows kept, 0 edited, 1 removed, 2 added"]
    pointer = "data/lm/replace/seed=0.dvc"
    assert run("git", "diff", "HEAD~1", "--", pointer).splitlines() == changed
    assert run("git", "diff", "HEAD~1", folder=tmp_path).splitlines() == changed
    assert changed[1] in run("git", "log", "-p", "--ext-diff")
    (tmp_path / "stray.dvc").write_text("outs:\n- md5: 11.dir\n  path: stray\n")
    (project / "own.txt.dvc").write_text("<<<<<<< HEAD\n")
    assert run("git", "diff", folder=tmp_path).splitlines() == [
        "models/collapse/own.txt.dvc: changed; own.txt.dvc: names no file with an md5, as a .dvc file of dvc add does",
        "stray.dvc: changed; no DVC project holds it in this checkout, so its rows cannot be compared",
    ]
    run("git", "checkout", "-q", ".", folder=tmp_path)
    run("git", "rm", "-q", "--cached", pointer)
    assert run("git", "diff", "--cached").splitlines() == ["data/lm/replace/seed=0: 0 files changed, 0 added, 1 removed"]
    run("git", "reset", "-q", "--hard")
    shutil.rmtree(project / ".dvc/cache")
    assert "DVC's cache lacks its listing" in run("git", "diff", "HEAD~1")
    (project / ".dvc/config").write_text("[core\n")
    assert run("git", "diff", "HEAD~1", "--", pointer).startswith(f"models/collapse/{pointer}: changed; ")
    shutil.rmtree(project / ".dvc")
    assert run("git", "diff", "HEAD~1", "--", pointer).endswith(
        "no DVC project holds it in this checkout, so its rows cannot be compared\n"
    )
