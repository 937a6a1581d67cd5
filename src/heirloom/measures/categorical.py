"""What a categorical law has lost: types, diversity, and distance to the truth, for every replica at once.

Functions are pure: `Counts` in, one float64 a replica out. Only types that occur are stored, and only they are looked
at, since a collapsing law soon has few of them.

Shapes: R replicas, S stored pairs of replica and type, V types of the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.measures.text import BANDS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

POSITIVE = ("types",)
"""Measures of a categorical law that are above 0 (`measures.scales`)."""

NONNEGATIVE = ("diversity", "entropy", "total_variation", "kullback_leibler", "squared_error", "lost_mass", "survival")
"""Measures of a categorical law that are 0 or above (`measures.scales`)."""

TAILS = {"survival.1": -1, "survival.2-4": -1, "survival.5-16": -1, "survival.17-64": -1}
"""Measures whose loss is early collapse, each with the direction of loss (`measures.stages`)."""

BULK = {"diversity": -1, "entropy": -1, "total_variation": 1}
"""Measures whose loss is late collapse (`measures.stages`)."""

_TYPE_BITS = 40
_EDGES = np.array([band.start for band in BANDS.values()])


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each type occurs, replica by replica, without the types that do not occur.

    Parameters
    ----------
    starts
        Shape (R + 1,): replica r has the pairs ``starts[r] … starts[r + 1] - 1``, at least one.
    types
        Shape (S,): numbers of types, ascending within a replica.
    counts
        Shape (S,): how often each occurs, at least once.
    """

    starts: Integers
    types: Integers
    counts: Integers

    @property
    def num_replicas(self) -> int:
        """R."""
        return len(self.starts) - 1

    @cached_property
    def replica(self) -> Integers:
        """The replica of each pair, shape (S,)."""
        return np.repeat(np.arange(self.num_replicas), np.diff(self.starts))

    @cached_property
    def keys(self) -> Integers:
        """One number a pair, ascending, shape (S,)."""
        return (self.replica << _TYPE_BITS) + self.types

    @cached_property
    def num_rows(self) -> Integers:
        """Rows of each replica, shape (R,)."""
        return np.add.reduceat(self.counts, self.starts[:-1])

    @cached_property
    def shares(self) -> Floats:
        """The share of its replica's rows that each pair has, shape (S,)."""
        return self.counts / self.num_rows[self.replica]

    def summed(self, values_S: Floats) -> Floats:
        """Return the sum over each replica's pairs, shape (R,)."""
        return np.add.reduceat(values_S, self.starts[:-1])


def count(types_RN: Integers) -> Counts:
    """Return how often each type occurs among the rows of each replica, shape (R, N)."""
    num_replicas, num_rows = types_RN.shape
    return _summed_counts(np.repeat(np.arange(num_replicas), num_rows), types_RN.reshape(-1), None, num_replicas)


def union(parts: Sequence[Counts]) -> Counts:
    """Return the counts of several sets of rows together."""
    if len(parts) == 1:
        return parts[0]
    replica = np.concatenate([part.replica for part in parts])
    types = np.concatenate([part.types for part in parts])
    counts = np.concatenate([part.counts for part in parts])
    return _summed_counts(replica, types, counts, parts[0].num_replicas)


def num_types(law: Counts) -> Floats:
    """Return how many types occur: the survivors."""
    return np.diff(law.starts).astype(np.float64)


def diversity(law: Counts) -> Floats:
    """Return 1 - sum p², the chance that two rows drawn with replacement differ in type (Simpson 1949; Nei 1973)."""
    return 1 - law.summed(law.shares**2)


def entropy(law: Counts) -> Floats:
    """Return -sum p ln p in nats (Shannon 1948)."""
    return 0.0 - law.summed(law.shares * np.log(law.shares))


def total_variation(law: Counts, truth_V: Floats) -> Floats:
    """Return half of sum |p - q| to the true probabilities q, in [0, 1]: the sum of p - q where it is positive."""
    return law.summed(np.clip(law.shares - truth_V[law.types], 0, None))


def kullback_leibler(law: Counts, truth_V: Floats) -> Floats:
    """Return sum p ln (p / q) from the true probabilities q, in nats (Kullback and Leibler 1951).

    The other direction is infinite as soon as a type is lost.
    """
    return law.summed(law.shares * np.log(law.shares / truth_V[law.types]))


def squared_error(law: Counts, truth_V: Floats) -> Floats:
    """Return sum (p - q)² over all types, those that are lost included."""
    lost = (truth_V**2).sum() - law.summed(truth_V[law.types] ** 2)
    return law.summed((law.shares - truth_V[law.types]) ** 2) + lost


def lost_mass(law: Counts, truth_V: Floats) -> Floats:
    """Return the true probability of the types that no longer occur."""
    return 1 - law.summed(truth_V[law.types])


def survival(law: Counts, origin: Counts) -> dict[str, Floats]:
    """Return, for each band of counts in the origin, the share of its types that still occur.

    Bands are those of `measures.text.BANDS`. Replicas without a type in a band are left out of it, and so is a band
    that no replica has.

    Returns
    -------
    band to array of shape (replicas that have the band,)
    """
    band_S, sizes_RB = _bands(origin)
    places = np.searchsorted(origin.keys, law.keys)
    nearest_keys = origin.keys[np.minimum(places, len(origin.keys) - 1)]
    is_known = nearest_keys == law.keys  # fresh rows may bring types that the origin has not seen
    alive_RB = _band_sizes(law.replica[is_known], band_S[places[is_known]], sizes_RB.shape)
    survival = {}
    for label, alive_R, sizes_R in zip(BANDS, alive_RB.T, sizes_RB.T, strict=True):
        has_types = sizes_R > 0
        if has_types.any():
            survival[label] = alive_R[has_types] / sizes_R[has_types]
    return survival


@lru_cache(maxsize=1)
def _bands(origin: Counts) -> tuple[Integers, Floats]:
    """Return the band of each pair, shape (S,), and how many types each replica has in each band, shape (R, bands).

    Remembered, because every generation is compared with the same origin.
    """
    band_S = np.searchsorted(_EDGES, origin.counts, side="right") - 1
    return band_S, _band_sizes(origin.replica, band_S, (origin.num_replicas, len(_EDGES)))


def _band_sizes(replica: Integers, band: Integers, shape: tuple[int, ...]) -> Floats:
    num_replicas, num_bands = shape
    sizes = np.bincount(replica * num_bands + band, minlength=num_replicas * num_bands)
    return sizes.reshape(shape).astype(np.float64)


def _summed_counts(replica: Integers, types: Integers, counts: Integers | None, num_replicas: int) -> Counts:
    """Add up equal pairs of replica and type."""
    if types.min() < 0:
        raise HeirloomError(f"a type is a number from 0, got {types.min()}")
    width = int(types.max()) + 1
    # Weights are float64: exact up to 2^53 rows.
    sums = np.bincount(replica * width + types, weights=counts, minlength=num_replicas * width)
    pairs = np.flatnonzero(sums)
    starts = np.searchsorted(pairs, np.arange(num_replicas + 1) * width)
    return Counts(starts, pairs % width, sums[pairs].astype(np.int64))
