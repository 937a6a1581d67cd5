"""Text beside numbers: a column that is text on one side alone is read as the other side's type, where nothing is lost.

Where something would be lost ("007" is no whole number), the other side is read as text: a number is spelled in one way only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from heirloom.data import arrow_columns
from heirloom.data.columns import CONTENT
from heirloom.diffs.sides import Side
from heirloom.diffs.spelling import is_lossless

_SPELLED = ("whole", "float", "truth", "date", "time")


def aligned(a: Side, b: Side) -> tuple[Side, Side]:
    """Return both sides with the columns cast that are text on one of them alone."""
    a, b = _cast(a, _values_of_texts(a, b)), _cast(b, _values_of_texts(b, a))
    return _cast(a, _texts_of_values(a, b)), _cast(b, _texts_of_values(b, a))


def _cast(side: Side, types: Iterator[tuple[str, pa.DataType]]) -> Side:
    casts = dict(types)
    if not casts:
        return side
    return replace(side, view=replace(side.view, casts={**side.view.casts, **casts}))


def _values_of_texts(side: Side, other: Side) -> Iterator[tuple[str, pa.DataType]]:
    """Yield the columns of text that spell values of the other side's type."""
    for field in _further(side):
        if other.has(field.name) and arrow_columns.shape(field.type) == "bytes":
            target = arrow_columns.bare_type(other.schema.field(field.name).type)
            if arrow_columns.shape(target) in _SPELLED and _all_lossless(side, field.name, target):
                yield field.name, target


def _texts_of_values(side: Side, other: Side) -> Iterator[tuple[str, pa.DataType]]:
    """Yield the columns of values that stand beside text which is no such value."""
    for field in _further(side):
        is_beside_text = other.has(field.name) and arrow_columns.shape(other.schema.field(field.name).type) == "bytes"
        if is_beside_text and arrow_columns.shape(field.type) in _SPELLED:
            yield field.name, pa.string()


def _further(side: Side) -> Iterator[pa.Field]:
    """Yield the columns that are no content by their name: content keeps its type."""
    yield from (field for field in side.schema if field.name not in CONTENT)


def _all_lossless(side: Side, name: str, target: pa.DataType) -> bool:
    columns = (arrow_columns.bare_values(batch.column(0)) for batch in side.batches([name]))
    return all(is_lossless(column, target) for column in columns)
