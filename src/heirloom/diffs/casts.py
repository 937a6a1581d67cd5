"""Text beside numbers: a column that is text on one side alone is read as the other side's type, where nothing is lost.

Nothing is lost if every cell spells its value as Arrow does, or a float with more zeros at its end: "7" is 7 and "0.10" is 0.1,
but "007" is no whole number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from heirloom.data import arrow_columns
from heirloom.diffs.sides import Side

_SPELLED = ("whole", "float", "truth", "date", "time")
_ZEROS = r"(\.[0-9]*?)0+$"
_POINT = r"\.$"


def aligned(a: Side, b: Side) -> tuple[Side, Side]:
    """Return both sides with those columns of text cast that are something else on the other side and lose nothing by it."""
    return _cast(a, b), _cast(b, a)


def is_lossless(column: pa.Array, target: pa.DataType) -> bool:
    """Return whether every text of a column spells a value of a type, so that the value gives the text back."""
    try:
        texts = column.cast(pa.large_string())
        spelled_again = texts.cast(target).cast(pa.large_string())
    except pa.ArrowException:
        return False
    if pa.types.is_floating(target):
        texts, spelled_again = _without_zeros(texts), _without_zeros(spelled_again)
    return bool(pc.all(pc.equal(texts, spelled_again)).as_py() in (True, None))


def _cast(side: Side, other: Side) -> Side:
    casts = dict(_casts(side, other))
    if not casts:
        return side
    return replace(side, view=replace(side.view, casts={**side.view.casts, **casts}))


def _casts(side: Side, other: Side) -> Iterator[tuple[str, pa.DataType]]:
    for field in side.schema:
        if other.has(field.name) and arrow_columns.shape(field.type) == "bytes":
            target = arrow_columns.bare_type(other.schema.field(field.name).type)
            if arrow_columns.shape(target) in _SPELLED and _all_lossless(side, field.name, target):
                yield field.name, target


def _all_lossless(side: Side, name: str, target: pa.DataType) -> bool:
    columns = (arrow_columns.bare_values(batch.column(0)) for batch in side.batches([name]))
    return all(is_lossless(column, target) for column in columns)


def _without_zeros(texts: pa.Array) -> pa.Array:
    shorter = pc.replace_substring_regex(texts, _ZEROS, r"\1")
    return pc.replace_substring_regex(shorter, _POINT, "")
