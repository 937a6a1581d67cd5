"""The page as GitHub's Markdown: for a pull request or a lab book."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from heirloom.diffs.render.blocks import Block, Line, Pairs, Section, Table, Texts, safe
from heirloom.diffs.row_result import Piece

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


def text(sections: Iterable[Section]) -> str:
    """Return the sections as one Markdown text; everything from the data is escaped."""
    lines = chain.from_iterable(map(_section, sections))
    return "\n".join(lines) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {section.title}\n"
    for block in section.blocks:
        yield from _block(block)
        yield ""


def _block(block: Block) -> Iterator[str]:
    match block:
        case Line(sentence):
            yield _escaped(sentence)
        case Table(title, columns, rows):
            yield from _table(title, columns, [list(map(_escaped, row)) for row in rows], "--:")
        case Texts(title, texts):
            yield f"**{_escaped(title)}**\n"
            yield from (f"- {_escaped(text)}" for text in texts)
        case Pairs(title, pairs):
            yield from _table(title, ("A", "B"), [[_marked(pair.a), _marked(pair.b)] for pair in pairs], "---")


def _table(title: str, columns: tuple[str, ...], rows: list[list[str]], alignment: str) -> Iterator[str]:
    if title:
        yield f"**{_escaped(title)}**\n"
    yield f"| {' | '.join(map(_escaped, columns))} |"
    rule = ["---", *[alignment] * (len(columns) - 1)]
    yield f"| {' | '.join(rule)} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _marked(pieces: Iterable[Piece]) -> str:
    return "".join(map(_marked_piece, pieces))


def _marked_piece(piece: Piece) -> str:
    if not piece.changed:
        return _escaped(piece.text)
    space = " " if piece.text.startswith(" ") else ""
    return f"{space}**{_escaped(piece.text.strip())}**"


def _escaped(sentence: str) -> str:
    return _SPECIAL.sub(r"\\\1", safe(sentence))
