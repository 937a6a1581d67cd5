"""Between numpy or Python and Arrow, without pandas: pyarrow's own ways import it, 0.4 s in every job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom.errors import HeirloomError


def column(values: NDArray[Any]) -> pa.Array:
    """Return numbers of shape (N,) as a column of their own type."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def strings(texts: Sequence[str]) -> pa.Array:
    """Return texts as a column; together they may have 2³¹ - 1 bytes."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def numbers(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Return a column of numbers as an array of shape (N,), read-only where it is not in chunks.

    Raises
    ------
    BufferError, pyarrow.ArrowTypeError
        If values are missing or no numbers.
    """
    if isinstance(column, pa.ChunkedArray):
        empty = np.empty(0, column.type.to_pandas_dtype())
        return np.concatenate([empty, *map(numbers, column.chunks)])
    return np.from_dlpack(column)


def truths(column: pa.BooleanArray) -> NDArray[np.bool_]:
    """Return a column of truth values without nulls as an array of shape (N,)."""
    return numbers(column.cast(pa.uint8())).astype(bool)


def as_matrix(column: pa.Array) -> NDArray[Any]:
    """Return a list column of equal lengths as an array of shape (rows, W), or a column of numbers as one of shape (rows, 1).

    Raises
    ------
    HeirloomError
        If the lists differ in length.
    """
    values = numbers(column if pa.types.is_floating(column.type) else column.flatten())
    if pa.types.is_list(column.type) and (lengths(column) != len(values) // max(len(column), 1)).any():
        raise HeirloomError("rows differ in length; they must be equally long here")
    return values.reshape(len(column), -1)


def lengths(column: pa.ListArray) -> NDArray[np.int64]:
    """Return how many entries each list of a column has, shape (N,)."""
    return np.diff(numbers(column.offsets)).astype(np.int64)
