"""A folder with everything of the small lineages but their measures, made once for all tests of plans."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from helpers import write_corpus
from small_lineages import declared, make


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder; a test that changes it puts back what was there."""
    folder = tmp_path_factory.mktemp("made")
    write_corpus(folder / "corpus")
    with contextlib.chdir(folder):
        make(declared())
    return folder


@pytest.fixture
def made(made_once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder as the working folder."""
    monkeypatch.chdir(made_once)
    return made_once
