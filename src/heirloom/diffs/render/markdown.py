"""The page as GitHub's Markdown: for a pull request or a lab book."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from heirloom.diffs.render.blocks import Block, Line, Pairs, Section, Table, Texts, safe
from heirloom.diffs.row_result import Piece

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


def text(sections: Iterable[Section]) -> str:
    """Return the sections as one Markdown text; everything from the data is escaped."""
    return "\n".join(line for section in sections for line in _section(section)) + "\n"


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
            yield from _table(title, columns, [[_escaped(cell) for cell in row] for row in rows], "--:")
        case Texts(title, texts):
            yield f"**{_escaped(title)}**\n"
            yield from (f"- {_escaped(one)}" for one in texts)
        case Pairs(title, pairs):
            yield from _table(title, ("A", "B"), [[_marked(pair.a), _marked(pair.b)] for pair in pairs], "---")


def _table(title: str, columns: tuple[str, ...], rows: list[list[str]], other: str) -> Iterator[str]:
    if title:
        yield f"**{_escaped(title)}**\n"
    yield f"| {' | '.join(map(_escaped, columns))} |"
    yield f"| {' | '.join(['---', *[other] * (len(columns) - 1)])} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _marked(pieces: Iterable[Piece]) -> str:
    return "".join(
        f"{' ' * piece.text.startswith(' ')}**{_escaped(piece.text.strip())}**" if piece.changed else _escaped(piece.text)
        for piece in pieces
    )


def _escaped(sentence: str) -> str:
    return _SPECIAL.sub(r"\\\1", safe(sentence))
