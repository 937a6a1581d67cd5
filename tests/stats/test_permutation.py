"""From values under exchanges to p-values."""

from __future__ import annotations

import numpy as np
import pytest

from heirloom.runtime.streams import Stream
from heirloom.stats.exchange import Exchange, exchange
from heirloom.stats.permutation import dealt_means, one_sided, two_sided

MOVES = Exchange(np.array([0]), np.array([1]), np.array([[1, 0]], dtype=np.float32), 2, "rows")


def test_p_counts_the_data_and_its_ties() -> None:
    result = one_sided("x", np.array([3.0, 1, 2, 3, 4]), MOVES, "what")
    assert (result.statistic, result.p_value, result.num_permutations, result.num_units) == (3, 3 / 5, 4, 2)
    assert result.note == "what; rows"


def test_rounding_does_not_break_a_tie() -> None:
    assert one_sided("x", np.array([0.3, 0.1 + 0.2 - 1e-16, 0.0, 0.0]), MOVES, "").p_value == 2 / 4
    assert two_sided("x", np.full(5, 0.1), MOVES, "").p_value == 1


def test_a_two_sided_test_looks_away_from_the_mean_and_keeps_the_sign() -> None:
    result = two_sided("x", np.array([-9.0, 3, 1, 2, 3]), MOVES, "")
    assert (result.statistic, result.p_value) == (-9, 1 / 5)
    assert two_sided("x", np.array([1.0, 11, 9, 10, 9]), MOVES, "").statistic == -7


def test_means_are_over_the_rows_dealt_to_each_side() -> None:
    moves = exchange(np.array([1, 1, 2]), np.array([1, 1, 2]), Stream((0,)), 30)
    mean_a, mean_b = dealt_means(np.array([[1.0], [2], [3]]), np.array([[10.0], [20], [30]]), moves)
    assert (mean_a[0, 0], mean_b[0, 0]) == (2, 20)
    assert set(mean_a[:, 0].tolist()) == {2, 11, 11 + 0, 33 / 3, 60 / 3, (1 + 2 + 30) / 3, (10 + 20 + 3) / 3}
    assert mean_a + mean_b == pytest.approx(22)


def test_p_is_uniform_when_both_samples_have_one_law() -> None:
    levels, num_tests = np.arange(1, 21) / 20, 1000
    p_values = []
    for repeat in range(num_tests):
        generator = Stream((repeat, "uniform")).generator()
        a, b = generator.exponential(size=(9, 1)), generator.exponential(size=(6, 1))
        moves = exchange(np.arange(9), np.arange(9, 15), Stream((repeat,)), 19)
        mean_a, mean_b = dealt_means(a, b, moves)
        p_values.append(two_sided("mean", (mean_b - mean_a)[:, 0], moves, "").p_value)
    shares = (np.array(p_values)[:, None] <= levels + 1e-9).mean(axis=0)
    assert np.abs(shares - levels).max() < 1.95 / np.sqrt(num_tests)  # Kolmogorov's 99.9 %
