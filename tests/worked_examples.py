"""The worked examples of CONTRIBUTING.md, followed to the letter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

_NAME_OR_BLOCK = re.compile(r"^`([^`\n]+)`:$|^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of code on the page: the file under whose name it stands, its language, and its text."""

    file: str
    language: str
    text: str

    def lines(self, marks: str) -> list[str]:
        """Return the lines of a block of differences that bear one of some marks, without the mark."""
        return [line[1:] for line in self.text.splitlines() if line[0] in marks]


def example(heading: str) -> str:
    """Return the section of the page that stands under a heading."""
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def blocks(text: str = PAGE) -> list[Block]:
    """Return the blocks of code of the page, or of a section of it."""
    file, several = "", []
    for name, language, code in _NAME_OR_BLOCK.findall(text):
        file = name or file
        if language:
            several.append(Block(file, language, code))
    return several


def follow(heading: str, project: Path) -> list[str]:
    """Do in a copy of the project what an example says, and return the files that it names.

    Raises
    ------
    ValueError
        If a block of differences does not stand in its file exactly once.
    """
    steps = blocks(example(heading))
    for block in steps:
        path = project / block.file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(changed(text, block) if block.language == "diff" else appended(text, block), encoding="utf-8")
    return list(dict.fromkeys(block.file for block in steps))


def appended(text: str, block: Block) -> str:
    """Return a file's text with a block of code at its end; of a new file the block is the whole text."""
    return f"{text.rstrip()}\n\n\n{block.text}" if text else block.text


def changed(text: str, block: Block) -> str:
    """Return a file's text with a block of differences applied."""
    lines, old, new = text.splitlines(), block.lines(" -"), block.lines(" +")
    places = [number for number in range(len(lines)) if lines[number : number + len(old)] == old]
    if len(places) != 1:
        raise ValueError(f"{block.file}: {len(places)} places for {old}")
    (place,) = places
    return "\n".join([*lines[:place], *new, *lines[place + len(old) :], ""])
