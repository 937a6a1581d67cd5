"""Mixing: the one place that decides which rows a model sees.

A regime is declared in config (`specs.regime`). Mixing turns it into *positions* in the real pool, the original set and the
synthetic sets, and describes the training set as pieces of those; no row is copied before the set is written. The real pool is shuffled
once a seed: its head is the original set (the origin's training rows), its tail gives each generation rows that no model has seen.

Legend of shapes: R replicas; positions are arrays of shape (R, k), ascending within a replica.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from heirloom.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.specs.regime import Regime, Select
from heirloom.streams import Stream

Positions = NDArray[np.int64]

_KEYS = 2**15
"""Random keys that are drawn and compared at once: 256 kB."""


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
        The experiment's ``rows``, a replica, from which the regime has the generation's budget.
    generation
        From 1; generation 0 is `mix_origin`.
    shuffle
        The pool's shuffle, as given to `mix_origin`.
    lineage
        The lineage's stream: (seed, regime).

    Raises
    ------
    HeirloomError
        If a share asks for more rows than its source holds, or one side of a weighted set has none.
    """
    step = lineage.child(generation, "mix")
    budget = regime.budget_rows(rows, generation)
    real = real_rows(regime, ingredients, rows, generation, shuffle=shuffle, lineage=lineage)
    if regime.excludes_continuations:
        ingredients = _without_continuations(ingredients, real)
    synthetic = {"latest": ingredients.synthetic[-1:], "all": ingredients.synthetic, "none": ()}[regime.synthetic]
    if regime.budget == "fixed":
        num_real = sum(part.num_rows for part in real) // ingredients.num_replicas
        synthetic = _fill(synthetic, budget - num_real, ingredients.num_replicas, step)
    if regime.budget == "drawn":
        return _drawn(_joined([*real, *synthetic]), budget, ingredients.num_replicas, step.child("drawn"))
    if regime.real_weight is not None:
        real, synthetic = _weighted(real, synthetic, regime.real_weight)
    return _joined([*real, *synthetic])


def golden_weight(num_real: int, num_synthetic: int) -> float:
    """Return the weight of the real rows under which the error of a mean settles lowest: (sqrt(k² + 4k) - k) / 2, k = real / synthetic.

    He, Xu and Cheng 2025, "Golden ratio weighting prevents model collapse", for fresh real rows in every generation; equal numbers give
    the reciprocal of the golden ratio.
    """
    k = num_real / num_synthetic
    return (math.sqrt(k * k + 4 * k) - k) / 2


def real_rows(regime: Regime, ingredients: Ingredients, rows: int, generation: int, *, shuffle: Stream, lineage: Stream) -> list[Dataset]:
    """Return the real rows of one generation, a dataset a kind; parameters and errors as in `mix`."""
    step = lineage.child(generation, "mix")
    budget = regime.budget_rows(rows, generation)
    return [
        *_original(regime, ingredients, budget, lineage, step),
        *_pool(regime, ingredients, budget, step),
        *_fresh(regime, ingredients, rows, generation, shuffle),
    ]


def _original(regime: Regime, given: Ingredients, rows: int, lineage: Stream, step: Stream) -> list[Dataset]:
    if regime.original is None or not (count := regime.original.rows(rows)):
        return []
    stream = (lineage if regime.original.draw == "fixed" else step).child("original")
    offered = _prompts(given) if regime.excludes_continuations else given.original
    return [_choose(offered, count, given.num_replicas, stream, "`original.share`")]


def _prompts(given: Ingredients) -> Dataset:
    """Return the original rows that the newest synthetic rows continue, in the original set's order.

    Raises
    ------
    HeirloomError
        If a synthetic row continues none of them.
    """
    continued, rows = _ids(given.synthetic[-1], "parent"), _ids(given.original, "row")
    places = np.flatnonzero(np.isin(rows, continued))
    if len(places) < len(continued):
        raise HeirloomError(
            "`original.continuation: excluded` needs synthetic rows that continue original rows, one a prompt, but "
            f"{len(continued)} rows continue {len(places)}"
        )
    return given.original if len(places) == len(rows) else given.original.take(places)


def _without_continuations(given: Ingredients, real: Sequence[Dataset]) -> Ingredients:
    """Return the ingredients without the newest synthetic rows that continue a kept original row."""
    newest = given.synthetic[-1]
    kept = np.concatenate([np.empty(0, np.int64), *(_ids(part, "row") for part in real)])
    others = np.flatnonzero(~np.isin(_ids(newest, "parent"), kept))
    return replace(given, synthetic=[newest.take(others)])


