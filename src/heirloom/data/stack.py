"""Stacks: sets of vectors that lie one after another in one array, so that a training set that only grows is never copied or read again.

A lineage in memory that keeps every synthetic set has one stack. It holds each number once; columns of ancestry are made anew when a set is
written. What is trained on is a stretch of the stack: all of its sets, or rows drawn from them.

Legend of shapes: R replicas, C rows a replica that there is room for, N rows a replica, W numbers a row, K sets, M rows over all replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom.data import ancestry
from heirloom.data.dataset import Dataset, Piece
from heirloom.data.storage import InMemory, Positions, block_of, digest_of

Table = Callable[[], pa.Table]


@dataclass(frozen=True)
class Part:
    """One set of a stack: who its rows are, apart from their numbers.

    Parameters
    ----------
    first, last
        Its rows stand at these places of each replica; the last is left out.
    digest
        Hash of the table that the rows are from.
    rows
        Positions of the rows in that table, or None for all.
    tally
        The rows counted; all were born in one generation.
    table
        Makes the table.
    """

    first: int
    last: int
    digest: bytes
    rows: Positions | None
    tally: ancestry.Tally
    table: Table

    def positions(self, selection: Positions | None) -> Positions | None:
        """Return the positions of some of the rows, or of all, in the table."""
        if selection is None or self.rows is None:
            return self.rows if selection is None else selection
        return self.rows[selection]


class Stretch:
    """Sets that follow one another on a stack, as a source (`storage.Source`): a row's position is counted over all sets of a replica."""

    def __init__(self, array_RCW: NDArray[Any], parts: Sequence[Part], columns: Sequence[str]) -> None:
        self._parts, self.columns = parts, columns
        self._x_RNW = array_RCW[:, parts[0].first : parts[-1].last]
        self.num_rows = self._x_RNW.shape[0] * self._x_RNW.shape[1]

    def batches(self, columns: Sequence[str] | None, rows: Positions | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows set by set."""
        for part, positions in self._by_part(rows):
            yield from InMemory(part.table()).batches(columns, part.positions(positions))

    def block(self, column: str, rows: Positions | None) -> NDArray[Any] | None:
        """Return the vectors, without a copy where all rows are asked for; None if replicas have unequal numbers of rows."""
        return block_of(self._x_RNW, rows)

    def numbers(self, column: str, rows: Positions | None) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Return replicas and vectors."""
        replica, place = self._places(np.arange(self.num_rows) if rows is None else rows)
        return replica.astype(np.int32), self._x_RNW[replica, place]

    def digests(self, rows: Positions | None) -> list[bytes]:
        """Return a hash of each set, with the positions where only some rows are taken."""
        return [digest_of(part.digest, part.positions(positions)) for part, positions in self._by_part(rows)]

    def tally(self, rows: Positions | None = None) -> ancestry.Tally:
        """Return rows counted by generation of birth, without reading any."""
        total = self._tally
        if rows is None:
            return total
        replica, place = self._places(rows)
        cell = replica * len(self._parts) + self._part_of(place)
        counts = np.bincount(cell, minlength=total.counts.size).reshape(total.counts.shape)
        is_present = counts.any(axis=0)
        depth = np.where(counts, total.depth, 0.0)
        depth_max = np.where(counts, total.depth_max, 0)
        counts, depth, depth_max = (np.compress(is_present, values, axis=1) for values in (counts, depth, depth_max))
        return ancestry.Tally(total.born[is_present], counts, depth, depth_max.astype(np.int32), 0)

    @cached_property
    def _tally(self) -> ancestry.Tally:
        return ancestry.merge([part.tally for part in self._parts])

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """Where each set begins in a replica, shape (K,)."""
        return np.array([part.first for part in self._parts]) - self._parts[0].first

    def _places(self, rows: Positions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the replica of each row, and its place among the replica's rows, shape (M,) both."""
        return np.divmod(rows, self._x_RNW.shape[1])

    def _part_of(self, place: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self._starts, place, side="right") - 1

    def _by_part(self, rows: Positions | None) -> Iterator[tuple[Part, Positions | None]]:
        """Yield each set that has some of these rows, with their positions in it, ascending; None for all."""
        if rows is None:
            for part in self._parts:
                yield part, None
            return
        replica, place = self._places(rows)
        part_of_row = self._part_of(place)
        order = np.argsort(part_of_row, kind="stable")
        sizes: NDArray[np.int64] = np.diff(self._starts, append=self._x_RNW.shape[1])
        positions = (place - self._starts[part_of_row] + sizes[part_of_row] * replica)[order]
        ends = np.cumsum(np.bincount(part_of_row, minlength=len(self._parts))).tolist()
        for part, begin, end in zip(self._parts, [0, *ends[:-1]], ends, strict=True):
            if begin < end:
                yield part, positions[begin:end]


class Stack:
    """Room for sets of vectors, which are put on it one after another.

    Parameters
    ----------
    num_rows
        Rows a replica that there is room for; memory is taken when it is filled.
    """

    def __init__(self, num_rows: int) -> None:
        self._room = num_rows
        self._parts: list[Part] = []
        self._array: NDArray[Any] = np.empty(0)
        self._columns: Sequence[str] = ()

    def put(self, rows: Dataset, table: Callable[[NDArray[Any]], pa.Table] | None = None) -> None:
        """Copy a set's vectors to the end.

        Parameters
        ----------
        rows
            A set of one piece in memory, all rows born in one generation, as many in every replica.
        table
            Makes the table that the rows are from, given its vectors (R, N, W). Without it the table is held.
        """
        (piece,) = rows.pieces
        x_RNW = rows.by_replica()
        if not self._parts:
            num_replicas, _, width = x_RNW.shape
            self._array = np.empty((num_replicas, self._room, width), x_RNW.dtype)
            self._columns = piece.columns
        first = self._parts[-1].last if self._parts else 0
        last = first + x_RNW.shape[1]
        self._array[:, first:last] = x_RNW
        (digest,) = piece.source.digests(None)
        maker = self._table_of(piece, self._array[:, first:last], table)
        self._parts.append(Part(first, last, digest, piece.rows, piece.tally(), maker))

    @staticmethod
    def _table_of(piece: Piece, set_RNW: NDArray[Any], table: Callable[[NDArray[Any]], pa.Table] | None) -> Table:
        """Return what makes the table of a piece again: from its vectors on the stack or, where only some are there, from all of them."""
        if table is None:
            source_rows = Dataset([Piece(piece.source)])
            return lambda: pa.Table.from_batches(source_rows.batches())
        x_RNW = set_RNW if piece.rows is None else Dataset([Piece(piece.source)]).by_replica()
        return lambda: table(x_RNW)

    def sets(self, first: int, last: int | None = None) -> Dataset:
        """Return the sets from one to another, counted from 0, as they are now; the last is left out."""
        return Dataset([Piece(Stretch(self._array, self._parts[first:last], self._columns))])
