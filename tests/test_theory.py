"""Closed forms against known values and against chains that draw every row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from heirloom import theory
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream

Floats = NDArray[np.float64]
Fits = list[tuple[Floats, Floats]]

NUM_CHAINS = 20_000
N, T, KEPT = 10, 5, 3


class Chains(NamedTuple):
    rng: np.random.Generator
    pool: Floats
    sets: list[Floats]  # originals first, then what each model has written


def subset(rng: np.random.Generator, rows_RP: Floats, size: int) -> Floats:
    order_RP = np.argsort(rng.random(rows_RP.shape), axis=1)[:, :size]
    return np.take_along_axis(rows_RP, order_RP, axis=1)


def mixed(rng: np.random.Generator, true_RM: Floats, latest_RN: Floats) -> Floats:
    return np.concatenate([true_RM, latest_RN[:, : N - true_RM.shape[1]]], axis=1)


DRAWS: dict[str, Callable[[Chains], Floats]] = {
    "replace": lambda c: c.sets[-1],
    "control": lambda c: subset(c.rng, c.pool, N),
    "fresh": lambda c: mixed(c.rng, c.rng.standard_normal((NUM_CHAINS, KEPT)), c.sets[-1]),
    "keep": lambda c: mixed(c.rng, subset(c.rng, c.sets[0], KEPT), c.sets[-1]),
    "keep_large_pool": lambda c: mixed(c.rng, subset(c.rng, c.pool, KEPT), c.sets[-1]),
    "keep_fixed": lambda c: mixed(c.rng, c.sets[0][:, :KEPT], c.sets[-1]),
    "accumulate": lambda c: np.concatenate(c.sets, axis=1),
    "accumulate_fixed": lambda c: subset(c.rng, np.concatenate(c.sets, axis=1), N),
}

THEORY: dict[str, Callable[[int], theory.Moments]] = {
    "replace": lambda ddof: theory.replace(N, T + 1, ddof),
    "control": lambda ddof: theory.control(N, T + 1, ddof),
    "fresh": lambda ddof: theory.fresh(N, T + 1, KEPT, ddof),
    "keep": lambda ddof: theory.keep(N, T + 1, KEPT, ddof=ddof),
    "keep_large_pool": lambda ddof: theory.keep(N, T + 1, KEPT, 2 * N, ddof),
    "keep_fixed": lambda ddof: theory.keep_fixed(N, T + 1, KEPT, ddof),
    "accumulate": lambda ddof: theory.accumulate(N, T + 1, ddof),
    "accumulate_fixed": lambda ddof: theory.accumulate_fixed(N, T + 1, ddof),
}


def simulate(regime: str, ddof: int) -> Fits:
    """Return fitted mean and variance of every chain, one pair a fit, from rows that are really drawn."""
    rng = Stream((0, regime, ddof, "theory")).generator()
    pool_RP = rng.standard_normal((NUM_CHAINS, 2 * N))
    sets = [pool_RP[:, :N]]
    fits: Fits = []
    train = sets[0]
    for fit in range(T):
        if fit:
            mean_R, variance_R = fits[-1]
            sets.append(mean_R[:, None] + np.sqrt(variance_R)[:, None] * rng.standard_normal((NUM_CHAINS, N)))
            train = DRAWS[regime](Chains(rng, pool_RP, sets))
        fits.append((train.mean(axis=1), train.var(axis=1, ddof=ddof)))
    return fits


def z_score(values_R: Floats, expected: float) -> float:
    return float((values_R.mean() - expected) / (values_R.std(ddof=1) / math.sqrt(values_R.size)))


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("regime", DRAWS)
def test_moments_agree_with_twenty_thousand_chains(regime: str, ddof: int) -> None:
    expected = THEORY[regime](ddof)
    for fit, (mean_R, variance_R) in enumerate(simulate(regime, ddof)):
        assert abs(z_score(variance_R, expected.variance[fit])) < 4
        assert abs(z_score(mean_R**2, expected.mean_square[fit])) < 4


@pytest.mark.parametrize(
    ("regime", "ddof", "fit", "neighbour"),
    [
        ("replace", 0, 4, 3),
        ("replace", 0, 4, 5),
        ("replace", 1, 4, 3),
        ("replace", 1, 4, 5),
        ("fresh", 0, 1, 0),
        ("fresh", 0, 1, 2),
        ("keep", 0, 1, 0),
        ("keep", 0, 1, 2),
        ("keep_large_pool", 0, 1, 0),
        ("keep_large_pool", 0, 1, 2),
        ("keep_fixed", 0, 1, 0),
        ("keep_fixed", 0, 1, 2),
        ("accumulate", 0, 1, 0),
        ("accumulate_fixed", 0, 1, 0),
        ("accumulate_fixed", 0, 1, 2),
    ],
)
def test_the_neighbouring_fit_is_rejected(regime: str, ddof: int, fit: int, neighbour: int) -> None:
    mean_R, variance_R = simulate(regime, ddof)[fit]
    wrong = THEORY[regime](ddof)
    z_variance = z_score(variance_R, wrong.variance[neighbour])
    z_mean = z_score(mean_R**2, wrong.mean_square[neighbour])
    assert max(abs(z_variance), abs(z_mean)) > 6


@pytest.mark.parametrize(("regime", "ddof"), [("replace", 0), ("replace", 1)])
def test_log_variance_deviation_and_risk_agree_with_chains_and_reject_the_neighbour(regime: str, ddof: int) -> None:
    mean_R, variance_R = simulate(regime, ddof)[T - 1]
    samples_and_curves = [
        (np.log(variance_R), theory.replace_log_determinant(N, T + 1, ddof=ddof)),
        (np.sqrt(variance_R), theory.replace_deviation(N, T + 1, ddof)),
        (mean_R**2 + (np.sqrt(variance_R) - 1) ** 2, theory.replace_wasserstein2_squared(N, T + 1, ddof)),
    ]
    for values_R, curve in samples_and_curves:
        assert abs(z_score(values_R, curve[T - 1])) < 4
        assert abs(z_score(values_R, curve[T - 2])) > 6
        assert abs(z_score(values_R, curve[T])) > 6


def test_log_determinant_in_three_dimensions_agrees_with_chains() -> None:
    rng = Stream((0, "replace", "log determinant")).generator()
    root_RDD = np.broadcast_to(np.eye(3), (NUM_CHAINS, 3, 3))
    for fit in range(2):
        x_RND = rng.standard_normal((NUM_CHAINS, N, 3)) @ np.swapaxes(root_RDD, 1, 2)
        x_RND = x_RND - x_RND.mean(axis=1, keepdims=True)
        covariance_RDD = np.swapaxes(x_RND, 1, 2) @ x_RND / (N - 1)
        root_RDD = np.linalg.cholesky(covariance_RDD)
        values_R = np.linalg.slogdet(covariance_RDD)[1]
        curve = theory.replace_log_determinant(N, 3, 3, ddof=1)
        assert abs(z_score(values_R, curve[fit])) < 4
        assert abs(z_score(values_R, curve[fit + 1])) > 6


def test_replace_has_the_published_values() -> None:
    moments = theory.replace(100, 100)
    assert moments.variance[99] == pytest.approx(0.3660, abs=5e-5)
    assert moments.mean_square[99] == pytest.approx(0.6340, abs=5e-5)
    at_thousand = [theory.replace(n, 1000).variance[999] for n in (100, 500, 1000, 10000)]
    assert at_thousand == pytest.approx([4.3e-5, 0.135, 0.368, 0.905], rel=5e-3)


def test_unbiased_replace_keeps_the_mean_variance_and_loses_the_typical_one() -> None:
    assert theory.replace(100, 100, ddof=1).variance[99] == 1
    assert theory.replace(100, 100, ddof=1).mean_square[99] == pytest.approx(1)
    assert theory.replace_log_determinant(100, 100, ddof=1)[99] == pytest.approx(-1.0135, abs=5e-5)
    assert theory.replace_deviation(100, 100, ddof=1)[99] == pytest.approx(0.7768, abs=5e-5)


def test_unbiased_risk_has_the_published_values() -> None:
    risk = theory.replace_wasserstein2_squared(100, 300, ddof=1)
    assert risk[9] == pytest.approx(0.1499, abs=5e-5)
    assert risk[299] == pytest.approx(4.06, abs=5e-3)


@pytest.mark.parametrize(("num_rows", "expected"), [(10, 0.8439), (100, 0.9837)])
def test_accumulate_is_a_product_that_tends_to_a_sine(num_rows: int, expected: float) -> None:
    moments = theory.accumulate(num_rows, 200)
    product = np.prod([1 - 1 / (num_rows * j**2) for j in range(1, 201)])
    assert moments.variance[199] == pytest.approx(product)
    assert moments.variance[199] == pytest.approx(expected, abs=5e-5)
    assert moments.mean_square[199] == pytest.approx(1 - product)
    assert theory.accumulate(num_rows, 20_000).variance[-1] == pytest.approx(theory.accumulate_limit(num_rows), rel=1e-4)


@pytest.mark.parametrize("regime", DRAWS)
def test_what_the_variance_loses_the_mean_gains_under_maximum_likelihood(regime: str) -> None:
    moments = THEORY[regime](0)
    assert moments.variance + moments.mean_square == pytest.approx(np.ones(T + 1))


def test_a_fixed_draw_of_two_from_two_originals_and_two_samples_is_as_counted_by_hand() -> None:
    # Both rows real: E ab = 0; both synthetic, or one of each: 1/2, the variance of the origin's mean.
    expected_product = (1 * 0 + 1 * 0.5 + 4 * 0.5) / 6
    assert theory.accumulate_fixed(2, 2).mean_square == pytest.approx([0.5, (2 + 2 * expected_product) / 4])


def test_control_is_one_fit_at_every_generation() -> None:
    assert theory.control(10, 4).variance == pytest.approx([0.9] * 4)
    assert theory.control(10, 4, ddof=1).variance == pytest.approx([1.0] * 4)
    assert theory.control(10, 4).mean_square == pytest.approx([0.1] * 4)


@pytest.mark.parametrize("mix", [theory.fresh, theory.keep, theory.keep_fixed])
def test_no_true_rows_is_replace_and_only_true_rows_is_control(mix: Callable[[int, int, int], theory.Moments]) -> None:
    assert mix(10, 6, 0).variance == pytest.approx(theory.replace(10, 6).variance)
    assert mix(10, 6, 10).variance == pytest.approx(theory.control(10, 6).variance)


def test_keeping_rows_of_an_endless_original_set_is_the_same_as_fresh_rows() -> None:
    assert theory.keep(10, 6, 3, 10**12).variance == pytest.approx(theory.fresh(10, 6, 3).variance)


def test_words_seen_once_survive_as_in_the_table_of_neutral_drift() -> None:
    survival = theory.drift_survival([1, 2], 10)
    table = [0.632, 0.469, 0.374, 0.312, 0.268, 0.235, 0.210, 0.189, 0.172, 0.158]
    assert survival[:, 0] == pytest.approx(table, abs=5e-4)
    assert 1 - survival[:, 1] == pytest.approx((1 - survival[:, 0]) ** 2)
    assert theory.drift_survival([4], 3, ratio=0.5) == pytest.approx(theory.drift_survival([2], 3))


def test_survivors_of_a_drawn_chain_agree_with_neutral_drift_and_reject_the_neighbour() -> None:
    rng = Stream((0, "replace", "drift")).generator()
    num_types, num_replicas, k = 2_000, 200, 5
    counts_RV = np.ones((num_replicas, num_types), dtype=np.int64)
    for _ in range(k):
        counts_RV = rng.multinomial(num_types, counts_RV / num_types)
    shares_R = (counts_RV > 0).mean(axis=1)
    survival = theory.drift_survival([1], k + 1)[:, 0]
    assert abs(z_score(shares_R, survival[k - 1])) < 4
    assert abs(z_score(shares_R, survival[k - 2])) > 6
    assert abs(z_score(shares_R, survival[k])) > 6


@pytest.mark.parametrize(
    "call",
    [
        lambda: theory.replace(1, 5),
        lambda: theory.replace(10, 0),
        lambda: theory.accumulate(10, 5, ddof=2),
        lambda: theory.fresh(10, 5, 11),
        lambda: theory.keep(10, 5, -1),
        lambda: theory.keep_fixed(10, -1, 3),
        lambda: theory.accumulate_fixed(10, 0),
        lambda: theory.accumulate_limit(1),
        lambda: theory.keep(10, 5, 3, num_originals=9),
        lambda: theory.replace_log_determinant(10, 5, num_dimensions=10),
    ],
)
def test_impossible_sizes_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(HeirloomError, match="theory: "):
        call()
