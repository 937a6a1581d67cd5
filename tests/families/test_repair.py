"""Repair: a model between training and sampling, moved along a line; its closed forms, and what refuses it."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch

from heirloom import config as configuration
from heirloom import theory
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import gaussian
from heirloom.families.gaussian import Model
from heirloom.families.lm.weights import blended
from heirloom.runtime.streams import Stream
from heirloom.specs.gaussian import GaussianSampling, GaussianTraining
from heirloom.specs.repair import Repair

N, GENERATIONS, CHAINS = 10, 4, 40_000
NEON = {"extrapolate": {"w": 1.0, "from": "previous"}}


def point(mean: float, variance: float) -> Model:
    return Model(np.array([[mean]]), np.array([[[variance]]]))


def test_an_extrapolation_steps_beyond_the_base_and_a_merge_back_towards_it() -> None:
    trained, base = point(1.0, 0.6), point(0.0, 0.8)
    beyond = gaussian.blended(trained, base, Repair.model_validate({"extrapolate": {"w": 0.5, "from": "origin"}}).base_share)
    assert (beyond.mean[0, 0], beyond.covariance[0, 0, 0]) == (-0.5, pytest.approx(1.5 * 0.8 - 0.5 * 0.6))
    between = gaussian.blended(trained, base, Repair(merge=0.25).base_share)
    assert (between.mean[0, 0], between.covariance[0, 0, 0]) == (0.75, pytest.approx(0.25 * 0.8 + 0.75 * 0.6))
    unchanged = gaussian.blended(trained, base, Repair.model_validate({"extrapolate": {"w": -1.0, "from": "origin"}}).base_share)
    assert (unchanged.mean[0, 0], unchanged.covariance[0, 0, 0]) == (1.0, 0.6)


def test_a_chain_without_variance_ends_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    trained = Model(np.zeros((3, 2)), np.stack([np.eye(2), np.diag([0.1, 2.5]), np.zeros((2, 2))]))
    base = Model(np.ones((3, 2)), np.stack([np.eye(2), np.eye(2), np.zeros((2, 2))]))
    repaired = gaussian.blended(trained, base, 2.0)
    assert repaired.covariance[0].tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert repaired.covariance[1:].any() == np.False_
    assert [record.getMessage() for record in caplog.records] == [
        "repair.extrapolate: 1 of 3 chains end, because their variance became 0 or less"
    ]


@pytest.mark.parametrize(("variance", "temperature", "w"), [(0.8, 0.8, 1.25), (0.8, 1.25, -1.0), (1.25, 0.8, -1.0), (1.25, 1.25, 0.8)])
def test_the_best_step_changes_sign_with_the_sampler_and_with_the_base(variance: float, temperature: float, w: float) -> None:
    assert theory.repair.extrapolated_variance(variance, w, temperature) == pytest.approx(1.0)
    rows = 400_000
    (x,) = gaussian.sample(point(0.0, variance), None, rows, GaussianSampling(temperature=temperature), Stream((0, "rows")))
    trained = gaussian.train(Dataset.of(vector_table(x)), GaussianTraining(), None, Stream(()))
    repaired = gaussian.blended(trained, point(0.0, variance), 1 + w).covariance[0, 0, 0]
    error = abs(w) * temperature * variance * math.sqrt(2 / rows)
    assert abs(repaired - 1.0) < 4 * error


def chains(repair: Repair, temperature: float = 1.0) -> list[Model]:
    """Return models 0 … G of many chains under `replace`, each repaired after its training, from statistics alone."""
    fit, settings = GaussianTraining(), GaussianSampling(temperature=temperature)
    truth = Model(np.zeros((CHAINS, 1)), np.ones((CHAINS, 1, 1)))
    origin = model = gaussian.fitted(gaussian.draw(truth, N, GaussianSampling(), Stream((0, "origin"))), fit)
    models = [origin]
    for g in range(1, GENERATIONS + 1):
        trained = gaussian.fitted(gaussian.draw(model, N, settings, Stream((0, g))), fit)
        model = gaussian.blended(trained, {"origin": origin, "previous": model}[repair.base], repair.base_share)
        models.append(model)
    return models


def z_score(values: Any, expected: float) -> float:
    return float((values.mean() - expected) / (values.std(ddof=1) / math.sqrt(values.size)))


def scores(models: list[Model], moments: theory.Moments, g: int, at: int) -> tuple[float, float]:
    variance, square = models[g].covariance[:, 0, 0], models[g].mean[:, 0] ** 2
    return z_score(variance, moments.variance[at]), z_score(square, moments.mean_square[at])


@pytest.mark.parametrize(("w", "temperature"), [(1.0, 1.0), (0.5, 0.8), (2.0, 1.25)])
def test_extrapolated_chains_have_their_moments_and_end_as_often_as_expected(w: float, temperature: float) -> None:
    models = chains(Repair.model_validate({"extrapolate": {"w": w, "from": "previous"}}), temperature)
    moments, ended = theory.repair.extrapolated(N, GENERATIONS + 2, w, temperature)
    for g, model in enumerate(models):
        assert max(map(abs, scores(models, moments, g, g))) < 4, g
        absorbed = (model.covariance[:, 0, 0] == 0).astype(float)
        assert abs(absorbed.mean() - ended[g]) <= 4 * math.sqrt(ended[g] * (1 - ended[g]) / CHAINS), g
    assert max(map(abs, scores(models, moments, 2, 3))) > 6
    assert max(map(abs, scores(models, moments, 2, 1))) > 6


@pytest.mark.parametrize(("body", "base"), [({"merge": 0.3}, "origin"), ({"extrapolate": {"w": -0.4, "from": "previous"}}, "previous")])
def test_merged_chains_have_their_moments_and_the_neighbouring_generation_does_not(body: dict[str, Any], base: Any) -> None:
    repair = Repair.model_validate(body)
    models = chains(repair)
    moments = theory.repair.blended(N, GENERATIONS + 2, repair.base_share, base)
    for g in range(GENERATIONS + 1):
        assert max(map(abs, scores(models, moments, g, g))) < 4, g
    assert max(map(abs, scores(models, moments, 1, 2))) > 6
    assert max(map(abs, scores(models, moments, 1, 0))) > 6


def test_one_repair_restores_the_mean_and_a_second_one_overshoots_while_the_typical_chain_is_restored() -> None:
    moments, ended = theory.repair.extrapolated(N, GENERATIONS + 1, 1.0)
    assert theory.repair.blended(N, 2, 2.0, "previous").variance[1] == pytest.approx(1 - 1 / N**2)  # the classical bootstrap correction
    assert moments.variance[1] == pytest.approx(0.99448, abs=1e-5)  # ended chains count as 0, not as less
    assert ended[1] == pytest.approx(0.018, abs=1e-3)
    last = chains(Repair.model_validate(NEON))[-1].covariance[:, 0, 0]
    assert last.mean() > 1.2 > 1 > np.median(last) > 0.6


def test_an_unrepaired_chain_is_the_share_0_and_a_chain_that_stays_at_its_base_the_share_1() -> None:
    replaced, kept = theory.repair.blended(N, 6, 0.0), theory.repair.blended(N, 6, 1.0)
    np.testing.assert_allclose(replaced.variance, theory.replace(N, 6).variance, rtol=1e-12)
    np.testing.assert_allclose(replaced.mean_square, theory.replace(N, 6).mean_square, rtol=1e-12)
    np.testing.assert_allclose(kept.variance, 1 - 1 / N)
    for w, temperature in ((0.0, 1.0), (1.0, 0.0)):
        with pytest.raises(HeirloomError, match="theory: "):
            theory.repair.extrapolated(N, 3, w, temperature)


def test_weights_move_along_the_line_and_counters_stay() -> None:
    trained = {"w": torch.tensor([1.0, 2.0]), "steps": torch.tensor([7])}
    base = {"w": torch.tensor([0.0, 4.0]), "steps": torch.tensor([3])}
    blend = blended(trained, base, 1.5)
    assert blend["w"].tolist() == [-0.5, 5.0]
    assert blend["steps"].tolist() == [7]
    assert trained["w"].tolist() == [1.0, 2.0]


TEXT = {"name": "wikipedia", "text": {"vocab_size": 300, "row_tokens": 8}}
NORMAL = {"name": "normal", "rows": 40, "test_rows": 10}


@pytest.mark.parametrize(
    ("family", "repair", "message"),
    [
        ({"name": "ngram"}, {"merge": 0.5}, "'arm' asks to repair, which 'ngram' cannot"),
        ({"name": "kde"}, {"merge": 0.5}, "'arm' asks to repair, which 'kde' cannot"),
        ({"name": "transformer", "training": {"start": "scratch"}}, NEON, "is 'previous', but family.training.start is 'scratch'"),
        ({"name": "transformer", "training": {"start": "origin"}}, NEON, "is 'previous', but family.training.start is 'origin'"),
        ({"name": "transformer", "training": {"start": "scratch"}}, {"merge": 0.5}, "needs weights that began from the origin's start"),
        ({"name": "gaussian"}, {**NEON, "merge": 0.5}, "either `extrapolate"),
        ({"name": "gaussian"}, {"extrapolate": {"w": 1.0, "from": "scratch"}}, "'origin' or 'previous'"),
    ],
)
def test_what_cannot_be_repaired_is_refused_in_a_line(family: dict[str, Any], repair: dict[str, Any], message: str) -> None:
    source = NORMAL if family["name"] in ("gaussian", "kde") else TEXT
    experiment = {"family": family, "source": source, "regimes": ["arm"], "rows": 10, "generations": 1}
    with pytest.raises(HeirloomError, match=re.escape(message)):
        configuration.parse({"regimes": {"arm": {"repair": repair}}, "experiments": {"e": experiment}})


def test_a_repaired_model_is_read_in_place_of_its_checkpoint_and_slices_without_a_repair_do_not_change() -> None:
    from heirloom.artefacts.kinds import Key
    from heirloom.workflow.steps import STEPS

    experiment = {"family": {"name": "gaussian"}, "source": NORMAL, "regimes": ["arm", "plain"], "rows": 10, "generations": 3}
    config = configuration.parse({"regimes": {"arm": {"repair": NEON}, "plain": {}}, "experiments": {"e": experiment}})
    arm, plain = (Key("e", regime, 0, 2) for regime in ("arm", "plain"))
    repaired = "data/e/arm/seed=0/gen={}/repaired"
    assert STEPS["sample"].inputs(config, arm)["checkpoint"] == [repaired.format(1)]
    assert STEPS["sample"].inputs(config, arm._replace(generation=1))["checkpoint"] == ["data/e/origin/seed=0/gen=0/checkpoint"]
    assert STEPS["evaluate"].inputs(config, arm)["checkpoint"] == [repaired.format(2)]
    assert STEPS["blend"].inputs(config, arm) == {"checkpoint": ["data/e/arm/seed=0/gen=2/checkpoint"], "base": [repaired.format(1)]}
    assert not STEPS["blend"].runs(config, plain)
    assert STEPS["sample"].inputs(config, plain)["checkpoint"] == ["data/e/plain/seed=0/gen=1/checkpoint"]
    assert "sampling" in STEPS["sample"].slice(config, plain).json_fields()
    assert STEPS["sample"].slice(config, plain).json_fields()["sampling"] == {}
    assert STEPS["mix"].slice(config, plain).json_fields()["mixing"] == {}
    assert STEPS["mix"].slice(config, arm).json_fields()["mixing"] == {"repair": NEON}
