"""What a categorical law has lost: types, diversity, and distance to the truth, for every replica at once.

Functions are pure: `Counts` in, one float64 a replica out. Only types that occur are stored, and only they are looked
at, since a collapsing law soon has few of them.

Shapes: R replicas, S stored pairs of replica and type, V types of the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.measures.text import BANDS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


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
    return _gathered(np.repeat(np.arange(num_replicas), num_rows), types_RN.reshape(-1), None, num_replicas)


def merged(parts: Sequence[Counts]) -> Counts:
    """Return the counts of several sets of rows together."""
    if len(parts) == 1:
        return parts[0]
    replica, types, counts = (np.concatenate([getattr(part, name) for part in parts]) for name in ("replica", "types", "counts"))
    return _gathered(replica, types, counts, parts[0].num_replicas)


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

    Bands are those of `measures.text.BANDS`; one that any replica lacks is left out.
    """
    width = int(max(law.types.max(), origin.types.max())) + 1
    alive_S = np.isin(origin.replica * width + origin.types, law.replica * width + law.types, assume_unique=True)
    found = {}
    for label, band in BANDS.items():
        inside_S = (origin.counts >= band.start) & (origin.counts < band.stop)
        sizes_R = np.add.reduceat(inside_S.astype(np.float64), origin.starts[:-1])
        if sizes_R.min() > 0:
            found[label] = origin.summed((inside_S & alive_S).astype(np.float64)) / sizes_R
    return found


def _gathered(replica: Integers, types: Integers, counts: Integers | None, num_replicas: int) -> Counts:
    """Add up equal pairs of replica and type."""
    if types.min() < 0:
        raise HeirloomError(f"a type is a number from 0, got {types.min()}")
    width = int(types.max()) + 1
    # Weights are float64: exact up to 2^53 rows.
    sums = np.bincount(replica * width + types, weights=counts, minlength=num_replicas * width)
    pairs = np.flatnonzero(sums)
    starts = np.searchsorted(pairs, np.arange(num_replicas + 1) * width)
    return Counts(starts, pairs % width, sums[pairs].astype(np.int64))
