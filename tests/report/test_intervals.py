"""An interval fits how many lineages there are, and holds what it says."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from heirloom.errors import HeirloomError
from heirloom.measures import scales
from heirloom.report import intervals
from heirloom.report.intervals import COLUMNS, interval, mean_log, table
from heirloom.runtime.streams import Stream

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def test_a_run_without_a_headline_measure_has_an_empty_table() -> None:
    names = ["experiment", "variant", "regime", "seed", "generation", "metric", "value"]
    assert list(table(pd.DataFrame(columns=names), {}).columns) == list(COLUMNS)


def test_one_lineage_has_a_centre_and_no_interval() -> None:
    estimate = interval([3.0])
    assert estimate.centre == 3.0
    assert math.isnan(estimate.low)
    assert estimate.kind == "none"


def test_few_lineages_have_a_t_interval() -> None:
    # mean 2, s = 1, t(0.975; 2) = 4.302653
    estimate = interval([1.0, 2.0, 3.0])
    assert estimate[:3] == pytest.approx((2.0, 2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)), rel=1e-6)
    assert estimate.kind == "t"


def test_a_positive_measure_has_its_geometric_mean_and_an_interval_above_zero() -> None:
    estimate = interval([math.exp(-4), math.exp(-2), math.exp(3)], positive=True)
    half = 4.302653 * np.std([-4, -2, 3], ddof=1) / math.sqrt(3)
    assert estimate[:3] == pytest.approx((math.exp(-1), math.exp(-1 - half), math.exp(-1 + half)), rel=1e-5)
    assert estimate[3:] == ("t", "geometric mean")
    assert mean_log([math.exp(-4), math.exp(-2), math.exp(3)]) == pytest.approx(-1)


def test_a_positive_measure_with_a_zero_has_no_logarithm_and_its_mean_is_covered() -> None:
    assert interval([0.0, 1.0, 2.0], positive=True) == interval([0.0, 1.0, 2.0])
    assert interval([0.0, 1.0, 2.0]).estimand == "mean"
    assert math.isnan(mean_log([0.0, 1.0]))


def test_two_seeds_have_student_s_interval_and_an_end_beyond_all_floats_is_infinite() -> None:
    # one degree of freedom: t(0.975; 1) = 12.706205, s / sqrt(2) = 0.5
    assert interval([1.0, 2.0])[:3] == pytest.approx((1.5, 1.5 - 6.353102, 1.5 + 6.353102), rel=1e-6)
    assert interval([1e-90, 1e90], positive=True).high == math.inf


def test_thirty_lineages_have_the_same_method_as_three() -> None:
    values = Stream((0, "values")).generator().standard_normal(30)
    half = 2.045230 * values.std(ddof=1) / math.sqrt(30)
    assert interval(values)[:3] == pytest.approx((values.mean(), values.mean() - half, values.mean() + half), rel=1e-6)
    assert interval(values)[3:] == ("t", "mean")
    assert interval(np.full(10, 2.0))[:3] == (2.0, 2.0, 2.0)


def lognormal(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    return np.exp(generator.standard_normal(size))


@pytest.mark.parametrize(("law", "positive", "truth"), [(np.random.Generator.standard_normal, False, 0.0), (lognormal, True, 1.0)])
@pytest.mark.parametrize("size", [3, 5, 10, 30])
def test_an_interval_holds_the_truth_as_often_as_it_says(law: Draw, positive: bool, truth: float, size: int) -> None:
    samples = law(Stream((0, "coverage", size)).generator(), (1500, size))
    coverage = np.mean([estimate.low <= truth <= estimate.high for estimate in (interval(sample, positive=positive) for sample in samples)])
    assert abs(coverage - 0.95) / math.sqrt(0.95 * 0.05 / 1500) < 3.5


@pytest.mark.parametrize(
    ("metric", "positive", "amount"),
    [
        *[(name, True, True) for name in ("test_perplexity", "origin_perplexity.median", "covariance_trace.mean", "squared_l2_origin.q05")],
        *[(name, False, True) for name in ("tail_survival.17-64", "tail_mass_97.5.mean", "survival.1.mean", "novelty_4")],
        *[
            (name, False, False)
            for name in ("log_determinant", "test_elbo", "covariance_trace.mean_log", "origin_perplexity_histogram.1.00")
        ],
    ],
)
def test_each_module_of_measures_declares_which_are_positive(metric: str, positive: bool, amount: bool) -> None:
    assert (scales.is_positive(metric), scales.is_amount(metric)) == (positive, amount)


@pytest.mark.parametrize(
    ("metric", "values", "centre"),
    [
        ("test_perplexity", [1.0, 100.0], 10.0),
        ("covariance_trace.median", [1.0, 100.0], 10.0),
        ("covariance_trace.mean", [1.0, 100.0], 50.5),  # stands for an expectation
        ("covariance_trace", [0.0, 100.0], 50.0),  # 0 has no logarithm
        ("token_entropy", [1.0, 100.0], 50.5),
        ("test_perplexity", [7.3], 7.3),
        ("test_perplexity", [float("nan"), 1.0], float("nan")),
    ],
)
def test_a_metric_has_one_centre_in_sentences_on_curves_and_in_tables(metric: str, values: list[float], centre: float) -> None:
    assert intervals.centre(metric, values) == pytest.approx(centre, nan_ok=True)
    if not np.isnan(values).any():
        assert intervals.centres(metric, pd.DataFrame([values])).tolist() == pytest.approx([centre])


def test_values_that_are_no_numbers_are_refused() -> None:
    for values in ([], [math.nan, 1.0]):
        with pytest.raises(HeirloomError, match="an interval needs one finite number per lineage"):
            interval(values)


def test_the_table_lists_every_seed_where_they_are_few() -> None:
    keys = {"experiment": "e", "variant": "", "regime": "replace", "generation": 1}
    few = pd.DataFrame([{**keys, "metric": "distinct_3", "seed": s, "value": float(s)} for s in (1, 2, 3)])
    many = pd.DataFrame([{**keys, "metric": "covariance_trace", "seed": s, "value": 1.0 + s} for s in range(12)])
    frame = table(pd.concat([few, many]), {}).set_index("metric")
    assert tuple(table(few, {}).columns) == COLUMNS
    assert list(frame.loc["distinct_3", ["seeds", "mean", "median", "interval", "values"]]) == [3, 2.0, 2.0, "t", "1 2 3"]
    assert list(frame.loc["covariance_trace", ["interval", "estimand", "values"]]) == ["t", "geometric mean", ""]
    assert frame.loc["covariance_trace", "centre"] == pytest.approx(math.factorial(12) ** (1 / 12))
    assert frame.loc["covariance_trace", "mean_log"] == pytest.approx(np.log(np.arange(1, 13)).mean())


def test_a_single_lineage_of_many_replicas_has_their_quantiles_and_interval() -> None:
    metrics = {"mean": 2.0, "se": 0.5, "median": 1.0, "median_low": 0.8, "median_high": 1.3, "q05": 0.1, "q95": 9.0, "mean_log": -0.25}
    keys = {"experiment": "e", "variant": "", "regime": "replace", "generation": 1, "seed": 0}
    rows = [{**keys, "metric": f"covariance_trace.{what}", "value": value} for what, value in metrics.items()]
    frame = table(pd.DataFrame(rows), {("e", ""): 5})
    assert frame["metric"].tolist() == ["covariance_trace.mean", "covariance_trace.median"]
    assert frame["estimand"].tolist() == ["mean over replicas", "median over replicas"]
    columns = frame[["centre", "low", "high", "q05", "q95", "interval", "mean_log"]].to_numpy().tolist()
    within = [0.1, 9.0, "replicas", -0.25]
    assert columns == [[2.0, pytest.approx(2 - 2.776445 * 0.5), pytest.approx(2 + 2.776445 * 0.5), *within], [1.0, 0.8, 1.3, *within]]
