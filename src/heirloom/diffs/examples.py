"""Rows for a reader's eye: some of what left, what came, what was rewritten and what is nearly the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heirloom.diffs import cells
from heirloom.diffs.cells import Ints
from heirloom.diffs.edits import clipped, marked
from heirloom.diffs.origin import take
from heirloom.diffs.result import Pair
from heirloom.diffs.sides import Side

_SHOWN_NUMBERS = 16


def shown(side: Side, rows: Ints, column: str) -> tuple[str, ...]:
    """Return rows as text, short enough to be shown, in the order asked for."""
    return tuple(map(clipped, _texts(side, rows, column)))


def pairs(a: Side, b: Side, rows: tuple[Ints, Ints], column: str) -> tuple[Pair, ...]:
    """Return rows of A beside rows of B, with what differs marked."""
    return tuple(marked(one, other) for one, other in zip(_texts(a, rows[0], column), _texts(b, rows[1], column), strict=True))


def _texts(side: Side, rows: Ints, column: str) -> Sequence[str]:
    ordered, back = np.unique(rows, return_inverse=True)
    found: list[str] = []
    for batch in take(side, ordered, [column]):
        values = batch.column(0)
        if column == "text":
            found += cells.strings(values)[0].to_pylist()
        else:
            found += [_numbers(row.tolist(), column) for row in cells.ragged(values).rows()]
    return [found[position] for position in back]


def _numbers(row: list[float], column: str) -> str:
    if column == "tokens":
        return " ".join(f"⟨{number}⟩" for number in row)
    return " ".join(f"{number:.4g}" for number in row[:_SHOWN_NUMBERS]) + (" …" if len(row) > _SHOWN_NUMBERS else "")
