"""Mixing: the one place that decides which rows a model sees.

A regime is declared in config (`specs.regime`). Mixing turns it into *positions* in the real pool, the original set and the
synthetic sets, and describes the training set as pieces of those; no row is copied before the set is written. The real pool is shuffled
once a seed: its head is the original set (the origin's training rows), its tail gives each generation rows that no model has seen.

Legend of shapes: R replicas; positions are arrays of shape (R, k), ascending within a replica.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from heirloom.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.specs.regime import Regime
from heirloom.streams import Stream

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Ingredients:
    """What a training set can be mixed from.

    Parameters
    ----------
    pool
        Every real training row.
    original
        The rows that the origin was trained on.
    synthetic
        Synthetic sets, oldest first; the newest alone where the regime asks for no other.
    num_replicas
        R; rows of every dataset are R times the rows of one replica.
    """

    pool: Dataset
    original: Dataset
    synthetic: Sequence[Dataset]
    num_replicas: int = 1


def mix_origin(pool: Dataset, rows: int, stream: Stream, num_replicas: int = 1) -> Dataset:
    """Return the original set: the head of the shuffled pool, in the pool's order.

    Parameters
    ----------
    rows
        Rows a replica.
    stream
        The pool's shuffle, shared by every regime of a seed.
    """
    available = pool.num_rows // num_replicas
    _require(rows, available, "`origin_rows`", "the real training pool")
    if rows == available:
        return pool
    return _take(pool, np.sort(_shuffled(stream, available, num_replicas)[:, :rows], axis=1))


def mix(regime: Regime, ingredients: Ingredients, rows: int, generation: int, *, shuffle: Stream, lineage: Stream) -> Dataset:
    """Return the training set of one generation of a lineage.

    Parameters
    ----------
    rows
        The row budget of a generation, a replica.
    generation
        From 1; generation 0 is `mix_origin`.
    shuffle
        The pool's shuffle, as given to `mix_origin`.
    lineage
        The lineage's stream: (seed, regime).

    Raises
    ------
    HeirloomError
        If a share asks for more rows than its source holds.
    """
    step = lineage.child(generation, "mix")
    real = real_rows(regime, ingredients, rows, generation, shuffle=shuffle, lineage=lineage)
    synthetic = {"latest": ingredients.synthetic[-1:], "all": ingredients.synthetic, "none": ()}[regime.synthetic]
    if regime.budget == "fixed":
        num_real = sum(part.num_rows for part in real) // ingredients.num_replicas
        return _joined([*real, *_fill(synthetic, rows - num_real, ingredients.num_replicas, step)])
    union = _joined([*real, *synthetic])
    if regime.budget == "grows":
        return union
    return _drawn(union, rows, ingredients.num_replicas, step.child("drawn"))


def real_rows(regime: Regime, ingredients: Ingredients, rows: int, generation: int, *, shuffle: Stream, lineage: Stream) -> list[Dataset]:
    """Return the real rows of one generation, a dataset a kind; parameters and errors as in `mix`."""
    step = lineage.child(generation, "mix")
    return [
        *_original(regime, ingredients, rows, lineage, step),
        *_pool(regime, ingredients, rows, step),
        *_fresh(regime, ingredients, rows, generation, shuffle),
    ]


def _original(regime: Regime, given: Ingredients, rows: int, lineage: Stream, step: Stream) -> list[Dataset]:
    if regime.original is None or not (count := round(regime.original.share * rows)):
        return []
    stream = (lineage if regime.original.draw == "fixed" else step).child("original")
    return [_choose(given.original, count, given.num_replicas, stream, "`original.share`")]


def _pool(regime: Regime, given: Ingredients, rows: int, step: Stream) -> list[Dataset]:
    count = round(regime.pool * rows)
    return [_choose(given.pool, count, given.num_replicas, step.child("pool"), "`pool`")] if count else []


def _fresh(regime: Regime, given: Ingredients, rows: int, generation: int, shuffle: Stream) -> list[Dataset]:
    count = round(regime.fresh * rows)
    if not count:
        return []
    seen = given.original.num_rows // given.num_replicas
    available = given.pool.num_rows // given.num_replicas
    first = seen if regime.synthetic == "all" else seen + (generation - 1) * count
    last = seen + generation * count
    _require(last, available, "`fresh`", "the real training pool, original set included")
    unseen = _shuffled(shuffle, available, given.num_replicas)[:, first:last]
    return [_take(given.pool, np.sort(unseen, axis=1))]


def _fill(synthetic: Sequence[Dataset], count: int, num_replicas: int, step: Stream) -> list[Dataset]:
    return [_choose(part, count, num_replicas, step.child("synthetic"), "`rows`") for part in synthetic if count]


def _choose(source: Dataset, count: int, num_replicas: int, stream: Stream, key: str) -> Dataset:
    """Return ``count`` rows a replica without replacement, in the source's order; all of them need no draw."""
    available = source.num_rows // num_replicas
    _require(count, available, key, "what it draws from")
    if count == available:
        return source
    return _take(source, _subset(stream, available, count, num_replicas))


def _drawn(union: Dataset, count: int, num_replicas: int, stream: Stream) -> Dataset:
    """Return ``count`` rows a replica drawn evenly from a union of whole sources."""
    sizes = [piece.num_rows // num_replicas for piece in union.pieces]
    _require(count, sum(sizes), "`rows`", "the union it draws from")
    chosen = _subset(stream, sum(sizes), count, num_replicas)
    parts, start = [], 0
    for piece, size in zip(union.pieces, sizes, strict=True):
        inside = (chosen >= start) & (chosen < start + size)
        flat = (chosen - start + size * np.arange(num_replicas)[:, None])[inside]
        if len(flat):
            parts.append(Dataset([piece]).take(flat))
        start += size
    return _joined(parts)


@lru_cache(maxsize=1)
def _shuffled(stream: Stream, num_rows: int, num_replicas: int) -> Positions:
    """Return a permutation a replica, of shape (R, num_rows); the same one in every generation, so it is remembered."""
    identity = np.broadcast_to(np.arange(num_rows), (num_replicas, num_rows))
    return stream.generator().permuted(identity, axis=1)


def _subset(stream: Stream, num_rows: int, count: int, num_replicas: int) -> Positions:
    """Return ``count`` of ``num_rows`` positions a replica, every subset equally likely."""
    keys = stream.generator().random((num_replicas, num_rows))
    return np.sort(np.argpartition(keys, count - 1, axis=1)[:, :count], axis=1)


def _take(source: Dataset, positions: Positions) -> Dataset:
    num_replicas = len(positions)
    size = source.num_rows // num_replicas
    return source.take((positions + size * np.arange(num_replicas)[:, None]).reshape(-1))


def _joined(parts: Sequence[Dataset]) -> Dataset:
    return Dataset([piece for part in parts for piece in part.pieces])


def _require(count: int, available: int, key: str, what: str) -> None:
    if count > available:
        raise HeirloomError(f"{key} needs {count} rows, but {what} has {available}")
