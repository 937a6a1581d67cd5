"""MAUVE where its value is known: equal sides, sides with nothing in common, and two cells by another way of integrating."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from heirloom.errors import HeirloomError
from heirloom.measures import frontier
from heirloom.runtime.streams import Stream

STREAM = Stream((0, "mauve"))


def cloud(center: float, rows: int = 40) -> np.ndarray:
    """Return rows around one direction of four dimensions."""
    noise = STREAM.child("cloud").generator().standard_normal((rows, 4)) / 20
    return np.asarray(noise + np.array([math.cos(center), math.sin(center), 0.0, 0.0]))


def test_equal_histograms_have_the_whole_area_whatever_their_size() -> None:
    assert frontier.frontier_area([3, 1, 0], [6, 2, 0]) == pytest.approx(1)


def test_histograms_with_nothing_in_common_have_the_least_area() -> None:
    """Then x = (1 - w)^c and y = w^c, and the area is c B(c, c + 1) = 1 / (2c over c)."""
    assert frontier.frontier_area([1, 0], [0, 1]) == pytest.approx(1 / math.comb(10, 5), rel=1e-4)


def test_the_area_is_the_integral_along_the_curve_and_its_ends_reach_the_axes() -> None:
    p, q = np.array([0.7, 0.3]), np.array([0.4, 0.6])

    def divergence(a: np.ndarray, w: float) -> float:
        return float(np.sum(a * np.log(a / (w * p + (1 - w) * q))))

    def step(w: float) -> float:
        slope = 5 * np.sum(q * (p - q) / (w * p + (1 - w) * q))  # of ln x by w
        return math.exp(-5 * divergence(p, w)) * math.exp(-5 * divergence(q, w)) * -slope

    expected = quad(step, 0, 1)[0] + math.exp(-5 * divergence(q, 1))  # left of the curve y is 1, right of it is nothing
    assert frontier.frontier_area([7, 3], [4, 6]) == pytest.approx(expected, rel=1e-4)
    assert frontier.frontier_area([4, 6], [7, 3]) == pytest.approx(expected, rel=1e-4)


def test_texts_alike_have_mauve_near_one_and_texts_apart_the_least() -> None:
    assert frontier.mauve(cloud(0.0), cloud(0.0), STREAM) == pytest.approx(1)
    assert frontier.mauve(cloud(0.0), cloud(1.5), STREAM) == pytest.approx(1 / math.comb(10, 5), rel=1e-3)
    half = np.concatenate([cloud(0.0, 20), cloud(1.5, 20)])
    assert 1 / math.comb(10, 5) < frontier.mauve(cloud(0.0), half, STREAM) < 0.9


def test_the_length_of_features_does_not_matter_and_equal_streams_give_equal_numbers() -> None:
    real, written = cloud(0.0), np.concatenate([cloud(0.3, 20), cloud(1.0, 20)])
    assert frontier.mauve(real, 100 * written, STREAM) == pytest.approx(frontier.mauve(real, written, STREAM))
    assert frontier.mauve(real, written, STREAM) == frontier.mauve(real, written, STREAM)


def test_rows_that_are_all_copies_have_fewer_cells_and_no_warning() -> None:
    assert frontier.mauve(cloud(0.0), np.tile(cloud(1.5)[:1], (40, 1)), STREAM) == pytest.approx(1 / math.comb(10, 5), rel=1e-3)


@pytest.mark.parametrize(
    ("real", "written", "message"),
    [
        (cloud(0.0, 19), cloud(0.0, 19), "at least 20, got features of"),
        (cloud(0.0, 40), cloud(0.0, 30), "as many rows on both sides"),
        (cloud(0.0), cloud(0.0) * np.nan, "MAUVE needs finite features"),
    ],
)
def test_features_that_cannot_be_compared_are_refused(real: np.ndarray, written: np.ndarray, message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        frontier.mauve(real, written, STREAM)


def test_an_empty_histogram_is_refused() -> None:
    with pytest.raises(HeirloomError, match="at least one row on each side"):
        frontier.frontier_area([0, 0], [1, 2])
