"""The worked examples of CONTRIBUTING.md begin at what stands in the files that they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ADDED = {f"src/heirloom/{name}.py" for name in ("specs/laplace", "families/laplace", "report/figures/word_types")}
"""Files that the examples make."""


def changes() -> list[tuple[str, str]]:
    """Return each line that a block of differences finds in a file, with the file under whose name the block stands."""
    file, lines = "", []
    for name, diff in re.findall(r"^`([^`\n]+)`:$|^```diff\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        file = name or file
        lines += [(file, line[1:]) for line in diff.splitlines() if line[0] in " -"]
    return lines


@pytest.mark.parametrize(("file", "line"), changes(), ids=str)
def test_a_line_that_an_example_shows_or_changes_stands_in_its_file(file: str, line: str) -> None:
    assert line in (ROOT / file).read_text(encoding="utf-8").splitlines()


def test_every_file_that_is_named_is_there_or_added_by_an_example() -> None:
    named = set(re.findall(r"`((?:src|tests|docs|schemas)/[\w./]+\.\w+)`", PAGE))
    assert len(named) > 15
    assert {name for name in named if not (ROOT / name).exists()} == ADDED
