"""Fixtures that all tests share."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from helpers import ROOT, Run, make_workspace, run_in, write_corpus


@pytest.fixture(scope="session")
def install() -> ModuleType:
    """Return tools/install.py, which is no module of a package, as one."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "tools/install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a folder ready for ``snakemake``."""
    return make_workspace(tmp_path)


@pytest.fixture
def run(workspace: Path) -> Run:
    """Return a function that runs a command in the workspace."""
    return partial(run_in, workspace)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Return a folder with a small corpus."""
    write_corpus(tmp_path / "corpus")
    return tmp_path / "corpus"
