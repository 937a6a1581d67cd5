"""Differences of vectors in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.stats.vectors import energy_distance, mode_occupancy, vector_differences

STREAM = Stream((0, "vectors"))


def test_a_shift_is_the_shift_in_every_distance() -> None:
    a = np.arange(101.0)[:, None]
    differences = vector_differences(a, a + 3, STREAM)
    assert differences.mean.tolist() == [3]
    assert differences.wasserstein == pytest.approx([3])
    assert differences.sliced_wasserstein == pytest.approx(3)
    assert differences.kolmogorov_smirnov == pytest.approx([3 / 101])
    assert differences.total_variance_ratio == pytest.approx(1)
    assert differences.log_generalised_variance == pytest.approx(0)
    assert differences.energy_rows == (101, 101)
    assert differences.tails_a[0.05] == pytest.approx((5 / 101, 5 / 101))  # the bounds are 5 and 95 and belong to neither tail
    assert differences.tails_b[0.05] == pytest.approx((2 / 101, 8 / 101))


def test_a_scaled_copy_has_the_scale_in_its_covariance() -> None:
    a = STREAM.generator().standard_normal((50, 3))
    differences = vector_differences(a, a * 0.5, STREAM)
    assert differences.total_variance_ratio == pytest.approx(0.25)
    assert differences.log_generalised_variance == pytest.approx(3 * math.log(0.25))


def test_the_sliced_distance_of_a_shift_is_the_mean_length_of_its_shadow() -> None:
    # In three dimensions the shadow of a unit shift on a random direction is uniform on [0, 1].
    a = STREAM.generator().standard_normal((40, 3))
    differences = vector_differences(a, a + np.array([0, 0, 1.0]), STREAM)
    assert abs(differences.sliced_wasserstein - 0.5) / math.sqrt(1 / 12 / 64) < 4


def test_energy_distance_of_two_points_is_twice_their_distance() -> None:
    assert energy_distance(np.array([[0.0, 0]]), np.array([[3.0, 4]])) == 10
    assert energy_distance(np.array([[0.0], [2]]), np.array([[0.0], [2]])) == 0


def test_energy_distance_looks_at_a_thousand_rows() -> None:
    a = STREAM.generator().standard_normal((1500, 1))
    assert vector_differences(a, a[:7], STREAM).energy_rows == (1000, 7)


def test_a_degenerate_covariance_has_no_determinant() -> None:
    a = np.array([[0.0, 0], [1, 1], [2, 2]])
    differences = vector_differences(a, a, STREAM)
    assert (differences.log_generalised_variance, differences.total_variance_ratio) == (None, 1)
    assert vector_differences(np.ones((3, 1)), a[:, :1], STREAM).total_variance_ratio is None


def test_modes_are_counted_where_they_lie_in_a() -> None:
    a = np.array([[0.0], [0.1], [0.2], [50], [50.1], [100]])
    shares_a, shares_b = mode_occupancy(a, np.array([[0.0], [49], [51], [48]]), 3, STREAM)
    assert shares_a == pytest.approx([3 / 6, 2 / 6, 1 / 6])
    assert shares_b.tolist() == [0.25, 0.75, 0]


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.ones((2, 2)), np.ones((2, 3)), "equal dimensions"),
        (np.ones((1, 2)), np.ones((2, 2)), "two rows"),
        (np.ones((2, 2)), np.array([[1, np.nan], [1, 1]]), "second sample has 1 others"),
        (np.ones((0, 2)), np.ones((2, 2)), r"shapes \(0, 2\)"),
    ],
)
def test_vectors_that_cannot_be_compared_are_refused(a: np.ndarray, b: np.ndarray, message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        vector_differences(a, b, STREAM)


def test_more_modes_than_different_rows_are_refused() -> None:
    with pytest.raises(HeirloomError, match="between 1 and the 1 different rows"):
        mode_occupancy(np.ones((5, 1)), np.ones((5, 1)), 2, STREAM)
