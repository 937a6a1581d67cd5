"""The page on a terminal, with rich; text from the data is made safe first and is never read as markup."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as RichTable
from rich.text import Text

from heirloom.diffs.render.blocks import Block, Line, Pairs, Section, Table, Texts, safe
from heirloom.diffs.row_result import Piece

_PLAIN_WIDTH = 120


def show(sections: Iterable[Section]) -> None:
    """Print sections to standard output, coloured where that is a terminal."""
    Console(highlight=False).print(_all(sections))


def text(sections: Iterable[Section], width: int = _PLAIN_WIDTH) -> str:
    """Return sections as plain text, without colours."""
    console = Console(file=StringIO(), width=width, highlight=False, color_system=None)
    console.print(_all(sections))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def _all(sections: Iterable[Section]) -> Group:
    parts: list[RenderableType] = []
    for section in sections:
        parts.append(Rule(Text(safe(section.title), "bold"), align="left"))
        parts += [Padding(_block(block), (0, 0, 1, 1)) for block in section.blocks]
    return Group(*parts)


def _block(block: Block) -> RenderableType:
    match block:
        case Line(sentence):
            return Text(safe(sentence))
        case Table():
            return _table(block)
        case Texts(title, texts):
            return Group(Text(safe(title), "italic"), *(Text(f"• {safe(text)}") for text in texts))
        case Pairs():
            return _pairs(block)


def _table(block: Table) -> RichTable:
    title = Text(safe(block.title), "italic") if block.title else None
    table = RichTable(title=title, title_justify="left", box=None, pad_edge=False)
    for position, column in enumerate(block.columns):
        table.add_column(Text(safe(column)), justify="right" if position else "left", overflow="fold")
    for row in block.rows:
        table.add_row(*(Text(safe(cell)) for cell in row))
    return table


def _pairs(block: Pairs) -> RichTable:
    table = RichTable(title=Text(safe(block.title), "italic"), title_justify="left", show_lines=True)
    table.add_column("A", ratio=1)
    table.add_column("B", ratio=1)
    for pair in block.pairs:
        table.add_row(_marked(pair.a, "red"), _marked(pair.b, "green"))
    return table


def _marked(pieces: Iterable[Piece], colour: str) -> Text:
    text = Text()
    for piece in pieces:
        text.append(safe(piece.text), colour if piece.changed else "")
    return text
