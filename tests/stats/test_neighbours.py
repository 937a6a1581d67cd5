"""Rows that depend on the rows before them are seen, rows that do not are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from heirloom.stats import neighbours
from heirloom.streams import Stream


def test_the_statistic_is_standard_normal_over_orders_of_the_rows() -> None:
    generator = Stream((0, "orders")).generator()
    rows = np.round(generator.standard_exponential((200, 3)) @ generator.standard_normal((3, 5)), 1)
    z = np.array([neighbours.serial_z(generator.permutation(rows)) for _ in range(400)])
    assert abs(z.mean()) < 4 / np.sqrt(400)
    assert abs(z.std() - 1) < 4 / np.sqrt(800)


@pytest.mark.parametrize(("correlation", "is_seen"), [(0.95, True), (0.3, True), (0.0, False)])
def test_autocorrelated_rows_are_seen(correlation: float, is_seen: bool) -> None:
    noise = Stream((0, "noise")).generator().standard_normal((2, 1000))
    series = lfilter([1], [1, -correlation], noise)
    assert (neighbours.depend((series[0][:, None], series[1][:, None])) is not None) == is_seen


def test_rows_of_one_document_after_the_other_are_seen_by_their_words() -> None:
    generator = Stream((0, "words")).generator()
    topics = np.repeat(np.arange(20), 10)
    types = np.where(generator.random((200, 12)) < 0.2, 50 + topics[:, None], generator.integers(0, 50, (200, 12)))
    offsets = np.arange(201) * 12
    stream = Stream((0, "directions"))
    in_order = neighbours.of_words(types.ravel(), offsets, 70, stream)
    shuffled = neighbours.of_words(generator.permutation(types).ravel(), offsets, 70, stream)
    assert neighbours.serial_z(in_order) > 10
    assert abs(neighbours.serial_z(shuffled)) < 3.3


def test_few_or_constant_rows_tell_nothing() -> None:
    assert neighbours.serial_z(np.arange(63.0)[:, None]) == 0
    assert neighbours.serial_z(np.ones((100, 2))) == 0


def test_blocks_are_as_long_as_they_can_be_and_of_one_side() -> None:
    a, b = neighbours.block_keys(100, 24)
    assert (len(set(a)), len(set(b)), len(set(a) & set(b))) == (12, 12, 0)
    assert set(np.bincount(a)) == {8, 9}
