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


def test_the_entry_of_bibtex_on_the_page_is_that_of_the_citation_and_has_no_address_that_the_citation_lacks() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    entry = (ROOT / "docs/publish.md").read_text(encoding="utf-8").partition("```bibtex\n")[2].partition("```")[0]
    fields = {key: value.strip("{}") for key, value in re.findall(r"(\w+) = \{(.*)\}", entry)}
    names = {"author": citation["authors"][0]["name"]}
    assert fields == {**{key: citation[key] for key in ("title", "version", "license")}, **names}


def test_the_newest_entry_of_the_changelog_is_of_this_version() -> None:
    headings = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert next(heading for heading in headings if heading != "Unreleased") == heirloom.__version__


def test_the_pythons_that_are_promised_are_those_that_make_tries() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    minors = [name.rpartition(" :: ")[2] for name in project["classifiers"] if " :: 3." in name]
    assert project["requires-python"] == f">={minors[0]}"
    (tried,) = re.findall(r"for version in ([\d. ]+);", (ROOT / "Makefile").read_text())
    assert tried.split() == minors[1:]
    (of_container,) = re.findall(r"python:([\d.]+)-slim", (ROOT / "Containerfile").read_text())
    assert of_container in minors


def test_the_container_is_made_of_what_the_wheel_is_made_of() -> None:
    allowed = [line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")]
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    sources = [*build["wheel"]["packages"], *build["wheel"]["force-include"], "constraints.txt", "README.md", "LICENSE"]
    assert [name for name in sources if not any(name == place or name.startswith(f"{place}/") for place in allowed)] == []
    assert [place for place in allowed if not (ROOT / place).exists()] == []


def test_no_page_installs_the_other_project_that_has_the_name_heirloom() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named: Callable[[str], list[str]] = re.compile(r"(?:pip|uv) (?:pip )?install [^\n`]*(?<![\w./-])heirloom(?![\w-])").findall
    assert [(page.name, line) for page in pages for line in named(page.read_text(encoding="utf-8"))] == []
