"""The regimes' closed forms against chains that are really mixed, fitted and sampled, and against known values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from heirloom import theory
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import gaussian, ngram
from heirloom.mixing import Ingredients, golden_weight, mix, mix_origin
from heirloom.runtime.streams import Stream, lineage
from heirloom.selection import select
from heirloom.specs.gaussian import GaussianSampling, GaussianTraining
from heirloom.specs.judges import Select
from heirloom.specs.ngram import NgramFit, NgramSampling
from heirloom.specs.regime import Original, Regime
from heirloom.theory import Moments
from heirloom.theory import regimes as theory_regimes

N, GENERATIONS, CHAINS, POOL = 10, 4, 20_000, 150


class Case(NamedTuple):
    regime: Regime
    parts: Sequence[tuple[int, int]]
    real: str = "fresh"
    weight: float | None = None
    neighbours: Sequence[int] = (0, 2)  # of model 1; a regime that has settled by then has the earlier one only


FADING = Regime.model_validate({"fresh": [0.2, 0.5, 0.8, 0.0], "scale": [1.0, 2.0]})
GOLDEN = (math.sqrt(5) - 1) / 2
CASES = {
    "fixed_real": Case(Regime(original=Original(share=1.0, draw="fixed"), budget="grows", multiple=2.0), [(N, 2 * N)] * 5, "fixed"),
    "keep_redrawn": Case(Regime(original=Original(share=0.3)), [(3, 7)] * 5, "redrawn"),
    "golden": Case(Regime(fresh=0.5, real_weight="golden"), [(5, 5)] * 5, "fresh", GOLDEN, (0,)),
    "weighted_fixed": Case(Regime(original=Original(share=0.3, draw="fixed"), real_weight=0.6), [(3, 7)] * 5, "fixed", 0.6),
    "linear": Case(Regime(growth=1.0), [(0, N * (g + 1)) for g in range(1, 6)]),
    "fading_fresh": Case(FADING, [(2, 8), (10, 10), (16, 4), (0, 20), (0, 20)]),
    "superlinear_fresh": Case(Regime(growth=1.5, fresh=0.2), [(round(0.2 * b), b - round(0.2 * b)) for b in (28, 52, 80, 112, 147)]),
}


def chain(regime: Regime, divisor: str, generations: int = GENERATIONS, chains: int = CHAINS, rows: int = N) -> list[gaussian.Model]:
    """Return models 0 … G, every row drawn, mixed and fitted as in a run."""
    fit, settings = GaussianTraining.model_validate({"divisor": divisor}), GaussianSampling()
    pool = Dataset.of(vector_table(Stream((0, "real")).generator().standard_normal((chains, POOL if rows == N else rows, 1))))
    original = mix_origin(pool, rows, Stream((0, "pool")), chains)
    models = [gaussian.train(original, fit, None, Stream(()))]
    for g in range(1, generations + 1):
        stream = lineage(0, "arm").child(g)
        (x,) = gaussian.sample(models[-1], None, regime.sampled_rows(rows, g), settings, stream.child("sample"))
        newest = Dataset.of(vector_table(x, born=g))
        for judge in regime.judges:
            newest = select(newest, gaussian.log_likelihoods(models[0], newest, 1), judge, stream.child("select"))
        offered = Ingredients(pool, original, [newest], chains)
        train = mix(regime, offered, rows, g, shuffle=Stream((0, "pool")), lineage=lineage(0, "arm"))
        models.append(gaussian.train(train, fit, None, Stream(())))
    return models


def z_score(values: NDArray[np.float64], expected: float) -> float:
    return float((values.mean() - expected) / (values.std(ddof=1) / math.sqrt(values.size)))


@pytest.mark.parametrize("divisor", ["n", "n-1"])
@pytest.mark.parametrize("name", CASES)
def test_every_regime_agrees_with_its_closed_form_and_the_neighbouring_generation_does_not(name: str, divisor: str) -> None:
    case, ddof = CASES[name], int(divisor == "n-1")
    moments = theory_regimes.mixture(N, case.parts, real=case.real, weight=case.weight, ddof=ddof)  # type: ignore[arg-type]
    models = chain(case.regime, divisor)
    means = [model.mean[:, 0] ** 2 for model in models]
    variances = [model.covariance[:, 0, 0] for model in models]
    for g in range(GENERATIONS + 1):
        assert abs(z_score(means[g], moments.mean_square[g])) < 4, (g, "mean")
        assert abs(z_score(variances[g], moments.variance[g])) < 4, (g, "variance")
    for neighbour in case.neighbours:
        off = (z_score(means[1], moments.mean_square[neighbour]), z_score(variances[1], moments.variance[neighbour]))
        assert max(map(abs, off)) > 4, (neighbour, off)


def same(a: Moments, b: Moments) -> bool:
    pairs = ((a.variance, b.variance), (a.mean_square, b.mean_square))
    return all(np.allclose(value_a, value_b, rtol=1e-12, atol=0) for value_a, value_b in pairs)


@pytest.mark.parametrize("ddof", [0, 1])
def test_unweighted_constant_sizes_are_the_regimes_of_theory(ddof: int) -> None:
    assert same(theory_regimes.mixture(N, [(0, N)] * 6, ddof=ddof), theory.replace(N, 7, ddof))
    assert same(theory_regimes.mixture(N, [(3, 7)] * 6, ddof=ddof), theory.fresh(N, 7, 3, ddof))
    assert same(theory_regimes.mixture(N, [(3, 7)] * 6, real="redrawn", num_pool=20, ddof=ddof), theory.keep(N, 7, 3, 20, ddof))
    assert same(theory_regimes.mixture(N, [(3, 7)] * 6, real="fixed", ddof=ddof), theory.keep_fixed(N, 7, 3, ddof))
    assert same(theory_regimes.mixture(N, [(3, 7)] * 6, weight=0.3, ddof=ddof), theory.fresh(N, 7, 3, ddof))


def test_the_golden_weight_is_the_best_one_and_its_floor_is_the_weight_over_the_real_rows() -> None:
    assert golden_weight(7, 7) == pytest.approx(0.6180339887498949)
    for real, synthetic in ((10_000, 10_000), (2_000, 20_000), (50_000, 10_000)):
        w = golden_weight(real, synthetic)
        floor = theory_regimes.weighted_floor(real, synthetic, w)
        assert floor == pytest.approx(w / real, rel=1e-3)
        assert floor < min(theory_regimes.weighted_floor(real, synthetic, w + d) for d in (-0.05, 0.05))
    curve = theory_regimes.mixture(20, [(5, 15)] * 200, weight=0.4).mean_square
    assert curve[-1] == pytest.approx(theory_regimes.weighted_floor(5, 15, 0.4))


def test_superlinear_sizes_bound_the_error_and_linear_ones_do_not() -> None:
    sizes = [(0, round(100 * (g + 1) ** 2.0)) for g in range(1, 3000)]
    assert theory_regimes.mixture(100, sizes, ddof=1).mean_square[-1] == pytest.approx(theory_regimes.schedule_limit(100, 2.0), rel=1e-3)
    assert theory_regimes.schedule_limit(100, 2.0) == pytest.approx(math.pi**2 / 600)
    with pytest.raises(HeirloomError, match=r"growth 1\.0 the error has no limit"):
        theory_regimes.schedule_limit(100, 1.0)


def test_selection_shrinks_the_variance_by_its_factor_each_generation() -> None:
    selection = Select(by="likelihood", share=0.5, true_keep=0.9, false_keep=0.2)
    factor = theory_regimes.selection_factor(0.5, 0.9, 0.2)
    models = chain(Regime(select=selection, multiple=2.0), "n", generations=3, chains=40, rows=10_000)
    for g, model in enumerate(models):
        # the origin's own variance is not 1 with ten thousand rows, and every generation inherits it
        ratio = model.covariance[:, 0, 0] / models[0].covariance[:, 0, 0]
        if g:
            assert abs(z_score(ratio, factor**g)) < 4, g
            assert abs(z_score(ratio, factor ** (g + 1))) > 6
            assert abs(z_score(ratio, factor ** (g - 1))) > 6


def test_a_judge_that_keeps_both_sides_alike_selects_nothing_and_a_perfect_one_truncates() -> None:
    assert theory_regimes.selection_factor(0.3, 0.7, 0.7) == pytest.approx(1.0)
    # c = 1 holds 0.6827: 1 - 2 phi(1) / 0.6827
    assert theory_regimes.selection_factor(math.erf(1 / math.sqrt(2))) == pytest.approx(1 - 2 * 0.24197072 / 0.68268949)
    with pytest.raises(HeirloomError, match="share 1"):
        theory_regimes.selection_factor(1.0)


def test_editing_unigrams_moves_the_easy_counts_to_the_models_law() -> None:
    law = np.array([0.5, 0.2, 0.2, 0.1])
    rows = np.searchsorted(law.cumsum(), Stream((0, "rows")).generator().random((4000, 6))).astype(np.int32)
    model = ngram.train(Dataset.of(text(rows)), NgramFit(order=1, vocab_size=4), None, Stream(()))
    probability = np.exp(-ngram.row_losses(model, np.array([[0, token] for token in range(4)])))
    counts = np.bincount(rows[:, 1:].ravel(), minlength=4)
    expected = theory_regimes.edited_counts(counts, probability, probability, 0.3)
    (edited,) = ngram.edit(model, model, [rows], 0.3, NgramSampling(), Stream((0, "edit")))
    got = np.bincount(edited[:, 1:].ravel(), minlength=4)
    start_counts = counts[0]
    z = (got - expected) / np.sqrt(start_counts * probability * (1 - probability))
    assert np.abs(z).max() < 4, z
    assert np.abs(counts - expected)[0] / np.sqrt(start_counts) > 6


def text(rows: NDArray[np.int32]):  # type: ignore[no-untyped-def]  # noqa: ANN201
    from heirloom.data.rows import text_table

    return text_table(rows, [""] * len(rows), first_row=0)


@pytest.mark.parametrize(
    ("parts", "weight", "ddof", "message"),
    [([(0, 1)], None, 0, "smallest training set has 1 rows"), ([(5, 5)], 1.0, 0, r"weight 1\.0"), ([(0, 5)], 0.5, 0, "real and synthetic")],
)
def test_impossible_chains_are_refused(parts: list[tuple[int, int]], weight: float | None, ddof: int, message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        theory_regimes.mixture(10, parts, weight=weight, ddof=ddof)
