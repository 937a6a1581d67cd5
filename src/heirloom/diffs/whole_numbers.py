"""Whole numbers of JSON that a column of floats cannot hold: Arrow reads them as the nearest float, so that two of them would be equal."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from heirloom.errors import HeirloomError, short

_EXACT = 2.0**53
"""Up to here a float of 64 bits holds every whole number."""


def check(chunk: bytes, table: pa.Table, name: str) -> None:
    """Refuse a whole number in a column of floats that is not the number which was read.

    Parameters
    ----------
    chunk
        Lines of JSON.
    table
        What Arrow has read of them.
    name
        What messages call the file.

    Raises
    ------
    HeirloomError
        With the column and the number.
    """
    columns = [field for field in table.schema if any(map(_is_beyond, _floats(table.column(field.name).combine_chunks())))]
    for row in _rows(chunk) if columns else ():
        for field in columns:
            for number in _whole_numbers(row.get(field.name), field.type):
                if int(float(number)) != number:
                    said = f"the whole number {short(str(number), 40)}, which is read as {float(number)!r}; as text it can be compared"
                    raise HeirloomError(f"{name}: column {short(field.name)} holds {said}")


def _floats(column: pa.Array) -> Iterator[pa.Array]:
    """Yield the floats of a column, at every depth."""
    kind = column.type
    if pa.types.is_floating(kind):
        yield column
    elif pa.types.is_struct(kind):
        for inner in column.flatten():
            yield from _floats(inner)
    elif pa.types.is_list(kind):
        yield from _floats(column.flatten())


def _is_beyond(floats: pa.Array) -> bool:
    largest = pc.max(pc.abs(floats)).as_py()
    return largest is not None and math.isfinite(largest) and largest >= _EXACT


def _rows(chunk: bytes) -> Iterator[dict[str, Any]]:
    """Yield the objects of lines of JSON."""
    decoder, text = json.JSONDecoder(), chunk.decode("utf-8-sig")
    place, end = 0, len(text)
    while True:
        while place < end and text[place].isspace():
            place += 1
        if place == end:
            return
        row, place = decoder.raw_decode(text, place)
        yield row


def _whole_numbers(value: Any, kind: pa.DataType) -> Iterator[int]:
    """Yield the whole numbers of a cell that Arrow reads as floats."""
    if isinstance(value, dict) and pa.types.is_struct(kind):
        for field in kind.fields:
            yield from _whole_numbers(value.get(field.name), field.type)
    elif isinstance(value, list) and pa.types.is_list(kind):
        for inner in value:
            yield from _whole_numbers(inner, kind.value_type)
    elif isinstance(value, int) and not isinstance(value, bool) and pa.types.is_floating(kind):
        yield value
