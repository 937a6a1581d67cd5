"""Rows for a reader's eye: some of what left, what came, what was rewritten and what is nearly the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from heirloom.data import arrow_columns
from heirloom.diffs import cells
from heirloom.diffs.cells import Ints
from heirloom.diffs.edits import clipped, marked
from heirloom.diffs.origin import take
from heirloom.diffs.row_result import Pair
from heirloom.diffs.sides import Side

_SHOWN_NUMBERS = 16
_SHOWN_COLUMNS = 12
_SHOWN_CHARACTERS = 60


def shown(side: Side, rows: Ints, columns: Sequence[str]) -> tuple[str, ...]:
    """Return rows as text, short enough to be shown, in the order asked for: their content, or each cell by its column's name."""
    return tuple(map(clipped, _texts(side, rows, columns)))


def pairs(a: Side, b: Side, rows: tuple[Ints, Ints], columns: Sequence[str]) -> tuple[Pair, ...]:
    """Return rows of A beside rows of B, with what differs marked."""
    return tuple(marked(one, other) for one, other in zip(_texts(a, rows[0], columns), _texts(b, rows[1], columns), strict=True))


def _texts(side: Side, rows: Ints, columns: Sequence[str]) -> Sequence[str]:
    ordered, back = np.unique(rows, return_inverse=True)
    found: list[str] = []
    for batch in take(side, ordered, list(columns[:_SHOWN_COLUMNS])):
        if columns == ("text",):
            found += cells.strings(batch.column(0))[0].to_pylist()
        elif columns in (("tokens",), ("x",)) and arrow_columns.is_numbers(batch.schema.field(0).type):
            found += [_numbers(row.tolist(), columns[0]) for row in cells.ragged(batch.column(0)).rows()]
        else:
            found += [_cells(row) for row in batch.to_pylist()]
    return [found[position] for position in back]


def _cells(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value!s:.{_SHOWN_CHARACTERS}}" for name, value in row.items())


def _numbers(row: list[float], column: str) -> str:
    if column == "tokens":
        return " ".join(f"⟨{number}⟩" for number in row)
    return " ".join(f"{number:.4g}" for number in row[:_SHOWN_NUMBERS]) + (" …" if len(row) > _SHOWN_NUMBERS else "")
