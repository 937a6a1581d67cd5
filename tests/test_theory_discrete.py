"""Exact chains of counts and linear regression against published values, hand counts and each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest

from heirloom import theory
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream


def test_two_rows_of_two_types_are_as_counted_by_hand() -> None:
    # Fit 1: both alike with 1/2; the mixed half is mixed again with 1/2.
    assert theory.discrete.spectrum([0.5, 0.5], 2, 3) == pytest.approx(np.array([[0.5, 1.0, 0.5], [0.75, 0.5, 0.75], [0.875, 0.25, 0.875]]))


def test_weights_give_the_true_mass_of_the_lost_types() -> None:
    lost = theory.discrete.spectrum([0.9, 0.1], 3, 1, weights=[0.9, 0.1])[0, 0]
    assert lost == pytest.approx(0.9 * 0.1**3 + 0.1 * 0.9**3)
    assert 1 - np.array([0.9, 0.1]) @ theory.discrete.present([0.9, 0.1], 3) == pytest.approx(lost)


def test_survivors_fixation_and_survival_have_the_published_values() -> None:
    thousand = theory.discrete.spectrum(np.full(1000, 1e-3), 1000, 100)[-1]
    assert 1000 - thousand[0] == pytest.approx(19.69, abs=0.005)
    assert 1 - theory.discrete.spectrum([0.2], 100, 100)[-1, 0] == pytest.approx(0.3950, abs=5e-5)
    assert theory.discrete.fixation_time(0.5, 50) == pytest.approx(67.52, abs=0.005)
    assert theory.discrete.fixation_time(0.5, 1000) == pytest.approx(2 * 1000 * np.log(2), rel=3e-3)


def test_the_chain_agrees_with_the_moments_of_replacing() -> None:
    n, fits, p = 12, 6, np.array([0.5, 0.3, 0.2])
    shares = np.arange(n + 1) / n
    by_chain = theory.discrete.spectrum(p, n, fits) @ (shares * (1 - shares))
    assert by_chain == pytest.approx((1 - (p**2).sum()) * theory.replace(n, fits).variance)
    assert theory.discrete.spectrum(p, n, 500)[-1, -1] == pytest.approx(1)
    assert theory.discrete.spectrum([0.3], n, 500)[-1, -1] == pytest.approx(0.3)  # fixed at one with the first probability


def test_neutral_drift_is_the_limit_of_the_exact_survival() -> None:
    exact, limit = theory.discrete.survival(1, 1000, 10), theory.drift_survival([1], 10)[:, 0]
    assert exact == pytest.approx(limit, abs=1e-3)
    assert exact[0] == pytest.approx(1 - (1 - 1 / 1000) ** 1000)


def test_a_poisson_chain_dies_out_as_its_branching_process_says() -> None:
    rng = Stream((0, "poisson", "extinction")).generator()
    total = np.full(40_000, 3.0)
    expected = theory.discrete.poisson_extinction(0.3, 10, 6)
    assert expected[0] == pytest.approx(np.exp(-3))
    for fit in range(5):
        total = rng.poisson(total).astype(np.float64)
        dead, spread = (total == 0).mean(), np.sqrt(expected[fit] * (1 - expected[fit]) / 40_000)
        assert abs((dead - expected[fit]) / spread) < 4
        assert abs((dead - expected[fit + 1]) / spread) > 6


def test_a_law_whose_variance_is_not_estimated_keeps_it() -> None:
    assert theory.replace(7, 4, None).variance.tolist() == [1] * 4
    assert theory.replace(7, 4, None).mean_square == pytest.approx(np.arange(1, 5) / 7)
    harmonic = np.cumsum(1 / np.arange(1.0, 51) ** 2)
    assert theory.accumulate(2000, 50, None).mean_square * 2000 == pytest.approx(harmonic)
    assert harmonic[-1] == pytest.approx(1.625, abs=5e-4)


def test_regression_has_the_published_values_and_its_bound() -> None:
    assert theory.regression.replace(100, 10, 10)[-1] == pytest.approx(1.1236, abs=5e-5)
    accumulated = theory.regression.accumulate(100, 10, 10_000)
    assert accumulated[9] == pytest.approx(0.1741, abs=5e-5)
    bound = theory.regression.one_fit(100, 10) * np.pi**2 / 6
    assert bound == pytest.approx(0.1848, abs=5e-5)
    assert accumulated[-1] < bound < accumulated[-1] * 1.0001
    assert theory.regression.control(100, 10, 3, noise=2.0) == pytest.approx([4 * 10 / 89] * 3)


@pytest.mark.parametrize("num_rows", [500, 4000])
def test_a_tenth_of_rows_from_a_wrong_model_leaves_an_error_that_rows_do_not_remove(num_rows: int) -> None:
    rng = Stream((0, "strong collapse")).generator()
    wrong = np.array([1.0, 0.0, 0.0])
    errors = []
    for _ in range(300):
        x_ND = rng.standard_normal((num_rows, 3))
        labels_N = rng.standard_normal(num_rows)
        labels_N[: num_rows // 10] += x_ND[: num_rows // 10] @ wrong
        errors.append((np.linalg.solve(x_ND.T @ x_ND, x_ND.T @ labels_N) ** 2).sum())
    error = np.std(errors) / np.sqrt(300)
    assert abs((np.mean(errors) - theory.regression.strong_collapse(0.1, 1.0, num_rows, 3)) / error) < 4
    assert abs((np.mean(errors) - theory.regression.strong_collapse(0.0, 1.0, num_rows, 3)) / error) > 6
    assert theory.regression.strong_collapse(0.1, 1.0, 10**9, 3) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.discrete.spectrum([0.5], 1001, 2), "needs 2 to 1000 rows, got 1001"),
        (lambda: theory.discrete.fixation_time(0.5, 1), "needs 2 to 1000 rows, got 1"),
        (lambda: theory.regression.one_fit(11, 10), "needs more than 11 rows, got 11"),
    ],
)
def test_impossible_sizes_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        call()


ROWS: tuple[Literal["fixed", "redrawn", "fresh"], ...] = ("fixed", "redrawn", "fresh")


def test_one_real_row_ends_absorption_and_the_same_row_for_ever_changes_nothing() -> None:
    boundary = {}
    for row in ROWS:
        at_zero, at_one = theory.discrete.boundaries_with_one_real_row(0.3, 100, 502, row)
        boundary[row] = at_zero + at_one
    spectrum = theory.discrete.spectrum([0.3], 100, 502)
    replaced = spectrum[:, 0] + spectrum[:, -1]
    np.testing.assert_allclose(replaced[499:502], [0.991875, 0.991956, 0.992037], atol=1e-6)
    np.testing.assert_allclose(boundary["fixed"], replaced, atol=1e-12)
    assert [boundary[row][500] for row in ("redrawn", "fresh")] == [pytest.approx(0.065210, abs=1e-6), pytest.approx(0.058742, abs=1e-6)]


def test_the_same_real_row_picks_the_winner() -> None:
    chains, n, generations = 4000, 6, 60
    rng = Stream((0, "one row")).generator()
    originals = rng.random((chains, n)) < 0.3
    kept, ones = originals[:, 0].astype(int), originals.sum(axis=1)
    for _ in range(generations):
        ones = kept + rng.binomial(n - 1, ones / n)
    assert ((ones == n * kept).mean(), (kept == 1).mean()) == (pytest.approx(1.0, abs=2e-3), pytest.approx(0.3, abs=0.03))
    at_zero, at_one = theory.discrete.boundaries_with_one_real_row(0.3, n, generations + 1, "fixed")
    assert abs((ones == n).mean() - at_one[-1]) < 4 * (0.3 * 0.7 / chains) ** 0.5
    assert at_zero[-1] == pytest.approx(0.7, abs=1e-3)
