"""Populations against closed forms: migration, effective size, private and public rows, and how alike the models become."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from heirloom import config as configuration
from heirloom import theory
from heirloom.artefacts import kinds
from heirloom.errors import HeirloomError
from heirloom.families import family
from heirloom.report import expected_curves
from heirloom.specs.population import apportioned
from heirloom.theory import population
from populations_by_hand import run

Floats = NDArray[np.float64]
GENERATIONS, REPLICAS = 4, 1500
MIGRANTS = {"members": 4, "synthetic_from": {"self": 0.7, "others": 0.3}}


def models_of(experiment: dict[str, Any], regime: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Run a population and return the models of its last generation, a model of all replicas for each member."""
    monkeypatch.chdir(folder)
    common = {"regimes": ["arm"], "generations": GENERATIONS, "num_replicas": REPLICAS, "granularity": "chain", "snapshots": [GENERATIONS]}
    config = configuration.parse({"regimes": {"arm": regime}, "experiments": {"e": {**common, **experiment}}})
    run(config)
    module = family(experiment["family"]["name"])
    return [module.load(Path(kinds.CHECKPOINT.path(name, "arm", 0, GENERATIONS))) for name in config.experiments]


def z(samples_R: Floats, expected: float) -> float:
    """Return how many standard errors the mean of samples is from its expectation."""
    return float((samples_R.mean() - expected) / (samples_R.std(ddof=1) / math.sqrt(len(samples_R))))


def test_one_member_is_a_lineage_alone() -> None:
    for is_fixed, form in ((False, theory.keep), (True, theory.keep_fixed)):
        members = population.mixing([[7]], 6, 10, 3, is_fixed=is_fixed)
        assert members.variance[:, 0] == pytest.approx(form(10, 6, 3).variance, rel=1e-12)
        assert members.products[:, 0, 0] == pytest.approx(form(10, 6, 3).mean_square, rel=1e-12)
    assert population.effective_size([[20]]) == pytest.approx(20, rel=1e-9)


def test_effective_size_lies_between_that_of_one_model_and_that_of_isolated_ones() -> None:
    def migrating(rows: float) -> list[list[float]]:
        return [[20 - 3 * rows if reader == writer else rows for writer in range(4)] for reader in range(4)]

    sizes = [population.effective_size(migrating(rows)) for rows in (5.0, 2.0, 1.0, 0.1)]
    assert sizes == sorted(sizes)
    assert sizes[0] == pytest.approx(83.04, abs=0.01)
    assert population.effective_size([[20, 0], [0, 20]]) == math.inf
    curve = population.mixing(migrating(5), 200, 20).variance[:, 0]
    assert population.size_from_decay(curve[99], curve[199], 100) == pytest.approx(sizes[0], rel=1e-6)


def test_drift_with_migration_has_the_expected_homozygosity_within_and_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    types, rows = 5, 20
    source = {"name": "categorical", "law": {"kind": "uniform", "types": types}, "rows": 4 * rows, "test_rows": 1}
    experiment = {"family": {"name": "discrete"}, "source": source, "rows": rows, "population": MIGRANTS}
    models = models_of(experiment, {}, tmp_path, monkeypatch)
    shares_MRV = np.array([_shares(model, types) for model in models])
    within_R = (shares_MRV**2).sum(axis=(0, 2)) / 4
    total_R = (shares_MRV.mean(axis=0) ** 2).sum(axis=1)
    between_R = (total_R - within_R / 4) * 4 / 3
    counts = [[14 if reader == writer else 2 for writer in range(4)] for reader in range(4)]
    members = population.mixing(counts, GENERATIONS + 2, rows)
    for products, is_expected in ((members.products[-2], True), (members.products[-3], False), (members.products[-1], False)):
        homozygosity = 1 / types + (1 - 1 / types) * products
        assert (abs(z(within_R, homozygosity[0, 0])) < 4) is is_expected
        assert (abs(z(between_R, homozygosity[0, 1])) < 4) is is_expected


def _shares(model: Any, types: int) -> Floats:
    """Return the shares of all types, shape (R, V)."""
    replica = np.repeat(np.arange(model.num_replicas), np.diff(model.starts))
    shares = np.zeros((model.num_replicas, types))
    shares[replica, model.types] = model.shares
    return shares


