"""Rows for a reader's eye: some of what left, what came, what was rewritten and what is nearly the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from heirloom.data import arrow_columns
from heirloom.data.columns import PROMPT_TEXT
from heirloom.diffs import cells, shown
from heirloom.diffs.cells import Ints
from heirloom.diffs.edits import clipped, marked
from heirloom.diffs.origin import take
from heirloom.diffs.row_result import Pair
from heirloom.diffs.sides import Side

_GIVES = "⇒"
"""Stands between a prompt and its completion."""
_MAX_NUMBERS = 16
_MAX_COLUMNS = 12
_MAX_CHARACTERS = 60


def texts(side: Side, rows: Ints, columns: Sequence[str]) -> tuple[str, ...]:
    """Return rows as text, short enough to be shown, in the order asked for: their content, or each cell by its column's name."""
    return tuple(map(clipped, _texts(side, rows, columns)))


def pairs(a: Side, b: Side, rows: tuple[Ints, Ints], columns: Sequence[str]) -> tuple[Pair, ...]:
    """Return rows of A beside rows of B, with what differs marked."""
    rows_a, rows_b = rows
    texts_a, texts_b = _texts(a, rows_a, columns), _texts(b, rows_b, columns)
    return tuple(marked(text_a, text_b) for text_a, text_b in zip(texts_a, texts_b, strict=True))


def _texts(side: Side, rows: Ints, columns: Sequence[str]) -> Sequence[str]:
    ascending_rows, inverse = np.unique(rows, return_inverse=True)
    texts: list[str] = []
    if columns == ("text",) and side.is_ours and side.has(PROMPT_TEXT):
        columns = (PROMPT_TEXT, "text")
    for batch in take(side, ascending_rows, list(columns[:_MAX_COLUMNS])):
        if columns == ("text",):
            valid_texts, _ = cells.strings(batch.column(0))
            texts += valid_texts.to_pylist()
        elif columns == (PROMPT_TEXT, "text"):
            texts += [f"{row[PROMPT_TEXT].rstrip()} {_GIVES} {row['text']}" for row in shown.records(batch)]
        elif columns in (("tokens",), ("x",)) and arrow_columns.is_list_of_numbers(batch.schema.field(0).type):
            rows_of_numbers = cells.ragged(batch.column(0)).rows()
            texts += [_numbers(row.tolist(), columns[0]) for row in rows_of_numbers]
        else:
            texts += [_cells(row) for row in shown.records(batch)]
    return [texts[position] for position in inverse]


def _cells(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value!s:.{_MAX_CHARACTERS}}" for name, value in row.items())


def _numbers(row: list[float], column: str) -> str:
    if column == "tokens":
        return " ".join(f"⟨{number}⟩" for number in row)
    numbers = " ".join(f"{number:.4g}" for number in row[:_MAX_NUMBERS])
    return f"{numbers} …" if len(row) > _MAX_NUMBERS else numbers
