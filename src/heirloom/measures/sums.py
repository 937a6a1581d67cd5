"""Sums of numbers that come in pieces, to the last bit what `np.sum` gives of all of them at once.

NumPy adds pairwise: it halves an array, at multiples of 8, down to 128 numbers (Higham 1993, "The accuracy of floating point summation").
The halves depend on the count alone, so that a part of the tree can be added as soon as its numbers are there.

Legend of shapes: K groups.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_AT_ONCE = 2**16
"""Numbers that NumPy adds by itself: half a megabyte."""


class Sum:
    """The sum of as many numbers as were told of."""

    def __init__(self, count: int) -> None:
        self._tree = _pairwise_sum(count)
        self._num_wanted = next(self._tree)
        self._waiting: list[Floats] = []
        self._num_waiting = 0
        self._total = 0.0

    def add(self, values: Floats) -> None:
        """Take the next numbers, shape (any,)."""
        self._waiting.append(values)
        self._num_waiting += len(values)
        if self._num_waiting < self._num_wanted:
            return
        values, start = np.concatenate(self._waiting), 0
        while len(values) - start >= self._num_wanted > 0:
            end = start + self._num_wanted
            self._send(values[start:end])
            start = end
        self._waiting, self._num_waiting = [values[start:]], len(values) - start

    def _send(self, values: Floats) -> None:
        try:
            self._num_wanted = self._tree.send(values)
        except StopIteration as end:
            self._num_wanted, self._total = 0, end.value

    @property
    def total(self) -> float:
        """The sum, when all numbers are there."""
        assert not self._num_wanted
        return self._total


class GroupedSums:
    """Sums of numbers that belong to groups.

    Parameters
    ----------
    counts
        How many numbers each group will have, shape (K,).
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self.counts = counts
        self._sums = {group: Sum(count) for group, count in enumerate(counts.tolist()) if count}

    def add(self, groups: NDArray[np.integer], values: Floats) -> None:
        """Take the next numbers with the group of each, arrays of one shape."""
        for group, group_sum in self._sums.items():
            group_sum.add(values[groups == group])

    @property
    def totals(self) -> dict[int, float]:
        """Group → its sum, when all numbers are there; a group without numbers is left out."""
        return {group: group_sum.total for group, group_sum in self._sums.items()}


def _pairwise_sum(count: int) -> Generator[int, Floats, float]:
    """Ask for numbers, so many at a time, and return the sum of ``count`` of them."""
    if count <= _AT_ONCE:
        values = yield count
        return float(np.add.reduce(values))
    half = count // 2
    half -= half % 8
    left_sum = yield from _pairwise_sum(half)
    right_sum = yield from _pairwise_sum(count - half)
    return left_sum + right_sum