@pytest.mark.parametrize("draw", ["redrawn", "fixed"])
def test_models_with_private_and_public_rows_grow_alike_as_expected(draw: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """α = 1/2 of the rows are new; of the 20 originals of each member 10 are public, β = 1/2; the kept rows are half of the originals."""
    experiment = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "rows": 40, "test_rows": 1},
        "rows": 20,
        "population": {"members": 3, "public": 0.25, "synthetic_from": {"self": 0.4, "others": 0.6}},
    }
    models = models_of(experiment, {"original": {"share": 0.5, "draw": draw}}, tmp_path, monkeypatch)
    means_MR = np.array([model.mean[:, 0] for model in models])
    variances_R = np.mean([model.covariance[:, 0, 0] for model in models], axis=0)
    counts = [[4 if reader == writer else 3 for writer in range(3)] for reader in range(3)]
    members = population.mixing(counts, GENERATIONS + 1, 20, 10, num_public=10, is_fixed=draw == "fixed")
    assert abs(z(variances_R, members.variance[-1].mean())) < 4
    assert abs(z(means_MR.mean(axis=0) ** 2, members.mean_square[-1])) < 4
    assert abs(z(means_MR.var(axis=0), members.spread[-1])) < 4
    stranger = population.mixing(counts, GENERATIONS + 1, 20, 10, num_public=0, is_fixed=draw == "fixed")
    assert abs(z(means_MR.var(axis=0), stranger.spread[-1])) > 4, "the public rows make models alike"


def test_the_mean_of_models_settles_where_known_variances_let_it() -> None:
    """Of many rows the fitted variance stays the truth's, so that the recursion of known variance holds."""
    models, rows = 4, 1_000_000
    synthetic = [[rows // 2] * models for _ in range(models)]
    members = population.mixing(synthetic, 60, 2 * rows, 2 * rows, num_public=rows, is_fixed=True)
    # a model writes 2 n rows: all that the members read of it
    expected = (0.25 / models + 0.25) / rows + (0.25 / 0.75) / (models * 2 * rows)
    assert members.mean_square[-1] == pytest.approx(expected, rel=1e-5)
    assert population.settled_mean_square(50, 4, 0.5, 0.5) == pytest.approx(0.007917, abs=1e-6)


def test_a_member_s_expected_curves_are_those_of_its_population() -> None:
    source = {"name": "categorical", "law": {"kind": "uniform", "types": 5}, "rows": 80, "test_rows": 1}
    experiment = {"family": {"name": "discrete"}, "source": source, "rows": 20, "regimes": ["replace", "control"], "generations": 3}
    regimes = {"replace": {}, "control": {"pool": 1.0, "synthetic": "none"}}
    config = configuration.parse({"regimes": regimes, "experiments": {"e": {**experiment, "population": MIGRANTS}}})
    members = population.mixing([[14 if reader == writer else 2 for writer in range(4)] for reader in range(4)], 4, 20)
    curves = {name: expected_curves.curves(config.experiments["e__m2"], regime) for name, regime in config.regimes.items()}
    assert [*curves["replace"]] == ["diversity", "squared_error"]
    assert curves["replace"]["diversity"] == pytest.approx(0.8 * members.variance[:, 1], rel=1e-12)
    assert curves["control"]["diversity"] == pytest.approx(np.full(4, 0.8 * (1 - 1 / 20)), rel=1e-12)
    laws = {"law": {"key": "source.law.types", "values": {"few": 5, "many": 50}}}
    strangers = configuration.parse({"regimes": regimes, "experiments": {"e": {**experiment, "population": {"members": laws}}}})
    assert expected_curves.curves(strangers.experiments["e__few"], strangers.regimes["replace"]) == {}


def test_unequal_members_and_missing_originals_are_refused() -> None:
    with pytest.raises(HeirloomError, match="members need equally many rows"):
        population.mixing([[5, 5], [3, 3]], 3, 10)
    with pytest.raises(HeirloomError, match="11 kept and 0 public rows, but 10 originals"):
        population.mixing([[9]], 3, 10, 11)


def test_one_model_on_all_rows_is_the_best_until_there_were_as_many_generations_as_rows() -> None:
    """Of 128 rows for M models: E[variance] of a member is largest for M = 1 up to generation 127, and for M = 8 from 132 on."""
    curves = {}
    for models in (1, 2, 4, 8):
        rows = 128 // models
        counts = [apportioned(rows, [1 / models] * models, reader) for reader in range(models)]
        curves[models] = population.mixing(counts, 201, rows).variance[:, 0]
    best = [max(curves, key=lambda models: curves[models][generation]) for generation in range(201)]
    assert best == [1] * 128 + [2] + [4] * 3 + [8] * 69
