"""Measures of tables, at values that can be reckoned by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from heirloom.measures import tables
from heirloom.runtime.streams import Stream


def texts(*values: str) -> pa.ChunkedArray:
    return pa.chunked_array([list(values)])


def test_the_distance_of_numbers_is_the_largest_gap_between_distribution_functions() -> None:
    assert tables.kolmogorov_smirnov(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 4.0])) == 0.0
    assert tables.kolmogorov_smirnov(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1.0
    assert tables.kolmogorov_smirnov(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0])) == 0.5


def test_the_distance_of_numbers_is_that_of_scipy() -> None:
    from scipy.stats import ks_2samp

    noise = Stream((0, "tables")).generator()
    x, y = noise.standard_normal(50).round(1), noise.standard_normal(70).round(1)
    assert tables.kolmogorov_smirnov(x, y) == pytest.approx(ks_2samp(x, y).statistic, abs=1e-15)


def test_the_distance_of_categories_is_half_the_shares_that_differ() -> None:
    assert tables.total_variation(texts("a", "b"), texts("a", "a")) == 0.5
    assert tables.total_variation(texts("a"), texts("b")) == 1.0


def test_categories_survive_whatever_new_ones_there_are() -> None:
    assert tables.survival(texts("a", "c"), texts("a", "b", "b")) == 0.5


def test_correlations_of_a_constant_column_are_none() -> None:
    line, constant = np.array([[1.0, 1.0], [2.0, 2.0]]), np.array([[1.0, 1.0], [1.0, 2.0]])
    assert tables.correlation_distance(line, line) == 0.0
    assert tables.correlation_distance(constant, line) == pytest.approx(1.0, abs=1e-12)


def test_a_table_without_numbers_has_measures_of_categories_alone() -> None:
    table = {"job": texts("a", "b")}
    assert tables.compare(table, table, table) == {"column_distance": 0.0, "column_distance.job": 0.0, "category_survival": 1.0}
