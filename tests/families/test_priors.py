"""Priors: pseudo-rows in every fit, beside their closed forms and beside one fresh row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from heirloom import config as configuration
from heirloom import theory
from heirloom.artefacts.kinds import Key
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import bernoulli, gaussian, poisson
from heirloom.report import expected_curves
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoSettings
from heirloom.specs.gaussian import GaussianSampling, GaussianTraining
from heirloom.workflow.steps import STEPS

N, GENERATIONS, CHAINS = 10, 4, 40_000
PRIORS: dict[str, dict[str, Any]] = {
    "bernoulli": {"rows": 1.0, "mean": 0.5},
    "poisson": {"rows": 2.0, "mean": 2.0},
    "gaussian": {"rows": 1.5, "variance": 0.5},
}
SOURCES: dict[str, dict[str, Any]] = {
    "bernoulli": {"name": "bernoulli", "probability": 0.3},
    "poisson": {"name": "poisson", "rate": 0.4},
    "gaussian": {"name": "normal", "dim": 2, "covariance": [[2.0, 0.5], [0.5, 1.0]]},
}


def rows(numbers: NDArray[np.float64] | list[Any]) -> Dataset:
    return Dataset.of(vector_table(np.asarray(numbers, dtype=np.float64)))


def test_pseudo_rows_are_counted_beside_the_rows_of_a_fit() -> None:
    share = bernoulli.train(rows([[[1.0], [1.0], [0.0]]]), bernoulli.Fit.model_validate({"prior": PRIORS["bernoulli"]}), None, Stream(()))
    assert share.probability == pytest.approx([2.5 / 4])
    rate = poisson.train(rows([[[3.0], [1.0], [2.0]]]), poisson.Fit.model_validate({"prior": PRIORS["poisson"]}), None, Stream(()))
    assert rate.rate == pytest.approx([(6 + 2 * 2) / 5])
    for divisor, own in (("n", 3), ("n-1", 2)):
        fit = GaussianTraining.model_validate({"divisor": divisor, "prior": PRIORS["gaussian"]})
        x = rows([[[0.0], [1.0], [5.0]]])
        for weighted in (x, x.weighted(1.0)):
            model = gaussian.train(weighted, fit, None, Stream(()))
            assert model.mean[0, 0] == pytest.approx(2.0)
            assert model.covariance[0, 0, 0] == pytest.approx((14 + 1.5 * 0.5) / (own + 1.5))


def experiment(name: str, prior: dict[str, Any] | None) -> configuration.Config:
    body = {
        "family": {"name": name, "training": {"prior": prior} if prior else {}},
        "source": {**SOURCES[name], "rows": N, "test_rows": 1},
        "regimes": ["replace"],
        "generations": GENERATIONS,
        "rows": N,
        "num_replicas": 2,
    }
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"e": body}})


def chains(name: str) -> list[dict[str, NDArray[np.float64]]]:
    """Return the measures of models 0 … G of many chains, every row drawn."""
    rng, settings = Stream((0, name)).generator(), {"gaussian": GaussianSampling()}.get(name, NoSettings())
    module: Any = {"bernoulli": bernoulli, "poisson": poisson, "gaussian": gaussian}[name]
    fit = module.Fit.model_validate({"prior": PRIORS[name]})
    draws = {
        "bernoulli": lambda: (rng.random((CHAINS, N, 1)) < 0.3).astype(np.float64),
        "poisson": lambda: rng.poisson(0.4, (CHAINS, N, 1)).astype(np.float64),
        "gaussian": lambda: rng.multivariate_normal([0.0, 0.0], [[2.0, 0.5], [0.5, 1.0]], (CHAINS, N)),
    }
    x, measures = draws[name](), []
    for g in range(GENERATIONS + 1):
        model = module.train(rows(x), fit, None, Stream(()))
        measures.append(measured(name, model))
        (x,) = module.sample(model, None, N, settings, Stream((0, name, g)))
    return measures


def measured(name: str, model: Any) -> dict[str, NDArray[np.float64]]:
    if name == "bernoulli":
        p = model.probability
        return {"probability": p, "variance": p * (1 - p), "squared_error": (p - 0.3) ** 2}
    if name == "poisson":
        return {"rate": model.rate, "squared_error": (model.rate - 0.4) ** 2}
    return {
        "covariance_trace": np.trace(model.covariance, axis1=1, axis2=2),
        "mean_squared_error": (model.mean**2).sum(axis=1),
    }


@pytest.mark.parametrize("name", PRIORS)
def test_chains_with_a_prior_have_their_closed_forms_and_the_neighbouring_generation_does_not(name: str) -> None:
    config = experiment(name, PRIORS[name])
    curves = expected_curves.curves(config.experiments["e"], config.regimes["replace"])
    measures = chains(name)
    assert curves.keys() == measures[0].keys()
    off = {-1: [0.0], 1: [0.0]}
    for g in range(GENERATIONS + 1):
        for measure, values in measures[g].items():
            error = values.std(ddof=1) / math.sqrt(CHAINS)
            assert abs(values.mean() - curves[measure][g]) < 4 * error, (measure, g)
            for shift, distances in off.items():
                if 0 < g < GENERATIONS:
                    distances.append(abs(values.mean() - curves[measure][g + shift]) / error)
    assert min(map(max, off.values())) > 6


def test_one_pseudo_row_keeps_as_much_diversity_as_one_fresh_row() -> None:
    mean, square = theory.priors.shares(0.3, 100, 600, 1.0, 0.3)
    assert mean[-1] == pytest.approx(0.3)
    assert mean[-1] - square[-1] == pytest.approx(0.1402, abs=1e-4)
    fresh = theory.fresh(100, 600, 1).variance[-1] * 0.21
    assert fresh == pytest.approx(0.1395, abs=1e-4)


def test_the_truth_is_forgotten_with_the_half_life_of_the_pseudo_rows_share() -> None:
    u = 0.02
    mean, square = theory.priors.shares(0.3, 100, 51, 100 * u / (1 - u), 0.5)
    assert [mean[10], mean[50]] == pytest.approx([0.3399, 0.4286], abs=1e-4)
    mean, square = theory.priors.shares(0.3, 100, 2000, 100 * u / (1 - u), 0.5)
    assert mean[-1] - square[-1] == pytest.approx(0.2012, abs=1e-4)
    rate, squares = theory.priors.rates(0.4, 100, 4000, 1.0, 2.0)
    assert (rate[-1], squares[-1] - rate[-1] ** 2) == (pytest.approx(2.0), pytest.approx(2 * 100 / (101**2 - 100**2), rel=1e-3))
    assert theory.priors.variances(100, 4000, 1.0, 1.0).variance[-1] == pytest.approx(0.5)


def test_a_config_without_a_prior_has_the_slice_that_it_had() -> None:
    for name, fields in (("bernoulli", {}), ("poisson", {}), ("gaussian", {"divisor": "n", "precision": "float64"})):
        key = Key("e", "replace", 0, 1)
        assert STEPS["train"].slice(experiment(name, None), key).json_fields()["fit"] == fields
        assert STEPS["train"].slice(experiment(name, PRIORS[name]), key).json_fields()["fit"] == {**fields, "prior": PRIORS[name]}


def test_a_prior_that_cannot_be_is_refused_in_a_line() -> None:
    for name, prior, message in (
        ("bernoulli", {"rows": 0.0, "mean": 0.5}, "greater than 0"),
        ("bernoulli", {"rows": 1.0, "mean": 1.5}, "less than or equal to 1"),
        ("gaussian", {"rows": 1.0, "mean": 0.0}, "variance"),
    ):
        with pytest.raises(HeirloomError, match=message):
            experiment(name, prior)
