"""Rows that depend on the rows before them are seen, rows that do not are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from heirloom.runtime.streams import Stream
from heirloom.stats import neighbours


def test_the_statistic_is_standard_normal_over_orders_of_the_rows() -> None:
    generator = Stream((0, "orders")).generator()
    rows = np.round(generator.standard_exponential((200, 3)) @ generator.standard_normal((3, 5)), 1)
    z = np.array([neighbours.serial_z(generator.permutation(rows))[[0, 6, 99]] for _ in range(400)])
    assert (np.abs(z.mean(axis=0)) < 4 / np.sqrt(400)).all()
    assert (np.abs(z.std(axis=0) - 1) < 4 / np.sqrt(800)).all()


def test_the_statistic_is_the_sum_over_pairs_of_rows() -> None:
    x = Stream((0, "pairs")).generator().permutation(100.0 * np.arange(70))
    scores = (x / 100 - 34.5) / np.arange(70).std()
    by_hand = [(scores[:-lag] @ scores[lag:] + (70 - lag) / 69) / np.sqrt(70 - lag) for lag in range(1, 36)]
    assert neighbours.serial_z(x[:, None]) == pytest.approx(by_hand)


@pytest.mark.parametrize(("correlation", "is_seen"), [(0.95, True), (0.3, True), (0.0, False)])
def test_autocorrelated_rows_are_seen(correlation: float, is_seen: bool) -> None:
    noise = Stream((0, "noise")).generator().standard_normal((2, 1000))
    series = lfilter([1], [1, -correlation], noise)
    assert (neighbours.dependence((series[0][:, None], series[1][:, None])) is not None) == is_seen


def test_rows_of_one_document_after_the_other_are_seen_by_their_words() -> None:
    generator = Stream((0, "words")).generator()
    topics = np.repeat(np.arange(20), 10)
    types = np.where(generator.random((200, 12)) < 0.4, 50 + topics[:, None], generator.integers(0, 50, (200, 12)))
    offsets = np.arange(201) * 12
    stream = Stream((0, "directions"))
    in_order = neighbours.word_vectors(types.ravel(), offsets, 70, stream)
    shuffled = neighbours.word_vectors(generator.permutation(types).ravel(), offsets, 70, stream)
    dependence = neighbours.dependence((in_order, shuffled))
    assert dependence is not None
    assert (dependence.strength > 10, dependence.max_lag) == (
        True,
        8,
    )  # of nine rows before it, the ninth is in the document of one row in ten
    assert neighbours.dependence((shuffled, shuffled)) is None


def test_few_or_constant_rows_tell_nothing() -> None:
    assert neighbours.serial_z(np.arange(63.0)[:, None]).tolist() == [0]
    assert set(neighbours.serial_z(np.ones((100, 2)))) == {0}


def test_blocks_are_equally_long_on_both_sides_with_what_is_near_the_next_left_out() -> None:
    a, b = neighbours.block_keys(100, 24, 1)
    assert a[:7].tolist() == [0, 0, -1, 1, 1, -1, 2]
    assert (len(set(a) - {-1}), a[99], len(set(b) - {-1}), len(set(a) & set(b) - {-1})) == (33, -1, 8, 0)
    assert set(np.bincount(neighbours.block_keys(100, 120, 0)[0] + 1)) == {4, 8}  # twelve of eight rows, four rows over
    assert [set(part) for part in neighbours.block_keys(70, 80, 60)] == [{0, -1}, {70, -1}]
