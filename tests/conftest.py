"""Fixtures that all tests share."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from helpers import Run, make_workspace, run_in, write_corpus


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
