"""Perplexities that can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.stats.perplexity import compare_perplexities


def test_tails_are_shares_beyond_the_references_percentiles() -> None:
    a = np.arange(101.0)
    comparison = compare_perplexities(a, np.array([0.0, 1, 50, 99, 100, 200]))
    assert comparison.bounds == pytest.approx((1, 99))
    assert comparison.beyond_a == pytest.approx((1 / 101, 1 / 101))
    assert comparison.beyond_b == pytest.approx((1 / 6, 2 / 6))
    assert comparison.quantiles_a == {0.01: 1, 0.05: 5, 0.25: 25, 0.5: 50, 0.75: 75, 0.95: 95, 0.99: 99}
    assert comparison.quantiles_b[0.5] == 74.5


def test_the_real_rows_set_the_bounds_where_they_are_given() -> None:
    comparison = compare_perplexities([5.0, 7], [6.0], reference=np.arange(101.0) / 100 + 5)
    assert (comparison.beyond_a, comparison.beyond_b) == ((0.5, 0.5), (0, 1))


@pytest.mark.parametrize("bad", [[], [1.0, np.inf]])
def test_no_rows_or_an_infinite_perplexity_is_refused(bad: list[float]) -> None:
    with pytest.raises(HeirloomError, match="perplexities of B"):
        compare_perplexities([1.0], bad)
