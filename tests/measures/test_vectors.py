"""Vector measures on tiny arrays with known answers, one value for each replica."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import gammaincinv

from heirloom.errors import HeirloomError
from heirloom.measures import vectors
from heirloom.runtime.streams import Stream

MEANS = np.array([[0.0, 0.0], [3.0, 4.0]])
COVARIANCES = np.array([[[2.0, 0.5], [0.5, 1.0]], [[4.0, 0.0], [0.0, 9.0]]])
ORIGIN, IDENTITY = np.zeros(2), np.eye(2)


def test_trace_and_log_determinant_have_one_value_for_each_replica() -> None:
    assert vectors.covariance_trace(COVARIANCES).tolist() == [3.0, 13.0]
    assert vectors.log_determinant(COVARIANCES) == pytest.approx([math.log(1.75), math.log(36)])
    assert vectors.log_determinant(np.array([[[0.25]]])) == pytest.approx([math.log(0.25)])


@pytest.mark.parametrize(
    "degenerate",
    [[[1.0, 1.0], [1.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]], [[math.nan, 0.0], [0.0, 1.0]]],
)
def test_a_degenerate_covariance_is_refused_with_its_replica_and_the_fix(degenerate: list[list[float]]) -> None:
    with pytest.raises(HeirloomError, match=r"1 of 2 replicas .* replica 1, .*more rows than dimensions"):
        vectors.log_determinant(np.array([IDENTITY, degenerate]))


def test_mean_squared_distance_sums_over_dimensions() -> None:
    assert vectors.mean_squared_distance(MEANS, ORIGIN).tolist() == [0.0, 25.0]
    assert vectors.mean_squared_distance(MEANS, np.array([3.0, 0.0])).tolist() == [9.0, 16.0]


def test_wasserstein_distance_in_one_dimension_is_shift_and_difference_of_deviations() -> None:
    mean, covariance = np.array([[1.0], [0.0]]), np.array([[[4.0]], [[0.0]]])
    distances = vectors.wasserstein2_squared_gaussians(mean, covariance, np.array([3.0]), np.array([[9.0]]))
    assert distances.tolist() == [5.0, 18.0]


def test_wasserstein_distance_of_commuting_covariances_is_that_of_their_deviations() -> None:
    distances = vectors.wasserstein2_squared_gaussians(MEANS, COVARIANCES, ORIGIN, np.diag([1.0, 4.0]))
    assert distances[1] == pytest.approx(25 + (2 - 1) ** 2 + (3 - 2) ** 2)


def test_wasserstein_distance_of_rotated_covariances_has_the_two_by_two_closed_form() -> None:
    # For 2 x 2 matrices tr (A B)^½ = sqrt(tr AB + 2 sqrt(det A det B)).
    truth = np.array([[1.0, -0.3], [-0.3, 0.5]])
    cross = math.sqrt(np.trace(COVARIANCES[0] @ truth) + 2 * math.sqrt(1.75 * np.linalg.det(truth)))
    distances = vectors.wasserstein2_squared_gaussians(MEANS, COVARIANCES, ORIGIN, truth)
    assert distances[0] == pytest.approx(3.0 + 1.5 - 2 * cross)


def test_wasserstein_distance_to_itself_is_zero_and_never_negative() -> None:
    roots_RDD = Stream((0, "roots")).generator().standard_normal((100, 3, 3))
    for covariance_DD in roots_RDD @ np.swapaxes(roots_RDD, 1, 2):
        origin = np.zeros((1, 3))
        distance = vectors.wasserstein2_squared_gaussians(origin, covariance_DD[None], origin[0], covariance_DD)
        assert 0 <= distance[0] < 1e-10


def test_wasserstein_distance_of_a_collapsed_gaussian_is_what_is_left_of_the_truth() -> None:
    distance = vectors.wasserstein2_squared_gaussians(MEANS[:1], np.zeros((1, 2, 2)), ORIGIN, COVARIANCES[0])
    assert distance[0] == pytest.approx(3.0)


@pytest.mark.parametrize(("level", "bound"), [(0.95, 1.959964), (0.975, 2.241403), (0.99, 2.575829)])
def test_tail_mass_in_one_dimension_counts_rows_beyond_the_two_sided_bound(level: float, bound: float) -> None:
    x_RND = np.array([[bound - 1e-4, bound + 1e-4, -bound - 1e-4, 0.0], [0.0, 0.0, 0.0, 0.0]])[:, :, None]
    assert vectors.tail_mass(5 + 2 * x_RND, np.array([5.0]), np.array([[4.0]]), level).tolist() == [0.5, 0.0]


def test_tail_mass_in_two_dimensions_follows_the_ellipse_of_the_truth() -> None:
    # In two dimensions the chi² quantile is -2 ln(1 - level).
    radius = math.sqrt(-2 * math.log(0.05))
    root = np.linalg.cholesky(COVARIANCES[0])
    directions = np.array([[1.0, 0.0], [0.0, 1.0], [-0.6, 0.8]])
    inner, outer = 0.999 * radius * directions @ root.T, 1.001 * radius * directions @ root.T
    assert vectors.tail_mass(np.array([inner, outer]), ORIGIN, COVARIANCES[0], 0.95).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("level", vectors.TAIL_LEVELS)
def test_tail_mass_of_rows_of_the_truth_is_one_minus_the_level(level: float) -> None:
    x_RND = Stream((0, "tail mass")).generator().standard_normal((200, 500, 3))
    mass_R = vectors.tail_mass(x_RND, np.zeros(3), np.eye(3), level)
    assert abs(mass_R.mean() - (1 - level)) < 4 * mass_R.std(ddof=1) / math.sqrt(200)


@pytest.mark.parametrize(
    ("num_rows", "truth", "level", "message"),
    [
        (4, IDENTITY, 1.0, "level must lie in"),
        (0, IDENTITY, 0.95, "at least one row"),
        (4, np.zeros((2, 2)), 0.95, "positive definite"),
    ],
)
def test_tail_mass_refuses_what_has_no_tail(num_rows: int, truth: vectors.Floats, level: float, message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        vectors.tail_mass(np.zeros((3, num_rows, 2)), ORIGIN, truth, level)


def test_squared_radii_that_are_written_down_are_those_of_scipy_to_the_last_bit() -> None:
    for (dim, level), radius in vectors._SQUARED_RADII.items():
        assert radius == float(2 * gammaincinv(dim / 2, level)) == vectors.squared_radius(dim, level)
    assert vectors.squared_radius(3, 0.95) == float(2 * gammaincinv(1.5, 0.95))
