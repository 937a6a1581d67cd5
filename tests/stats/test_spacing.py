"""Fewer of many: evenly over an order, or on a geometric scale."""

from __future__ import annotations

from heirloom.report.figures.synthetic_perplexity import MAX_CURVES
from heirloom.report.gaussian_errors import MAX_POINTS
from heirloom.report.generations import CURVE_POINTS
from heirloom.stats.spacing import evenly_spaced, geometrically_spaced
from heirloom.steps.chain import ALL_UP_TO


def test_few_values_are_all_taken() -> None:
    assert evenly_spaced("abc", 9) == ["a", "b", "c"]
    assert evenly_spaced([], 9) == []
    assert geometrically_spaced(5, 5) == [1, 2, 3, 4, 5]


def test_of_many_values_the_first_the_last_and_some_evenly_between_them_are_taken() -> None:
    assert evenly_spaced(range(101), 5) == [0, 25, 50, 75, 100]
    assert evenly_spaced(range(101), MAX_CURVES) == [0, 17, 33, 50, 67, 83, 100]


def test_the_curves_of_a_histogram_are_among_the_points_of_a_curve() -> None:
    assert set(evenly_spaced(range(1001), MAX_CURVES)) <= set(evenly_spaced(range(1001), CURVE_POINTS))


def test_on_a_geometric_scale_each_number_is_a_constant_multiple_of_the_one_before() -> None:
    assert geometrically_spaced(1000, 4) == [1, 10, 100, 1000]
    assert geometrically_spaced(1001, MAX_POINTS)[:3] == [1, 2, 3]
    assert len(geometrically_spaced(3000, ALL_UP_TO)) <= ALL_UP_TO
