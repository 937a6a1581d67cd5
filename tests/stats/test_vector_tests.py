"""Vector tests against brute force, and what each of them sees."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.stats.permutation import TestResult
from heirloom.stats.samples import Floats, VectorSample
from heirloom.stats.vector_tests import vector_tests
from heirloom.stats.vectors import energy_distance


def by_name(a: Floats, b: Floats, keys: Floats | None = None) -> dict[str, TestResult]:
    keys_N = None if keys is None else keys.astype(np.int64)
    results = vector_tests(VectorSample(a, keys_N), VectorSample(b, keys_N), Stream((0, "vector tests")), 199)
    return {result.name: result for result in results}


def normal(name: str, num_rows: int, dimensions: int) -> Floats:
    return Stream((0, name)).generator().standard_normal((num_rows, dimensions))


def test_statistics_are_those_of_the_data() -> None:
    a, b = normal("a", 60, 3), 1 + 2 * normal("b", 50, 3)
    results, both = by_name(a, b), np.concatenate([a, b])
    assert results["mean"].statistic == pytest.approx((np.abs(b.mean(0) - a.mean(0)) / both.std(0)).max())
    assert results["energy"].statistic == pytest.approx(energy_distance(a, b))
    logs = [np.linalg.slogdet(np.cov(x, rowvar=False, ddof=0))[1] for x in (a, b)]
    assert results["spread"].statistic == pytest.approx(logs[1] - logs[0], abs=0.2)  # less its mean over permutations
    below = [(x <= np.quantile(both, 0.9, axis=0)).mean(0) for x in (a, b)]
    assert results["marginals"].statistic >= np.abs(below[0] - below[1]).max() / 0.3 * 0.99
    assert results["tails"].p_value < 0.002  # over all exchanges, not a draw of them
    assert {result.p_value for name, result in results.items() if "tail" not in name} == {1 / 200}


def test_equal_samples_are_never_told_apart() -> None:
    a = normal("a", 40, 2)
    results = by_name(a, a, np.arange(40.0))
    assert {result.p_value for result in results.values()} == {1}
    assert [result.statistic for result in results.values()] == pytest.approx([0] * 6, abs=1e-12)


def test_only_spread_and_shape_see_a_smaller_variance() -> None:
    results = by_name(normal("a", 800, 2), normal("b", 800, 2) * math.sqrt(0.5))
    assert results["spread"].p_value == 1 / 200
    assert results["spread"].statistic == pytest.approx(2 * math.log(0.5), abs=4 * math.sqrt(2 * 2 * 2 / 800))
    assert results["mean"].p_value > 0.05


@pytest.mark.parametrize("dimensions", [2, 40])
def test_a_degenerate_or_wide_sample_is_compared_by_its_total_variance(dimensions: int) -> None:
    a = normal("a", 60, 40) if dimensions == 40 else np.repeat(normal("a", 60, 1), dimensions, axis=1)
    results = by_name(a, a * 2 + 5)
    assert results["spread"].note.startswith("log total variance")
    assert results["spread"].statistic == pytest.approx(math.log(4), abs=0.1)


def test_a_constant_dimension_does_no_harm() -> None:
    a, b = normal("a", 60, 2), normal("b", 60, 2)
    a[:, 1] = b[:, 1] = 5
    assert all(math.isfinite(result.statistic) and result.p_value > 0.01 for result in by_name(a, b).values())


def test_every_test_but_that_of_fewer_rows_tells_its_p_value_under_every_exchange() -> None:
    for num_rows, separate in ((1000, set()), (1001, {"energy"})):
        results = by_name(normal("a", num_rows, 1), normal("b", num_rows, 1))
        assert {name for name, result in results.items() if result.exchanged_p is None} == separate
        assert all(result.exchanged_p[0] == result.p_value for result in results.values() if result.exchanged_p is not None)


def test_energy_looks_at_a_thousand_rows_and_says_so() -> None:
    results = by_name(normal("a", 3000, 1), normal("b", 3000, 1), np.arange(3000.0))
    assert results["energy"].note == "energy distance of 1000 and 1000 rows; 1000 pairs trade places"
    assert results["energy"].p_value > 0.01


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(HeirloomError, match="first sample has 1 others"):
        by_name(np.array([[np.inf], [1]]), np.ones((2, 1)))