def _ids(rows: Dataset, column: str) -> NDArray[np.int64]:
    """Return a column of row ids, -1 for none."""
    ids = [batch.column(0).fill_null(-1).to_numpy() for batch in rows.batches([column])]
    return np.concatenate(ids)


def _pool(regime: Regime, given: Ingredients, rows: int, step: Stream) -> list[Dataset]:
    count = regime.real_rows(rows)["pool"]
    return [_choose(given.pool, count, given.num_replicas, step.child("pool"), "`pool`")] if count else []


def _fresh(regime: Regime, given: Ingredients, rows: int, generation: int, shuffle: Stream) -> list[Dataset]:
    if not regime.fresh:
        return []
    *earlier, count = regime.fresh_rows(rows, generation)
    if not count:
        return []
    seen = given.original.num_rows // given.num_replicas
    available = given.pool.num_rows // given.num_replicas
    last = seen + sum(earlier) + count
    first = seen if regime.synthetic == "all" else last - count
    _require(last, available, "`fresh`", "the real training pool, original set included")
    unseen = _shuffled(shuffle, available, given.num_replicas)[:, first:last]
    return [_take(given.pool, np.sort(unseen, axis=1))]


def select(rows: Dataset, score_RN: NDArray[np.float64], judged: Select, stream: Stream) -> Dataset:
    """Return the synthetic rows that a judge lets pass, in their order: of each replica as many, so that its errors are exact shares.

    Parameters
    ----------
    rows
        Synthetic rows of one source.
    score_RN
        The judge's score of each row, shape (R, N); equal scores are ordered by chance.
    judged
        Which share ought to pass, and how much of either side is kept.

    Raises
    ------
    HeirloomError
        If no row is left.
    """
    num_replicas, num_rows = score_RN.shape
    passing = round(judged.share * num_rows)
    right, wrong = judged.kept(num_rows)
    if not right + wrong:
        raise HeirloomError(f"`select` keeps none of {num_rows} rows; raise `share`, `multiple` or `rows`")
    order_RN = np.lexsort((stream.child("ties").generator().random(score_RN.shape), -score_RN), axis=1)
    sides = ((order_RN[:, :passing], right, "true"), (order_RN[:, passing:], wrong, "false"))
    kept = [
        np.take_along_axis(side, _subset(stream.child(name), side.shape[1], count, num_replicas), axis=1)
        for side, count, name in sides
        if count
    ]
    return _take(rows, np.sort(np.concatenate(kept, axis=1), axis=1))


def _weighted(real: Sequence[Dataset], synthetic: Sequence[Dataset], weight: float | Literal["golden"]) -> list[list[Dataset]]:
    """Return both sides with a weight a row, 1 on average: the real rows sum to their weight's share of all, the others to the rest."""
    sizes = [sum(part.num_rows for part in side) for side in (real, synthetic)]
    if not all(sizes):
        raise HeirloomError(f"`real_weight` needs real and synthetic rows, but there are {sizes[0]} and {sizes[1]}; raise `rows`")
    share = golden_weight(*sizes) if weight == "golden" else weight
    weights = [side * sum(sizes) / size for side, size in zip((share, 1.0 - share), sizes, strict=True)]
    return [[part.weighted(each) for part in side] for side, each in zip((real, synthetic), weights, strict=True)]


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
    """Return ``count`` of ``num_rows`` positions a replica, every subset equally likely: those of the smallest of as many random keys."""
    rng, at_once = stream.generator(), max(1, _KEYS // num_rows)
    blocks = [min(at_once, num_replicas - first) for first in range(0, num_replicas, at_once)]
    return np.concatenate([_smallest(rng.random((block, num_rows)), count) for block in blocks])


def _smallest(keys: NDArray[np.float64], count: int) -> Positions:
    """Return the ascending positions of the ``count`` smallest of each row of keys between 0 and 1."""
    num_rows = keys.shape[1]
    below = (count + 8 * math.sqrt(count) + 20) / num_rows  # as good as always above the last one that is wanted
    if len(keys) == 1 and below < 0.5:
        near = np.flatnonzero(keys[0] < below)
        if len(near) >= count:
            return near[_smallest(keys[:, near], count)]
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
