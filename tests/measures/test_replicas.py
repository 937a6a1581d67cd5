"""What is told of many replicas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.measures.replicas import MAX_UNITS, size_of_unit, split_units, summarise, summarise_each
from heirloom.runtime.streams import Stream


def test_one_replica_keeps_the_plain_name() -> None:
    assert summarise("variance", [0.25]) == {"variance": 0.25}


def test_many_replicas_give_mean_error_median_and_quantiles() -> None:
    summary = summarise("variance", np.arange(21.0))
    half_width = 20 * 0.98 / math.sqrt(21)
    expected = {"mean": 10.0, "se": math.sqrt(38.5 / 21), "median": 10.0, "q05": 1.0, "q95": 19.0}
    expected |= {"median_low": 10 - half_width, "median_high": 10 + half_width}
    assert summary == pytest.approx({f"variance.{name}": value for name, value in expected.items()})


def test_a_heavy_tailed_measure_is_told_by_its_mean_logarithm_too_where_it_has_one() -> None:
    assert summarise("covariance_trace", [1.0, math.e, math.e**3])["covariance_trace.mean_log"] == pytest.approx(4 / 3)
    assert "covariance_trace.mean_log" not in summarise("covariance_trace", [0.0, 1.0])


def test_the_interval_of_the_median_holds_it_nineteen_times_in_twenty() -> None:
    samples = np.exp(3 * Stream((0, "median")).generator().standard_normal((2000, 100)))
    summaries = [summarise("x", values) for values in samples]
    share = np.mean([summary["x.median_low"] <= 1 <= summary["x.median_high"] for summary in summaries])
    assert abs(share - 0.95) / math.sqrt(0.95 * 0.05 / 2000) < 4


def test_the_median_tells_of_the_typical_replica_where_the_mean_does_not() -> None:
    summary = summarise("variance", [0.0, 0.0, 0.0, 0.0, 500.0])
    assert (summary["variance.mean"], summary["variance.median"]) == (100.0, 0.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "variance: needs one value"),
        ([[1.0, 2.0]], "variance: needs one value"),
        ([1.0, math.nan, -math.inf], "variance: 2 of 3 replicas are not finite"),
    ],
)
def test_no_replica_or_no_number_is_refused(values: list[float], message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        summarise("variance", values)


def test_the_replicas_of_a_measure_of_collapse_are_kept_as_medians_of_groups_in_their_order() -> None:
    metrics, units = split_units(summarise_each({"covariance_trace": np.arange(60.0) ** 2, "mean_first": np.arange(60.0)}))
    assert not [name for name in metrics if "unit" in name]
    assert units == {("covariance_trace", unit): (3.0 * unit + 1) ** 2 for unit in range(MAX_UNITS)}
    assert size_of_unit(60) == 3


def test_a_measure_that_some_replica_lacks_has_no_units() -> None:
    assert split_units(summarise_each({"rate": [5.0, 3.0, 4.0], "survival.1": [0.5, 1.0]}))[1].keys() == {
        ("rate", unit) for unit in range(3)
    }


def test_few_replicas_are_units_themselves_and_one_is_none() -> None:
    assert split_units(summarise_each({"rate": [5.0, 3.0]}))[1] == {("rate", 0): 5.0, ("rate", 1): 3.0}
    assert split_units(summarise_each({"rate": [5.0]})) == ({"rate": 5.0}, {})
