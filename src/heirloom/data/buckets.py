"""Length buckets: which rows of unequal length are read together, so that little of a padded matrix is padding.

The layout is a function of the rows' lengths and of a stream alone. It does not know shards, processes or where a job was taken up again,
so that a batch holds the same rows wherever and whenever it is made, and the bytes that come out of it are the same.

Sorting the rows of a window by length and cutting the window into batches is as old as translation by neural networks (Sutskever, Vinyals
and Le 2014, "Sequence to sequence learning with neural networks", section 3.4); windows bound how many rows are looked at together.

Legend of shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from heirloom.runtime.streams import Stream

WINDOW = 32
"""Chunks, or batches, whose rows are sorted together."""

Positions = NDArray[np.int64]


def chunks(lengths: NDArray[np.int64], chunk_rows: int) -> list[Positions]:
    """Return the rows of each chunk of one window, by length, equal ones in their order; the last chunk has what is left.

    Parameters
    ----------
    lengths
        Tokens of each row of the window, shape (N,).
    chunk_rows
        Rows of a chunk.
    """
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + chunk_rows] for start in range(0, len(order), chunk_rows)]


def windows(num_rows: int, chunk_rows: int) -> Iterator[range]:
    """Yield the rows of each window of `WINDOW` chunks, in order; the last one has what is left."""
    size = WINDOW * chunk_rows
    for start in range(0, num_rows, size):
        yield range(start, min(start + size, num_rows))


def epoch_batches(lengths: NDArray[np.int64], epoch: int, batch_rows: int, stream: Stream) -> Iterator[Positions]:
    """Yield the rows of each step of one epoch: every row once, rows of like length together, batches in an order drawn from the stream.

    Rows are shuffled by ``stream.child("order", epoch)``, cut into windows, and sorted by length within each; so which rows meet differs
    from epoch to epoch. The step with what is left of the rows may stand anywhere.

    Parameters
    ----------
    lengths
        Tokens of each row, shape (N,).
    epoch
        From 0.
    batch_rows
        Rows of a step.
    """
    order = stream.child("order", epoch).generator().permutation(len(lengths))
    batches: list[Positions] = []
    for window in windows(len(lengths), batch_rows):
        rows = order[window.start : window.stop]
        batches += [rows[places] for places in chunks(lengths[rows], batch_rows)]
    for number in stream.child("batches", epoch).generator().permutation(len(batches)).tolist():
        yield batches[number]
