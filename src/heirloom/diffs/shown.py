"""Cells as a reader is shown them, also those that Python has no value for: a day beyond its years, a zone that is none, broken text."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

_TEST = pa.types
_NO_VALUE = (pa.ArrowException, ValueError, OverflowError, LookupError)


def values(column: pa.Array) -> list[Any]:
    """Return the value of each cell; of one that Python has no value for, what it is stored as, as a text."""
    try:
        return list(column.to_pylist())
    except _NO_VALUE:
        return [_value(column.slice(row, 1)) for row in range(len(column))]


def records(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the rows of a batch, each name → value."""
    columns = [values(column) for column in batch.columns]
    return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _value(cell: pa.Array) -> Any:
    """Return the value of a column of one cell."""
    try:
        return cell[0].as_py()
    except _NO_VALUE:
        return _stored(cell)


def _stored(cell: pa.Array) -> str:
    kind = cell.type
    if _TEST.is_string(kind) or _TEST.is_large_string(kind):
        return bytes(cell.cast(pa.large_binary())[0].as_py()).decode("utf-8", "replace")
    if _TEST.is_date32(kind) or _TEST.is_time32(kind):
        return f"{cell.cast(pa.int32())[0]} as {kind}"
    if _TEST.is_temporal(kind):
        return f"{cell.cast(pa.int64())[0]} as {kind}"
    return f"a value of {kind}"
