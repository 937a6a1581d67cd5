"""The sides of a comparison as the options say: columns left out, and another column read as the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from heirloom.diffs.options import Options
from heirloom.diffs.sides import Side
from heirloom.diffs.view import TEXT, View
from heirloom.errors import HeirloomError, listed

Pairs = Mapping[str, tuple[Side | None, Side | None]]


def viewed(pairs: Pairs, options: Options) -> Pairs:
    """Return the sides with those columns left out and renamed that the options say.

    Raises
    ------
    HeirloomError
        If no side has a column that is to be left out.
    """
    sides = [side for pair in pairs.values() for side in pair if side]
    for column in options.ignore:
        if not any(side.has(column) for side in sides):
            columns = dict.fromkeys(name for side in sides for name in side.schema.names)
            raise HeirloomError(f"--ignore {column}: no such column; there are {listed(columns)}")
    return {name: (_viewed(side_a, options), _viewed(side_b, options)) for name, (side_a, side_b) in pairs.items()}


def _viewed(side: Side | None, options: Options) -> Side | None:
    return viewed_side(side, options) if side else None


def viewed_side(side: Side, options: Options) -> Side:
    """Return one side as the options say; errors as for its `View`."""
    side = replace(side, view=View(max_cell_bytes=options.max_cell_bytes))
    if not (options.text_column or options.ignore):
        return side
    is_named_so = not side.has(options.text_column) and side.has(TEXT)
    text_column = "" if is_named_so or options.text_column == TEXT else options.text_column
    return replace(side, view=View(text_column, frozenset(options.ignore), max_cell_bytes=options.max_cell_bytes))
