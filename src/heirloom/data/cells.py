"""Rows of tables: named columns, each of one type, with a value in every cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom.data import arrow, arrow_columns
from heirloom.data.columns import BOOKKEEPING, CONTENT
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError, short

ARROW: Mapping[str, pa.DataType] = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "category": pa.string(),
    "boolean": pa.bool_(),
}
"""Type of a column in config → its type in Arrow."""

_READ_FROM = {"number": {"whole", "float"}, "integer": {"whole"}, "category": {"bytes"}, "boolean": {"truth"}}


def names(dataset: Dataset) -> list[str]:
    """Return the names of the columns of a table's rows; none where rows are no table's."""
    columns = dataset.pieces[0].columns
    return [] if set(columns) & set(CONTENT) else [name for name in columns if name not in BOOKKEEPING]


def checked(table: pa.Table, columns: Mapping[str, str], place: str, first_row: int = 1) -> pa.Table:
    """Return the columns of a table in the order of their declaration and of the types that are declared.

    Parameters
    ----------
    columns
        Name → type, one of `ARROW`.
    place
        Stands before a message.
    first_row
        Number of the table's first row in its file, for messages.

    Raises
    ------
    HeirloomError
        If a column is missing, has another type, or a cell has no value or a number that is not finite; with the row.
    """
    return pa.table({name: _column(table, name, kind, f"{place}: column {name!r}", first_row) for name, kind in columns.items()})


def _column(table: pa.Table, name: str, kind: str, place: str, first_row: int) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise HeirloomError(f"{place} is missing; the columns are {short(', '.join(table.column_names), 200)}")
    column = table[name]
    if arrow_columns.shape(column.type) not in _READ_FROM[kind]:
        raise HeirloomError(f"{place} holds {column.type}; {kind} is declared")
    values = pa.chunked_array([arrow_columns.bare_values(chunk) for chunk in column.chunks], arrow_columns.bare_type(column.type))
    _check_values(values, place, first_row)
    try:
        return values.cast(ARROW[kind]).combine_chunks()
    except pa.ArrowInvalid as error:
        raise HeirloomError(f"{place} is no {kind} ({error})") from None


def _check_values(values: pa.ChunkedArray, place: str, first_row: int) -> None:
    """Refuse cells without a value, and numbers that are not finite."""
    if values.null_count:
        absent = np.concatenate([~arrow.truths(chunk.is_valid()) for chunk in values.chunks])
        raise HeirloomError(f"{place} has no value in row {first_row + int(absent.argmax()):,}; every cell must have one")
    if pa.types.is_floating(values.type):
        is_finite = np.isfinite(arrow.numbers(values))
        if not is_finite.all():
            row = first_row + int(is_finite.argmin())
            raise HeirloomError(f"{place} has a number that is not finite in row {row:,}; every cell must have one that is")


def values(dataset: Dataset, name: str) -> NDArray[np.float64] | pa.ChunkedArray:
    """Return a column of a table's rows: numbers and truth values as an array of shape (N,), categories as texts."""
    chunks = [batch.column(0) for batch in dataset.batches([name])]
    if arrow_columns.shape(chunks[0].type) == "bytes":
        return pa.chunked_array(chunks)
    return np.concatenate([arrow.numbers(chunk.cast(pa.float64())) for chunk in chunks])
