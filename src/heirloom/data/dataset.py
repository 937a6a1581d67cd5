"""The one data type: rows with their ancestry, as Arrow tables in memory and Parquet files on disk.

Legend of shapes: R replicas, N rows a replica, W numbers a row (dimensions of a vector, tokens of a text row).

Columns of a text row: ``row`` (id), ``tokens`` (W new tokens; the prompt is ``parent``), ``text``, and the ancestry
``kind`` (real | synthetic), ``born`` (generation that made it, 0 for real), ``depth`` and ``depth_max`` (models since a human:
`ancestry`), ``parent`` (row id of the prompt, or null), ``model`` (fingerprint of the checkpoint that wrote it, or null). Rows of a
population have ``population_member`` and ``first_ancestors``, too (`columns`). A vector row has
``replica`` and ``x`` in place of tokens and text: float64, or uint8 where it is an image. (kind, born, row) names a row within a
lineage and replica. A training set of a regime with weights has a column ``weight``: how much a row counts, 1 on average.

A row of a prompt and its completion has the completion in ``tokens`` and ``text``, with the end token last in ``tokens`` where the writer
``stopped``, and the prompt in ``prompt`` (tokens) and ``prompt_text``; lists differ in length (`ragged`, `pairs`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heirloom.artefacts.files import replacing
from heirloom.data import ancestry, arrow, storage
from heirloom.data.arrow import as_matrix
from heirloom.data.columns import WEIGHT, plain
from heirloom.data.storage import BATCH_ROWS, InMemory, OnDisk, Positions, Source
from heirloom.errors import HeirloomError


@dataclass(frozen=True, eq=False)
class Piece:
    """Some rows of one source: all of them, or those at ascending positions; given a weight, each counts that much."""

    source: Source
    rows: Positions | None = None
    weight: float | None = None

    @property
    def num_rows(self) -> int:
        """Rows of this piece."""
        return self.source.num_rows if self.rows is None else len(self.rows)

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns."""
        return self.source.columns if self.weight is None else [*self.source.columns, WEIGHT]

    def batches(self, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """Yield the piece's rows in order."""
        if self.weight is None or (columns is not None and WEIGHT not in columns):
            yield from self.source.batches(columns, self.rows)
            return
        source_columns = None if columns is None else [name for name in columns if name != WEIGHT]
        for batch in self.source.batches(source_columns, self.rows):
            yield batch.append_column(WEIGHT, arrow.column(np.full(batch.num_rows, self.weight)))

    def block(self, column: str) -> NDArray[Any] | None:
        """Return a column as an array of shape (R, N, W), if the rows are in memory, and as many in every replica."""
        if column != WEIGHT or self.weight is None:
            return self.source.block(column, self.rows)
        x_RNW = self.source.block("x", self.rows)
        return None if x_RNW is None else np.full((*x_RNW.shape[:2], 1), self.weight)

    def numbers(self, column: str) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Return the replica of each row, shape (M,), and a column, shape (M, W)."""
        if column != WEIGHT or self.weight is None:
            return self.source.numbers(column, self.rows)
        return storage.numbers(self.batches(["replica", WEIGHT]))

    def digests(self) -> list[bytes]:
        """Return a hash of each set of rows in the piece: of its source, the positions where only some are taken, and the weight if any."""
        digests = self.source.digests(self.rows)
        if self.weight is None:
            return digests
        return [hashlib.sha256(digest + repr(self.weight).encode()).digest() for digest in digests]

    def tally(self) -> ancestry.Tally:
        """Return the piece's rows counted by generation of birth."""
        return self.source.tally(self.rows)


class Dataset:
    """An ordered concatenation of pieces; reading it streams, so a mixture is described before it is made.

    Parameters
    ----------
    pieces
        Pieces with equal columns, at least one.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = tuple(pieces)

    @classmethod
    def of(cls, table: pa.Table) -> Dataset:
        """Return a table as a dataset."""
        return cls([Piece(InMemory(table))])

    @classmethod
    def open(cls, path: str | Path) -> Dataset:
        """Return a Parquet file as a dataset, unread.

        Raises
        ------
        HeirloomError
            If the file is missing.
        """
        if not Path(path).is_file():
            raise HeirloomError(f"{path}: no such dataset; run snakemake, or fetch it with dvc pull")
        return cls([Piece(OnDisk(Path(path)))])

    @cached_property
    def num_rows(self) -> int:
        """Rows of all pieces, over all replicas."""
        return sum(piece.num_rows for piece in self.pieces)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order as record batches of at most about 8,000 rows for files."""
        for piece in self.pieces:
            yield from piece.batches(columns)

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """Return the rows at ascending positions of a dataset with one whole piece."""
        (piece,) = self.pieces
        if piece.rows is not None:
            rows = piece.rows[rows]
        return Dataset([replace(piece, rows=rows)])

    def weighted(self, weight: float) -> Dataset:
        """Return the same rows, each counting ``weight`` in training."""
        return Dataset([replace(piece, weight=weight) for piece in self.pieces])

    @property
    def is_weighted(self) -> bool:
        """Whether rows have weights of their own."""
        return WEIGHT in self.pieces[0].columns

    def weights(self) -> NDArray[np.float64]:
        """Return each row's weight, 1 where rows have none; shape (rows of all replicas,)."""
        if not self.is_weighted:
            return np.ones(self.num_rows)
        return np.concatenate([arrow.numbers(batch.column(WEIGHT)) for batch in self.batches(["row", WEIGHT])])

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return all rows in memory: for toy families and tests."""
        return pa.Table.from_batches([plain(batch) for batch in self.batches(columns)])

    def matrices(self, column: str) -> Iterator[NDArray[Any]]:
        """Yield a list column batch by batch as arrays of shape (rows of the batch, W)."""
        for batch in self.batches([column]):
            if batch.num_rows:
                yield as_matrix(batch.column(0))

    def head(self, column: str, rows: int) -> NDArray[Any]:
        """Return a list column of the first rows, or of all if there are fewer, as an array of shape (rows, W)."""
        matrices: list[NDArray[Any]] = []
        num_rows = 0
        for matrix in self.matrices(column):
            matrices.append(matrix)
            num_rows += len(matrix)
            if num_rows >= rows:
                break
        return np.concatenate(matrices)[:rows]

    def texts(self) -> Iterator[str]:
        """Yield the rows' text."""
        for batch in self.batches(["text"]):
            yield from batch.column(0).to_pylist()

    def chunks(self, column: str, rows: int) -> Iterator[NDArray[Any]]:
        """Yield a list column in arrays of exactly ``rows`` rows, the last one filled up by repeating its last row.

        A model that always sees full chunks computes every row by the same matrix products, wherever the row stands.
        """
        pending: list[NDArray[Any]] = []
        num_pending = 0
        for matrix in self.matrices(column):
            pending.append(matrix)
            num_pending += len(matrix)
            if num_pending < rows:
                continue
            block = np.concatenate(pending)
            for start in range(0, num_pending - rows + 1, rows):
                yield block[start : start + rows]
            end = num_pending - num_pending % rows
            pending, num_pending = [block[end:]], num_pending - end
        if num_pending:
            remainder = np.concatenate(pending)
            filling = np.repeat(remainder[-1:], rows - num_pending, axis=0)
            yield np.concatenate([remainder, filling])

    def by_replica(self, column: str = "x") -> NDArray[np.float64]:
        """Return a column as an array of shape (R, N, W), rows in order within a replica; the vectors, or numbers with W = 1."""
        blocks = [piece.block(column) for piece in self.pieces]
        blocks_in_memory = [block for block in blocks if block is not None]
        if len(blocks_in_memory) == len(blocks):
            return storage.joined(blocks_in_memory)
        replicas_and_values = [piece.numbers(column) for piece in self.pieces]
        replicas, x = (np.concatenate(arrays) for arrays in zip(*replicas_and_values, strict=True))
        order = np.argsort(replicas, kind="stable")
        num_replicas = int(replicas[order[-1]]) + 1
        return x[order].reshape(num_replicas, -1, x.shape[1])

    def digest(self) -> str:
        """Return a content hash in hex that needs no file: sha256 over the digests of its sets of rows, of a single one its own."""
        digests = [digest for piece in self.pieces for digest in piece.digests()]
        return digests[0].hex() if len(digests) == 1 else hashlib.sha256(b"".join(digests)).hexdigest()

    @cached_property
    def tally(self) -> ancestry.Tally:
        """The rows counted by generation of birth."""
        return ancestry.merge([piece.tally() for piece in self.pieces])

    def count_distinct_real(self) -> int:
        """Return how many different real rows there are, over all replicas."""
        columns = sorted({"replica", "row", "born"} & set(self.pieces[0].source.columns))
        real_pieces = (piece for piece in self.pieces if 0 in piece.source.tally().born)
        batches = (batch for piece in real_pieces for batch in piece.batches(columns))
        return ancestry.count_distinct_real(batches)

    def write(self, path: str | Path) -> None:
        """Write deterministic Parquet, batch by batch, under a temporary name."""
        write_batches(path, self.batches())


def write_batches(path: str | Path, batches: Iterable[pa.RecordBatch]) -> None:
    """Write record batches as deterministic Parquet: fixed row groups, no time, no library metadata beyond the writer's version.

    Raises
    ------
    HeirloomError
        If there is not a single batch.
    """
    plain_batches = (plain(batch) for batch in batches)
    first_batch = next(plain_batches, None)
    if first_batch is None:
        raise HeirloomError(f"{path}: a dataset without rows")
    layout = {"compression": "zstd", "store_schema": False, "use_dictionary": ["kind", "born", "depth", "depth_max", "model"]}
    with replacing(path) as temporary, pq.ParquetWriter(temporary, first_batch.schema, **layout) as writer:
        for batch in _fixed_batches(first_batch, plain_batches):
            writer.write_batch(batch)


def _fixed_batches(first_batch: pa.RecordBatch, later_batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches of fixed size, so that the file does not depend on how the rows arrived."""
    pending = pa.Table.from_batches([first_batch])
    for batch in later_batches:
        pending = pa.concat_tables([pending, pa.Table.from_batches([batch])])
        while pending.num_rows >= BATCH_ROWS:
            yield _first_rows(pending)
            pending = pending.slice(BATCH_ROWS)
    while pending.num_rows:
        yield _first_rows(pending)
        pending = pending.slice(BATCH_ROWS)


def _first_rows(table: pa.Table) -> pa.RecordBatch:
    """Return the first rows of a table, as many as a batch of fixed size has, or all where there are fewer."""
    return table.slice(0, BATCH_ROWS).combine_chunks().to_batches()[0]
