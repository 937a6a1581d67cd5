"""Storage: where rows are kept, a table in memory or a Parquet file on disk, read alike.

A source's rows are sorted by replica, then row, and every replica has as many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heirloom import ancestry, arrow
from heirloom.manifest import recorded_sha256

Positions = NDArray[np.int64]

BATCH_ROWS = 8192


class Source(Protocol):
    """Where rows come from: a table in memory or a file on disk."""

    num_rows: int
    columns: Sequence[str]

    def batches(self, columns: Sequence[str] | None, rows: Positions | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows at ascending positions, or all of them, in order."""
        ...

    def digest(self) -> bytes:
        """Return a hash of the content."""
        ...

    def tally(self) -> ancestry.Tally:
        """Return all rows counted by generation of birth."""
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
        yield from (table if rows is None else table.take(rows)).to_batches()

    def digest(self) -> bytes:
        """Return sha256 over the columns' names and buffers; computed once."""
        return self._digest

    def tally(self) -> ancestry.Tally:
        """Return all rows counted by generation of birth; computed once, because a growing set is looked at in every generation."""
        return self._tally

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

    def digest(self) -> bytes:
        """Return the fingerprint that was recorded beside the file."""
        return bytes.fromhex(recorded_sha256(self.path))

    def tally(self) -> ancestry.Tally:
        """Return all rows counted by generation of birth, reading the columns of ancestry alone."""
        return tally(self)


def tally(source: Source, rows: Positions | None = None) -> ancestry.Tally:
    """Return some rows of a source, or all, counted by generation of birth; only the columns of ancestry are read."""
    columns = {"replica", *ancestry.COLUMNS} & set(source.columns)
    return ancestry.tally(source.batches(sorted(columns), rows))
