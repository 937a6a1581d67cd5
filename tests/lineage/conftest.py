"""Fixtures of the lineage tests: the toy project, new, or run and recorded once for all of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import small_lineages
from heirloom.lineage.record import RecordReport, record
from helpers import write_corpus
from toy_project import CONFIG, Shell, commit, snakemake, write


@pytest.fixture(scope="session")
def sh() -> Iterator[Shell]:
    """Yield a function that runs a command and gives what it printed; it fails the test unless the exit status is ``status``."""
    who = {f"GIT_{role}_{what}": "me@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    own = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **who}

    def command(*arguments: str, status: int = 0, **environment: str) -> str:
        env = {**os.environ, **own, **environment}
        done = subprocess.run(arguments, env=env, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DVC_STAGE", raising=False)
        yield command


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell) -> None:
    """Make the toy project, a git repository with one commit, the working folder; nothing has run."""
    write(tmp_path / "toy")
    monkeypatch.chdir(tmp_path / "toy")
    sh("git", "init", "-q")
    commit(sh)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, sh: Shell) -> tuple[Path, RecordReport]:
    """Return the folder and the report of a first run, recorded and committed; only ever copied."""
    folder = tmp_path_factory.mktemp("finished") / "toy"
    write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        sh("git", "init", "-q")
        commit(sh)
        snakemake(sh)
        report = record(CONFIG, complete=True)
        commit(sh)
    return folder, report


@pytest.fixture
def recorded(finished: tuple[Path, RecordReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell) -> RecordReport:
    """Return the report of a first run, recorded and committed, of which the working folder is a copy, links and all."""
    sh("cp", "-a", str(finished[0]), str(tmp_path / "toy"))
    monkeypatch.chdir(tmp_path / "toy")
    return finished[1]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project of small lineages, without git or DVC; only ever copied."""
    folder = tmp_path_factory.mktemp("made") / "project"
    write_corpus(folder / "corpus")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        small_lineages.make(small_lineages.declared())
    return folder


@pytest.fixture
def made(made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a copy of the project of small lineages the working folder."""
    shutil.copytree(made_once, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"
