"""Columns as numbers: Arrow's lists and strings as flat arrays with offsets, and one 64-bit hash a row over the data columns.

Shapes: N rows, T values in all rows together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heirloom.data import arrow_columns
from heirloom.errors import HeirloomError

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

_LARGEST = np.iinfo(np.int64).max
_NO_LIST = np.uint64(0x6E6F5F6C_6973745F)  # spells "no_list_"; the hash of a missing list, which is no empty one


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths end to end: ``values`` (T,), and ``offsets`` (N + 1,) where each begins."""

    values: NDArray[Any]
    offsets: Ints

    @property
    def lengths(self) -> Ints:
        """Values of each row, shape (N,)."""
        return np.diff(self.offsets)

    def take(self, rows: Ints) -> Ragged:
        """Return some rows, in the order asked for."""
        lengths = self.lengths[rows]
        offsets = ends(lengths)
        shift = np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Ragged(self.values[np.arange(offsets[-1]) + shift], offsets)

    def rows(self) -> list[NDArray[Any]]:
        """Return one array a row."""
        return np.split(self.values, self.offsets[1:-1]) if len(self.offsets) > 1 else []


def join(parts: Sequence[Ragged]) -> Ragged:
    """Return batches of rows as one."""
    if not parts:
        return Ragged(np.empty(0, np.int64), np.zeros(1, np.int64))
    values = np.concatenate([part.values for part in parts])
    lengths = np.concatenate([part.lengths for part in parts])
    return Ragged(values, ends(lengths))


def ends(lengths: NDArray[Any]) -> Ints:
    """Return offsets (N + 1,) from lengths (N,)."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def ragged(column: pa.Array) -> Ragged:
    """Return a list column of numbers; a null row is an empty one.

    Raises
    ------
    HeirloomError
        If the column holds no lists of numbers, or a number is missing.
    """
    if not arrow_columns.is_list_of_numbers(column.type):
        raise HeirloomError(f"columns tokens and x must hold lists of numbers, got {column.type}")
    column = arrow_columns.bare_values(column)
    flat = column.flatten()
    if flat.null_count:
        raise HeirloomError("columns tokens and x must hold numbers only, and one is null")
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    values = arrow_columns.bare_values(flat).to_numpy(zero_copy_only=False)
    if values.dtype == np.uint64 and values.max(initial=0) > _LARGEST:
        raise HeirloomError(f"columns tokens and x must hold whole numbers up to 2^63 - 1, got {values.max()}")
    is_floating = np.issubdtype(values.dtype, np.floating)
    return Ragged(values.astype(np.float64 if is_floating else np.int64, copy=False), ends(lengths))


def strings(column: pa.Array) -> tuple[pa.Array, int]:
    """Return a text column as valid UTF-8 without nulls, and how many rows held bytes that are not; those bytes become U+FFFD.

    Raises
    ------
    HeirloomError
        If the column holds no text.
    """
    raw = _raw(column, b"")
    try:
        return raw.cast(pa.large_string()), 0
    except pa.ArrowInvalid:
        rows = raw.to_pylist()
        texts = [row.decode("utf-8", "replace") for row in rows]
        invalid_rows = sum(text.encode() != row for text, row in zip(texts, rows, strict=True))
        return pa.array(texts, pa.large_string()), invalid_rows


def row_hashes(batch: pa.RecordBatch) -> Hashes:
    """Return one hash a row over the bytes of all columns of a batch, shape (N,); equal rows have equal hashes.

    xxh3 of 64 bits (xxHash): among 20 million different rows, two share a hash with a chance of about 1e-5 (n² / 2^65). Integers
    hash as 64 bits and floats as doubles, so the width of a column does not matter; minus zero is zero.
    """
    total = np.zeros(batch.num_rows, np.uint64)
    for column in batch.columns:
        # An odd multiplier keeps every bit of what came before and makes the order of the columns count.
        total = total * np.uint64(0x9E3779B97F4A7C15) + _hashes(column)
    return total


def _hashes(column: pa.Array) -> Hashes:
    from xxhash import xxh3_64_intdigest

    view, offsets = _bytes(column)
    bounds = pairwise(offsets.tolist())
    digests = (xxh3_64_intdigest(view[start:stop]) for start, stop in bounds)
    hashes = np.fromiter(digests, np.uint64, len(column))
    if column.null_count and arrow_columns.is_list_of_numbers(column.type):
        hashes[column.is_null().to_numpy(zero_copy_only=False)] = _NO_LIST
    return hashes


def _bytes(column: pa.Array) -> tuple[memoryview, Ints]:
    if arrow_columns.is_list_of_numbers(column.type):
        cells = ragged(column)
        numbers = cells.values + 0 if cells.values.dtype == np.float64 else cells.values  # minus zero becomes zero
        values = np.ascontiguousarray(numbers)
        return values.data.cast("B") if values.size else memoryview(b""), cells.offsets * values.itemsize
    # Casting keeps the bytes as they are, valid or not; a null is told from an empty text by a byte that UTF-8 never has.
    raw = _raw(column, b"\xff")
    _, offsets, data = raw.buffers()
    bounds = np.frombuffer(offsets, np.int64)[raw.offset : raw.offset + len(raw) + 1]
    return memoryview(data or b""), bounds


def _raw(column: pa.Array, null_value: bytes) -> pa.Array:
    """Return a text column as bytes."""
    return pc.fill_null(arrow_columns.raw_text(column, "column text"), null_value)
