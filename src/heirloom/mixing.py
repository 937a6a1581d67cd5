"""Mixing: the one place that decides which rows a model sees.

A regime is declared in config (`specs.regime`). Mixing turns it into *positions* in the real pool, the original set and the
synthetic sets, and describes the training set as pieces of those; no row is copied before the set is written. The real pool is shuffled
once per seed: its head is the original set (the origin's training rows), its tail gives each generation rows that no model has seen.

Legend of shapes: R replicas; positions are arrays of shape (R, k), ascending within a replica.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from heirloom.data.choice import choose, draw_evenly, joined, require, shuffled, take
from heirloom.data.continuations import prompts_of, without_continuations
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.specs.regime import Regime


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
        Rows per replica.
    stream
        The pool's shuffle, shared by every regime of a seed.
    """
    available = pool.num_rows // num_replicas
    require(rows, available, "`origin_rows`", "the real training pool")
    if rows == available:
        return pool
    head = shuffled(stream, available, num_replicas)[:, :rows]
    return take(pool, np.sort(head, axis=1))


def mix(regime: Regime, ingredients: Ingredients, rows: int, generation: int, *, shuffle: Stream, lineage: Stream) -> Dataset:
    """Return the training set of one generation of a lineage.

    Parameters
    ----------
    rows
        The experiment's ``rows`` per replica, from which the regime has the generation's budget.
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
    regime = regime.at(generation)
    if regime.excludes_continuations:
        newest = without_continuations(ingredients.synthetic[-1], real)
        ingredients = replace(ingredients, synthetic=[newest])
    synthetic = {"latest": ingredients.synthetic[-1:], "all": ingredients.synthetic, "none": ()}[regime.synthetic]
    if regime.budget == "fixed":
        num_real = sum(part.num_rows for part in real) // ingredients.num_replicas
        synthetic = _fill(synthetic, budget - num_real, ingredients.num_replicas, step)
    if regime.budget == "drawn":
        return draw_evenly(joined([*real, *synthetic]), budget, ingredients.num_replicas, step.child("drawn"))
    if regime.real_weight is not None:
        real, synthetic = _weighted(real, synthetic, regime.real_weight)
    return joined([*real, *synthetic])


def golden_weight(num_real: int, num_synthetic: int) -> float:
    """Return the weight of the real rows under which the error of a mean settles lowest: (sqrt(k² + 4k) - k) / 2, k = real / synthetic.

    He, Xu and Cheng 2025, "Golden ratio weighting prevents model collapse", for fresh real rows in every generation; equal numbers give
    the reciprocal of the golden ratio.
    """
    k = num_real / num_synthetic
    return (math.sqrt(k * k + 4 * k) - k) / 2


def real_rows(regime: Regime, ingredients: Ingredients, rows: int, generation: int, *, shuffle: Stream, lineage: Stream) -> list[Dataset]:
    """Return the real rows of one generation, a dataset per kind; parameters and errors as in `mix`."""
    step, current = lineage.child(generation, "mix"), regime.at(generation)
    budget = regime.budget_rows(rows, generation)
    return [
        *_original(current, ingredients, budget, lineage, step),
        *_pool(current, ingredients, budget, step),
        *_fresh(regime, ingredients, rows, generation, shuffle),
    ]


def _original(regime: Regime, ingredients: Ingredients, budget: int, lineage: Stream, step: Stream) -> list[Dataset]:
    count = regime.original.rows(budget) if regime.original else 0
    if regime.original is None or not count:
        return []
    draw = lineage if regime.original.draw == "fixed" else step
    candidates = ingredients.original
    if regime.excludes_continuations:
        candidates = prompts_of(ingredients.synthetic[-1], candidates)
    return [choose(candidates, count, ingredients.num_replicas, draw.child("original"), "`original.share`")]


def _pool(regime: Regime, ingredients: Ingredients, budget: int, step: Stream) -> list[Dataset]:
    count = regime.real_rows(budget)["pool"]
    if not count:
        return []
    return [choose(ingredients.pool, count, ingredients.num_replicas, step.child("pool"), "`pool`")]


def _fresh(regime: Regime, ingredients: Ingredients, rows: int, generation: int, shuffle: Stream) -> list[Dataset]:
    *earlier_counts, count = regime.fresh_rows(rows, generation)
    if not count and (regime.synthetic != "all" or not sum(earlier_counts)):
        return []
    pool, num_replicas = ingredients.pool, ingredients.num_replicas
    num_originals = ingredients.original.num_rows // num_replicas
    available = pool.num_rows // num_replicas
    end = num_originals + sum(earlier_counts) + count
    start = num_originals if regime.synthetic == "all" else end - count
    require(end, available, "`fresh`", "the real training pool, original set included")
    positions = shuffled(shuffle, available, num_replicas)[:, start:end]
    return [take(pool, np.sort(positions, axis=1))]


def _weighted(real: Sequence[Dataset], synthetic: Sequence[Dataset], weight: float | Literal["golden"]) -> list[list[Dataset]]:
    """Return both sides with a weight per row, 1 on average: the real rows sum to their weight's share of all, the others to the rest."""
    num_real = sum(part.num_rows for part in real)
    num_synthetic = sum(part.num_rows for part in synthetic)
    if not (num_real and num_synthetic):
        raise HeirloomError(f"`real_weight` needs real and synthetic rows, but there are {num_real} and {num_synthetic}; raise `rows`")
    share = golden_weight(num_real, num_synthetic) if weight == "golden" else weight
    num_rows = num_real + num_synthetic
    real_weight = share * num_rows / num_real
    synthetic_weight = (1.0 - share) * num_rows / num_synthetic
    weighted_real = [part.weighted(real_weight) for part in real]
    weighted_synthetic = [part.weighted(synthetic_weight) for part in synthetic]
    return [weighted_real, weighted_synthetic]


def _fill(synthetic: Sequence[Dataset], count: int, num_replicas: int, step: Stream) -> list[Dataset]:
    if not count:
        return []
    return [choose(part, count, num_replicas, step.child("synthetic"), "`rows`") for part in synthetic]
