"""A regime's declaration chooses its closed form, and nothing else does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heirloom import theory
from heirloom.report.expected_curves import curves
from heirloom.specs.experiment import Experiment
from heirloom.specs.regime import Regime
from heirloom.theory.regimes import mixture

N, G = 10, 5


def gaussian(divisor: str = "n", **changes: Any) -> Experiment:
    body: dict[str, Any] = {
        "family": {"name": "gaussian", "training": {"divisor": divisor}},
        "source": {"name": "normal", "rows": 80},
        "regimes": ["any"],
        "generations": G,
        "rows": N,
    }
    return Experiment.model_validate(body | changes)


def variance(regime: dict[str, Any], **changes: Any) -> Any:
    return curves(gaussian(**changes), Regime.model_validate(regime)).get("covariance_trace")


@pytest.mark.parametrize(
    ("regime", "moments"),
    [
        ({}, theory.replace(N, G + 1)),
        ({"pool": 1.0, "synthetic": "none"}, theory.control(N, G + 1)),
        ({"pool": 0.3}, theory.keep(N, G + 1, 3, 80)),
        ({"fresh": 0.2}, theory.fresh(N, G + 1, 2)),
        ({"fresh": 1.0, "synthetic": "none"}, theory.control(N, G + 1)),
        ({"original": {"share": 0.3}}, theory.keep(N, G + 1, 3)),
        ({"original": {"share": 0.3, "draw": "fixed"}}, theory.keep_fixed(N, G + 1, 3)),
        ({"original": {"share": 1.0}, "synthetic": "all", "budget": "grows"}, theory.accumulate(N, G + 1)),
        ({"original": {"share": 1.0}, "synthetic": "all", "budget": "drawn"}, theory.accumulate_fixed(N, G + 1)),
        ({"original": {"share": 1.0, "draw": "fixed"}, "budget": "grows", "multiple": 3.0}, mixture(N, [(N, 3 * N)] * G, real="fixed")),
        ({"fresh": 0.5, "real_weight": "golden"}, mixture(N, [(5, 5)] * G, weight=0.6180339887498949)),
        ({"original": {"share": 0.4}, "real_weight": 0.8}, mixture(N, [(4, 6)] * G, real="redrawn", weight=0.8)),
        ({"growth": 1.0}, mixture(N, [(0, N * (g + 2)) for g in range(G)])),
        ({"growth": 1.0, "pool": 1.0, "synthetic": "none"}, mixture(N, [(N * (g + 2), 0) for g in range(G)], real="redrawn", num_pool=80)),
    ],
)
def test_a_declaration_has_the_closed_form_of_its_regime(regime: dict[str, Any], moments: theory.Moments) -> None:
    expected = curves(gaussian(), Regime.model_validate(regime))
    np.testing.assert_allclose(expected["covariance_trace"], moments.variance, rtol=1e-12)
    np.testing.assert_allclose(expected["mean_squared_error"], moments.mean_square, rtol=1e-12)


def test_entry_g_is_model_g_so_the_origin_has_lost_one_factor_already() -> None:
    np.testing.assert_allclose(variance({}), 0.9 ** np.arange(1, G + 2))


def test_the_unbiased_divisor_keeps_the_expected_variance_at_the_truth() -> None:
    np.testing.assert_allclose(variance({}, divisor="n-1"), np.ones(G + 1))


def test_curves_are_in_the_units_of_the_source() -> None:
    source = {"name": "normal", "dim": 2, "covariance": [[2.0, 0.5], [0.5, 1.0]], "rows": 80}
    expected = curves(gaussian(source=source), Regime())
    np.testing.assert_allclose(expected["covariance_trace"], 3 * theory.replace(N, G + 1).variance)
    first_log = theory.replace_log_determinant(N, 1, 2)[0] + np.log(2 * 1 - 0.25)
    assert expected["log_determinant"][0] == pytest.approx(first_log)
    assert "wasserstein2_squared" not in expected


def test_the_control_stays_where_the_origin_is() -> None:
    expected = curves(gaussian(source={"name": "normal", "covariance": 3.0, "rows": 80}), Regime(pool=1.0, synthetic="none"))
    for curve in expected.values():
        assert len(curve) == G + 1
        np.testing.assert_allclose(curve, curve[0])
    assert expected["wasserstein2_squared"][0] == pytest.approx(9 * theory.replace_wasserstein2_squared(N, 1)[0])


@pytest.mark.parametrize(
    "regime",
    [
        {"original": {"share": 0.2}, "fresh": 0.2},
        {"original": {"share": 0.5}, "synthetic": "all", "budget": "grows"},
        {"original": {"share": 1.0}, "fresh": 0.1, "synthetic": "all", "budget": "grows"},
        {"original": {"share": 1.0}, "budget": "drawn"},
        {"original": {"share": 1.0}, "synthetic": "all", "budget": "grows", "real_weight": 0.5},
        {"original": {"share": 1.0}, "synthetic": "all", "budget": "grows", "multiple": 2.0},
        {"select": {"by": "likelihood", "share": 0.5}, "multiple": 2.0},
    ],
)
def test_a_mixture_without_a_known_closed_form_has_none(regime: dict[str, Any]) -> None:
    assert variance(regime) is None


def test_an_origin_with_other_than_a_generation_s_rows_has_no_closed_form() -> None:
    assert variance({}, origin_rows=20) is None
    assert variance({}, origin_rows="all") is None
    assert variance({}, origin_rows="all", source={"name": "normal", "rows": N}) is not None
