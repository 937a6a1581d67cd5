"""Measures of images on pictures of two pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heirloom.measures import images

FOUR = np.array([[0, 0], [255, 0], [0, 255], [255, 255]], np.uint8)


def test_pixel_variance_is_in_units_of_white_and_a_mean_over_pixels() -> None:
    assert images.pixel_variance(FOUR) == 0.25
    assert images.pixel_variance(FOUR[:2]) == 0.125


def test_the_nearest_reference_gives_distance_and_label() -> None:
    pixels = np.array([[3, 4], [250, 0]], np.uint8)
    assert images.nearest_distance(pixels, FOUR) == pytest.approx((5 + 5) / 2 / 255, rel=1e-15)
    assert images.nearest_labels(pixels, FOUR, np.array([7, 5, 1, 2])).tolist() == [7, 5]


def test_a_copy_is_at_distance_0_exactly_and_chunks_do_not_show() -> None:
    many = np.tile(FOUR, (150, 1))
    assert images.nearest_distance(many, FOUR) == 0.0
    assert images.nearest_labels(many, FOUR, np.arange(4)).tolist() == [0, 1, 2, 3] * 150


def test_shares_and_entropy_of_classes() -> None:
    shares = images.class_shares(np.array([0, 0, 2, 2]), 4)
    assert shares == [0.5, 0.0, 0.5, 0.0]
    assert images.entropy(shares) == pytest.approx(math.log(2))
    assert math.copysign(1, images.entropy([1.0])) == 1.0
