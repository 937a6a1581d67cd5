"""Choice: which rows of a dataset are taken, as positions drawn without replacement.

Legend of shapes: R replicas; positions are arrays of shape (R, k), ascending within a replica.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream

Positions = NDArray[np.int64]

_KEYS = 2**15
"""Random keys that are drawn and compared at once: 256 kB."""


def choose(source: Dataset, count: int, num_replicas: int, stream: Stream, key: str) -> Dataset:
    """Return ``count`` rows a replica without replacement, in the source's order; all of them need no draw."""
    available = source.num_rows // num_replicas
    require(count, available, key, "what it draws from")
    if count == available:
        return source
    return take(source, subset(stream, available, count, num_replicas))


def draw_evenly(union: Dataset, count: int, num_replicas: int, stream: Stream) -> Dataset:
    """Return ``count`` rows a replica drawn evenly from a union of whole sources."""
    sizes = [piece.num_rows // num_replicas for piece in union.pieces]
    require(count, sum(sizes), "`rows`", "the union it draws from")
    positions_RK = subset(stream, sum(sizes), count, num_replicas)
    parts, start = [], 0
    for piece, size in zip(union.pieces, sizes, strict=True):
        is_in_piece = (positions_RK >= start) & (positions_RK < start + size)
        rows_RK = _flat_rows(positions_RK - start, size)
        rows = rows_RK[is_in_piece]
        if len(rows):
            parts.append(Dataset([piece]).take(rows))
        start += size
    return joined(parts)


@lru_cache(maxsize=1)
def shuffled(stream: Stream, num_rows: int, num_replicas: int) -> Positions:
    """Return a permutation a replica, of shape (R, num_rows); the same one in every generation, so it is remembered."""
    identity = np.broadcast_to(np.arange(num_rows), (num_replicas, num_rows))
    return stream.generator().permuted(identity, axis=1)


def subset(stream: Stream, num_rows: int, count: int, num_replicas: int) -> Positions:
    """Return ``count`` of ``num_rows`` positions a replica, every subset equally likely: those of the smallest of as many random keys."""
    rng = stream.generator()
    most_replicas = max(1, _KEYS // num_rows)
    sizes = [min(most_replicas, num_replicas - start) for start in range(0, num_replicas, most_replicas)]
    return np.concatenate([_smallest(rng.random((size, num_rows)), count) for size in sizes])


def _smallest(keys: NDArray[np.float64], count: int) -> Positions:
    """Return the ascending positions of the ``count`` smallest of each row of keys between 0 and 1."""
    num_rows = keys.shape[1]
    bound = (count + 8 * math.sqrt(count) + 20) / num_rows  # as good as always above the last one that is wanted
    if len(keys) == 1 and bound < 0.5:
        candidates = np.flatnonzero(keys[0] < bound)
        if len(candidates) >= count:
            return candidates[_smallest(keys[:, candidates], count)]
    positions = np.argpartition(keys, count - 1, axis=1)[:, :count]
    return np.sort(positions, axis=1)


def take(source: Dataset, positions: Positions) -> Dataset:
    """Return the rows at positions within the replicas, shape (R, k), replica by replica."""
    rows_per_replica = source.num_rows // len(positions)
    rows = _flat_rows(positions, rows_per_replica)
    return source.take(rows.reshape(-1))


def _flat_rows(positions: Positions, rows_per_replica: int) -> Positions:
    """Return positions within replicas as rows of a dataset that holds the replicas one after another, shape (R, k)."""
    first_rows = rows_per_replica * np.arange(len(positions))
    return positions + first_rows[:, None]


def joined(parts: Sequence[Dataset]) -> Dataset:
    """Return datasets one after another as one; no row is copied."""
    return Dataset([piece for part in parts for piece in part.pieces])


def require(count: int, available: int, key: str, what: str) -> None:
    """Raise HeirloomError unless there are enough rows; the message names the key that asks for them."""
    if count > available:
        raise HeirloomError(f"{key} needs {count} rows, but {what} has {available}")
