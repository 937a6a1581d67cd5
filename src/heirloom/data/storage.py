"""Storage: where rows are kept, a table in memory or a Parquet file on disk, read alike.

A source's rows are sorted by replica, then row, and every replica has as many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.data import ancestry, arrow
from heirloom.data.arrow import as_matrix

Positions = NDArray[np.int64]

BATCH_ROWS = 8192


class Source(Protocol):
    """Where rows come from: a table in memory or a file on disk."""

    num_rows: int
    columns: Sequence[str]

    def batches(self, columns: Sequence[str] | None, rows: Positions | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows at ascending positions, or all of them, in order."""
        ...

    def block(self, column: str, rows: Positions | None) -> NDArray[Any] | None:
        """Return a column of these rows as an array of shape (R, N, W), if they are in memory, and as many in every replica."""
        ...

    def numbers(self, column: str, rows: Positions | None) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Return the replica of each of these rows, shape (M,), and a column of theirs, shape (M, W)."""
        ...

    def digests(self, rows: Positions | None) -> list[bytes]:
        """Return a hash of the content of each set of rows that the source is made of, as far as these rows are concerned."""
        ...

    def tally(self, rows: Positions | None = None) -> ancestry.Tally:
        """Return these rows counted by generation of birth."""
        ...


class InMemory:
    """A table whose rows are sorted by replica, each replica having as many."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table.combine_chunks()
        self.num_rows: int = table.num_rows
        self.columns: Sequence[str] = table.column_names

    def batches(self, columns: Sequence[str] | None, rows: Positions | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows as one batch a chunk of the table."""
        table = self.table.select(columns) if columns else self.table
        if rows is not None:
            table = table.take(rows)
        yield from table.to_batches()

    def block(self, column: str, rows: Positions | None) -> NDArray[Any] | None:
        """Return a column as an array, without a copy where all rows are asked for; None if replicas have unequal numbers of rows."""
        chunks = [as_matrix(chunk) for chunk in self.table[column].chunks]
        matrix = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
        num_replicas = int(self.table["replica"][-1].as_py()) + 1
        return block_of(matrix.reshape(num_replicas, -1, matrix.shape[1]), rows)

    def numbers(self, column: str, rows: Positions | None) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Return replicas and a column."""
        return numbers(self.batches(["replica", column], rows))

    def digests(self, rows: Positions | None) -> list[bytes]:
        """Return sha256 over the columns' names and buffers, computed once, with the positions."""
        return [digest_of(self._digest, rows)]

    def tally(self, rows: Positions | None = None) -> ancestry.Tally:
        """Return rows counted by generation of birth; all of them once, because a growing set is looked at in every generation."""
        return self._tally if rows is None else tally(self, rows)

    @cached_property
    def _tally(self) -> ancestry.Tally:
        return tally(self)

    @cached_property
    def _digest(self) -> bytes:
        digest = hashlib.sha256()
        for name in self.table.column_names:
            digest.update(name.encode())
            for chunk in self.table[name].chunks:
                for buffer in filter(None, chunk.buffers()):
                    digest.update(buffer)
                if pa.types.is_dictionary(chunk.type):
                    digest.update("\0".join(chunk.dictionary.to_pylist()).encode())
        return digest.digest()


class OnDisk:
    """A Parquet file, read batch by batch."""

    def __init__(self, path: Path) -> None:
        self.path = path
        metadata = pq.read_metadata(path)
        self.num_rows: int = metadata.num_rows
        self.columns: Sequence[str] = metadata.schema.to_arrow_schema().names

    def batches(self, columns: Sequence[str] | None, rows: Positions | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows, never holding more than a batch of the file."""
        with pq.ParquetFile(self.path) as file:
            start = 0
            for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                stop = start + batch.num_rows
                if rows is None:
                    yield batch
                else:
                    low, high = np.searchsorted(rows, (start, stop))
                    if low < high:
                        yield batch.take(arrow.column(rows[low:high] - start))
                start = stop

    def block(self, column: str, rows: Positions | None) -> None:
        """Return nothing: rows of a file stand in the order in which they were mixed."""
        return

    def numbers(self, column: str, rows: Positions | None) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Return replicas and a column."""
        return numbers(self.batches(["replica", column], rows))

    def digests(self, rows: Positions | None) -> list[bytes]:
        """Return the fingerprint that was recorded beside the file, with the positions."""
        return [digest_of(bytes.fromhex(recorded_sha256(self.path)), rows)]

    def tally(self, rows: Positions | None = None) -> ancestry.Tally:
        """Return rows counted by generation of birth, reading the columns of ancestry alone."""
        return tally(self, rows)


def tally(source: Source, rows: Positions | None = None) -> ancestry.Tally:
    """Return some rows of a source, or all, counted by generation of birth; only the columns of ancestry are read."""
    columns = {"replica", *ancestry.COLUMNS} & set(source.columns)
    return ancestry.tally(source.batches(sorted(columns), rows))


def numbers(batches: Iterable[pa.RecordBatch]) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Return the first column of some batches, shape (M,), and the second, a list column or numbers, shape (M, W)."""
    replicas, matrices = [], []
    for batch in batches:
        replicas.append(arrow.numbers(batch.column(0)))
        matrices.append(as_matrix(batch.column(1)))
    return np.concatenate(replicas), np.concatenate(matrices)


def digest_of(digest: bytes, rows: Positions | None) -> bytes:
    """Return the hash of some rows of a set, or of all, from the set's own."""
    return digest if rows is None else hashlib.sha256(digest + rows.tobytes()).digest()


def block_of(array_RNW: NDArray[Any], rows: Positions | None) -> NDArray[Any] | None:
    """Return the rows at ascending positions of an array, or all of it, uncopied; None if replicas have unequal numbers of rows."""
    if rows is None:
        return array_RNW
    num_replicas, num_rows, width = array_RNW.shape
    rows_per_replica, remainder = divmod(len(rows), num_replicas)
    replica, place = np.divmod(rows, num_rows)
    if remainder or not np.array_equal(replica, np.repeat(np.arange(num_replicas), rows_per_replica)):
        return None
    return array_RNW[replica, place].reshape(num_replicas, rows_per_replica, width)


def joined(blocks: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return arrays of shape (R, N, W) one after another in each replica: a view where they lie so in one array already, else a copy."""
    first_block = blocks[0]
    if len(blocks) == 1:
        return first_block
    array, strides = first_block.base, first_block.strides
    starts = [_address(block) for block in blocks]
    ends = [start + block.shape[1] * strides[1] for start, block in zip(starts, blocks, strict=True)]
    has_gaps = starts[1:] != ends[:-1]
    has_one_base = all(block.base is array and block.strides == strides for block in blocks)
    if has_gaps or not has_one_base or not isinstance(array, np.ndarray) or array.strides != strides:
        return np.concatenate(blocks, axis=1)
    begin = (starts[0] - _address(array)) // strides[1]
    num_rows = sum(block.shape[1] for block in blocks)
    return array[:, begin : begin + num_rows]


def _address(array: NDArray[Any]) -> int:
    """Return where an array's first number lies in memory."""
    address: int = array.__array_interface__["data"][0]
    return address
