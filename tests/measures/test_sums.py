"""Sums in pieces are NumPy's sums to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from heirloom.measures.sums import GroupedSums, Sum
from heirloom.runtime.streams import Stream


@pytest.mark.parametrize("count", [1, 7, 9, 128, 130, 65_536, 65_537, 131_080, 1_000_003])
def test_a_sum_of_pieces_has_the_bits_of_the_sum_of_all(count: int) -> None:
    rng = Stream(("sum", count)).generator()
    values = rng.exponential(size=count)
    added, start = Sum(count), 0
    while start < count:
        stop = start + int(rng.integers(1, 1 + max(1, count // 3)))
        added.add(values[start:stop])
        start = stop
    assert added.total == np.sum(values)


def test_groups_have_the_bits_of_the_sums_of_their_numbers() -> None:
    rng = Stream(("groups",)).generator()
    values, groups = rng.exponential(size=(3_000, 60)), rng.choice([0, 1, 3], (3_000, 60), p=[0.6, 0.3, 0.1])
    sums = GroupedSums(np.bincount(groups.reshape(-1), minlength=5))
    for start in range(0, 3_000, 17):
        sums.add(groups[start : start + 17], values[start : start + 17])
    assert sums.totals == {group: values[groups == group].sum() for group in (0, 1, 3)}
