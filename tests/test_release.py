"""What a release says of itself: one version, in the package, the command, the distribution and the citation."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable

import pytest
import typer
import yaml

import heirloom
from heirloom.cli import commands
from helpers import ROOT


def test_the_command_prints_the_version_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    typer.main.get_command(commands.app).main(["--version"], standalone_mode=False)
    assert capsys.readouterr().out == f"heirloom {heirloom.__version__}\n"


def test_the_citation_names_the_version_of_the_package() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    required = {"cff-version", "message", "title", "authors"}  # by the schema of Citation File Format 1.2.0
    assert required <= set(citation)
    assert citation["version"] == heirloom.__version__
    assert citation["license"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]


def test_no_page_installs_the_other_project_that_has_the_name_heirloom() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named: Callable[[str], list[str]] = re.compile(r"(?:pip|uv) (?:pip )?install [^\n`]*(?<![\w./-])heirloom(?![\w-])").findall
    assert [(page.name, line) for page in pages for line in named(page.read_text(encoding="utf-8"))] == []
