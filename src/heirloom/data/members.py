"""Real rows among those of a population: the same rows with the columns that synthetic ones have of their writers.

Real rows lie in files that know of no population. In a training set they stand beside rows that say which member wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom.data import ancestry, storage
from heirloom.data.arrow import column
from heirloom.data.columns import FIRST_ANCESTORS, MEMBER
from heirloom.data.dataset import Dataset
from heirloom.data.storage import Positions, Source

NOBODY = -1
"""What `columns.MEMBER` holds of a real row."""


def in_population(rows: Dataset, num_members: int) -> Dataset:
    """Return real rows with the columns of a population: written by nobody, without a first ancestor."""
    return Dataset([replace(piece, source=RealRows(piece.source, num_members)) for piece in rows.pieces])


class RealRows:
    """A source of real rows (`storage.Source`) and two columns beside its own."""

    def __init__(self, source: Source, num_members: int) -> None:
        self._source, self._num_members = source, num_members
        self.num_rows = source.num_rows
        self.columns: Sequence[str] = [*source.columns, MEMBER, FIRST_ANCESTORS]

    def batches(self, columns: Sequence[str] | None, rows: Positions | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order."""
        names = self.columns if columns is None else columns
        names_of_source = [name for name in names if name in self._source.columns]
        for batch in self._source.batches(names_of_source or ["row"], rows):
            arrays = dict(zip(batch.schema.names, batch.columns, strict=True)) | self._arrays(batch.num_rows)
            yield pa.record_batch({name: arrays[name] for name in names})

    def _arrays(self, num_rows: int) -> dict[str, pa.Array]:
        zeros = column(np.zeros(num_rows * self._num_members))
        first_ancestors = pa.FixedSizeListArray.from_arrays(zeros, self._num_members)
        return {MEMBER: column(np.full(num_rows, NOBODY, np.int32)), FIRST_ANCESTORS: first_ancestors}

    def block(self, column: str, rows: Positions | None) -> NDArray[Any] | None:
        """Return a column as an array, where the source has it in memory."""
        return self._source.block(column, rows)

    def numbers(self, column: str, rows: Positions | None) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Return replicas and a column."""
        return self._source.numbers(column, rows)

    def digests(self, rows: Positions | None) -> list[bytes]:
        """Return the source's own hashes."""
        return self._source.digests(rows)

    def tally(self, rows: Positions | None = None) -> ancestry.Tally:
        """Return the rows counted: all of them real."""
        return storage.tally(self, rows)
