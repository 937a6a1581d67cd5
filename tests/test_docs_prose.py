"""The pages: lines of prose that fit, links that lead somewhere, files and commands that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from heirloom.cli.commands import app

ROOT = Path(__file__).parents[1]
GLOBS = ("*.md", "docs/*.md", "docs/design/*.md", "docs/reference/*.md", "data/README.md", "config/README.md")
PAGES = sorted(page for glob in GLOBS for page in ROOT.glob(glob))
LOGS = {"CHANGELOG.md", "docs/log.md"}
"""They tell of what was: their long lines, files and options of the time stay as they were written."""

NOW = [page for page in PAGES if page.relative_to(ROOT).as_posix() not in LOGS]
COMMANDS = typer.main.get_command(app)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = {"laplace", "thin", "word_types"}
"""What worked examples make."""


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(text: str) -> Iterator[str]:
    """Yield the lines that are neither code, table, picture nor comment."""
    for line in CODE.sub("", text).splitlines():
        if not line.startswith(("|", "![", "<!--", "    ")):
            yield line


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, spelt as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    """Yield the links of a page to a file or a heading that is not there."""
    for link in re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", page.read_text(encoding="utf-8"))):
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        if not link.startswith("https://") and (not target.exists() or (anchor and anchor not in anchors(target))):
            yield link


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each `heirloom …` in code, those of a comment left out."""
    spans = re.findall(r"(?<!`)`(?!`)([^`]+)`", CODE.sub("", text))
    lines = [line for block in CODE.findall(text) for line in block.splitlines()]
    for code in (*spans, *lines):
        for command in re.findall(r"(?:^|&& )heirloom ([^#&|;]+)", code.replace("\n", " ")):
            yield command.split()


def unknown(words: list[str]) -> list[str]:
    """Return the sub-commands and options in a command that Heirloom does not have."""
    command = COMMANDS
    options = {"--help", *(option for parameter in command.params for option in parameter.opts)}
    strange: list[str] = []
    for word in words:
        if isinstance(command, TyperGroup) and not word.startswith("-"):
            if word.isupper():  # a placeholder
                return strange
            inner = command.commands.get(word)
            if inner is None:
                return [word]
            command = inner
            options |= {option for parameter in command.params for option in parameter.opts}
        elif re.match(r"-{1,2}[a-z]", word) and word.partition("=")[0] not in options:
            strange.append(word)
    return strange


@pytest.mark.parametrize("page", NOW, ids=name)
def test_a_line_of_prose_has_at_most_100_columns(page: Path) -> None:
    assert [line for line in prose(page.read_text(encoding="utf-8")) if len(line) > 100] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", NOW, ids=name)
def test_every_command_and_option_exists(page: Path) -> None:
    assert [strange for words in commands(page.read_text(encoding="utf-8")) if (strange := unknown(words))] == []


@pytest.mark.parametrize("page", NOW, ids=name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    files = re.findall(r"\b((?:src|tests|docs|configs|benchmarks|schemas|rules|profiles|findings)/[\w./-]+\.\w+)", text)
    assert [file for file in files if not (ROOT / file).exists() and Path(file).stem not in EXAMPLES] == []


def test_a_strange_command_and_a_strange_option_would_be_seen() -> None:
    text = "`heirloom mend x` and\n```console\nheirloom verify --cache --slow  # --fast\n```\n"
    assert [unknown(words) for words in commands(text)] == [["mend"], ["--slow"]]


def test_the_help_of_the_command_line_names_the_glossary() -> None:
    assert COMMANDS.epilog is not None
    assert (ROOT / COMMANDS.epilog.split()[-1]).name == "glossary.md"
    assert (ROOT / COMMANDS.epilog.split()[-1]).is_file()
