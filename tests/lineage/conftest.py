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
from heirloom.lineage import dvc, revisions
from heirloom.lineage.record import RecordReport, record
from helpers import make_workspace, write_corpus
from toy_project import CONFIG, Shell, commit, set_generations, snakemake, write

SMALL = """\
# one lineage of the real workflow, small enough to be run a few times
schema_version: 1
num_threads: 1
regimes:
  replace: {}
experiments:
  steps:
    family: {name: gaussian}
    source: {name: normal, rows: 100, test_rows: 10}
    regimes: [replace]
    generations: 0
    rows: 20
    num_replicas: 5
"""


@pytest.fixture(autouse=True)
def own_caches() -> None:
    """Forget what another test's project had, at the same commit."""
    dvc._cache.cache_clear()
    revisions.listing_of.cache_clear()


@pytest.fixture(scope="session")
def sh() -> Iterator[Shell]:
    """Yield a function that runs a command and gives what it printed; it fails the test unless the exit status is ``status``."""
    who = {f"GIT_{role}_{what}": "me@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    identity = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **who}

    def command(*arguments: str, status: int = 0, **environment: str) -> str:
        env = {**os.environ, **identity, **environment}
        process = subprocess.run(arguments, env=env, capture_output=True, text=True, timeout=1200, check=False)
        assert process.returncode == status, f"{arguments}: {process.returncode}\n{process.stdout}\n{process.stderr}"
        return process.stdout + process.stderr

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
def made_project(made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a copy of the project of small lineages the working folder."""
    shutil.copytree(made_once, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, sh: Shell) -> Path:
    """Return a folder with a bare git repository and a DVC remote, to which two runs of the real workflow were pushed; never written to.

    ``project.git`` has two tags: at ``first`` the config asks for one generation, at ``second`` for two. ``store`` is the remote.
    """
    folder = tmp_path_factory.mktemp("published")
    work = make_workspace(folder / "work")
    (work / "config.yaml").write_text(SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        sh("git", "init", "-q", "-b", "main")
        sh("dvc", "remote", "add", "-q", "-d", "store", str(folder / "store"))
        for tag, generations in (("first", 1), ("second", 2)):
            set_generations(generations)
            sh("snakemake")
            commit(sh)
            sh("git", "tag", tag)
            sh("dvc", "push", "-q")
        sh("git", "clone", "-q", "--bare", ".", str(folder / "project.git"))
    return folder


@pytest.fixture
def elsewhere(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell) -> Path:
    """Make a clone without any data the working folder, and return it."""
    sh("git", "clone", "-q", str(published / "project.git"), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "clone"
