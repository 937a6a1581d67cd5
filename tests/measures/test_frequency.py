"""Zipf's law and losses by frequency, where the value is known."""

from __future__ import annotations

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.measures import frequency
from heirloom.measures.sums import GroupedSums


def test_the_slope_of_a_power_law_is_its_exponent_whatever_the_order_of_the_counts() -> None:
    assert frequency.zipf_slope([60, 20, 30]) == pytest.approx(np.polyfit(np.log([1, 2, 3]), np.log([60, 30, 20]), 1)[0])
    assert frequency.zipf_slope(np.array([7, 7, 7])) == 0
    assert frequency.zipf_slope([1000, 1, 250]) == pytest.approx(np.polyfit(np.log([1, 2, 3]), np.log([1000, 250, 1]), 1)[0])
    square = [10**12 // rank**2 for rank in range(1, 900)]
    assert frequency.zipf_slope(square[::-1]) == pytest.approx(-2, abs=1e-6)


def test_only_the_most_frequent_types_are_on_the_slope() -> None:
    law = [10**9 // rank for rank in range(1, frequency.ZIPF_RANKS + 1)]
    assert frequency.zipf_slope([*law, *[1] * 5000, 0]) == pytest.approx(-1, abs=1e-5)


def test_a_slope_needs_two_types() -> None:
    with pytest.raises(HeirloomError, match="needs at least two types, got 1"):
        frequency.zipf_slope([5, 0])


def loss_by_frequency(nats: np.ndarray, targets: np.ndarray, counts: np.ndarray) -> dict[str, float]:
    band_of = frequency.bands(counts)
    sums = GroupedSums(np.bincount(band_of[targets.reshape(-1)], minlength=len(frequency.BANDS)))
    for row_nats, row_targets in zip(nats, targets, strict=True):
        sums.add(band_of[row_targets], row_nats)
    return frequency.loss_by_frequency(sums)


def test_losses_are_averaged_within_bands_of_occurrences_in_a_million() -> None:
    counts = np.array([9, 10, 99, 999_882, 0])  # of a million
    nats, targets = np.array([[1.0, 2.0, 3.0], [4.0, 6.0, 8.0]]), np.array([[0, 1, 2], [3, 3, 4]])
    assert loss_by_frequency(nats, targets, counts) == {"0-9": 4.5, "10-99": 2.5, "10000+": 5.0}
    assert loss_by_frequency(nats, targets, 3 * counts) == {"0-9": 4.5, "10-99": 2.5, "10000+": 5.0}


def test_bands_meet_without_gap_or_overlap() -> None:
    for count in (0, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 10**6):
        assert sum(count in band for band in frequency.BANDS.values()) == 1


def test_frequencies_of_nothing_are_refused() -> None:
    with pytest.raises(HeirloomError, match="frequencies need at least one token, got none"):
        frequency.bands(np.array([0, 0]))
