"""An interval fits how many lineages there are, and holds what it says."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from heirloom.errors import HeirloomError
from heirloom.report.intervals import COLUMNS, interval, mean_log, table
from heirloom.streams import Stream


def test_one_lineage_has_a_centre_and_no_interval() -> None:
    found = interval([3.0])
    assert found.centre == 3.0
    assert math.isnan(found.low)
    assert found.kind == "none"


def test_few_lineages_have_a_t_interval() -> None:
    # mean 2, s = 1, t(0.975; 2) = 4.302653
    found = interval([1.0, 2.0, 3.0])
    assert found[:3] == pytest.approx((2.0, 2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)), rel=1e-6)
    assert found.kind == "t"


def test_a_heavy_tailed_measure_has_its_median_and_an_interval_above_zero() -> None:
    found = interval([math.exp(-4), math.exp(-2), math.exp(3)], heavy_tailed=True)
    assert found.centre == pytest.approx(math.exp(-2))
    half = 4.302653 * np.std([-4, -2, 3], ddof=1) / math.sqrt(3)
    assert (found.low, found.high) == pytest.approx((math.exp(-1 - half), math.exp(-1 + half)), rel=1e-5)
    assert mean_log([math.exp(-4), math.exp(-2), math.exp(3)]) == pytest.approx(-1)
    assert math.isnan(mean_log([0.0, 1.0]))


def test_ten_lineages_are_bootstrapped_the_same_way_each_time() -> None:
    values = Stream((0, "values")).generator().standard_normal(10)
    found = interval(values)
    assert found == interval(values)
    assert found.kind == "bootstrap"
    assert found.low < values.mean() < found.high
    assert interval(np.full(10, 2.0))[:3] == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(("size", "allowed"), [(5, 4.0), (40, 4.0)])
def test_an_interval_holds_the_truth_as_often_as_it_says(size: int, allowed: float) -> None:
    samples = Stream((0, "coverage", size)).generator().standard_normal((1500, size))
    held = np.mean([found.low <= 0 <= found.high for found in map(interval, samples)])
    expected = 0.95 if size < 10 else 0.94  # the percentile bootstrap is a little too narrow: sqrt((n - 1) / n) and no t
    assert abs(held - expected) / math.sqrt(0.95 * 0.05 / 1500) < allowed


def test_values_that_are_no_numbers_are_refused() -> None:
    for values in ([], [math.nan, 1.0]):
        with pytest.raises(HeirloomError, match="an interval needs one finite number a lineage"):
            interval(values)


def test_the_table_lists_every_seed_where_they_are_few() -> None:
    keys = {"experiment": "e", "variant": "", "regime": "replace", "generation": 1}
    few = pd.DataFrame([{**keys, "metric": "distinct_3", "seed": s, "value": float(s)} for s in (1, 2, 3)])
    many = pd.DataFrame([{**keys, "metric": "covariance_trace", "seed": s, "value": 1.0 + s} for s in range(12)])
    found = table(pd.concat([few, many])).set_index("metric")
    assert tuple(table(few).columns) == COLUMNS
    assert list(found.loc["distinct_3", ["seeds", "mean", "median", "interval", "values"]]) == [3, 2.0, 2.0, "t", "1 2 3"]
    assert list(found.loc["covariance_trace", ["centre", "interval", "values"]]) == [6.5, "bootstrap", ""]
    assert found.loc["covariance_trace", "mean_log"] == pytest.approx(np.log(np.arange(1, 13)).mean())


def test_a_single_lineage_of_many_replicas_has_their_quantiles_and_interval() -> None:
    told = {"mean": 2.0, "se": 0.5, "median": 1.0, "median_low": 0.8, "median_high": 1.3, "q05": 0.1, "q95": 9.0, "mean_log": -0.25}
    keys = {"experiment": "e", "variant": "", "regime": "replace", "generation": 1, "seed": 0}
    found = table(pd.DataFrame([{**keys, "metric": f"covariance_trace.{what}", "value": value} for what, value in told.items()]))
    assert found["metric"].tolist() == ["covariance_trace.mean", "covariance_trace.median"]
    shown = found[["centre", "low", "high", "q05", "q95", "interval", "mean_log"]].to_numpy().tolist()
    within = [0.1, 9.0, "replicas", -0.25]
    assert shown == [[2.0, pytest.approx(1.02), pytest.approx(2.98), *within], [1.0, 0.8, 1.3, *within]]
