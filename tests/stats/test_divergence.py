"""Divergence on counts small enough to work out by hand, and how well chance is taken off."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.stats.divergence import corrected_distance, jensen_shannon, miller_madow
from heirloom.stats.samples import TextSample
from heirloom.stats.text_tests import text_tests


@pytest.mark.parametrize(
    ("a", "b", "bits"),
    [
        ([3, 1], [6, 2], 0),
        ([5, 0], [0, 2], 1),
        ([4, 0], [2, 2], -0.75 * math.log2(0.75) - 0.25 * math.log2(0.25) - 0.5),
        ([2, 0, 0], [0, 1, 0], 1),
    ],
)
def test_divergence_is_0_for_equal_shares_and_1_bit_for_disjoint_types(a: list[int], b: list[int], bits: float) -> None:
    assert jensen_shannon(a, b) == pytest.approx(bits, abs=1e-12)
    assert jensen_shannon(b, a) == pytest.approx(bits, abs=1e-12)


def test_miller_madow_takes_half_a_nat_a_type_over_the_tokens() -> None:
    # Entropies are low by 1/8 nat on both sides, the mixture's by 1/16.
    assert miller_madow([2, 2], [2, 2]) == pytest.approx(1 / 16 / math.log(2))
    # 2 types in 4 tokens against 1 in 8: (1/8 + 0) / 2 - (1/4 + 1/8) / 8.
    assert miller_madow([2, 2], [8, 0]) == pytest.approx((1 / 16 - 3 / 64) / math.log(2))


def test_the_corrected_distance_is_a_root_and_never_below_0() -> None:
    assert corrected_distance(0.30, 0.05) == pytest.approx(0.5)
    assert corrected_distance(0.01, 0.02) == 0


@pytest.mark.parametrize(("a", "b", "message"), [([1, 2], [1], "same types"), ([0, 0], [1, 1], "got 0 and 2")])
def test_counts_that_cannot_be_compared_are_refused(a: list[int], b: list[int], message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        jensen_shannon(a, b)


def test_permutations_take_off_what_chance_adds_where_counting_types_cannot() -> None:
    share = 1 / (np.arange(2000) + 2.7)
    excesses = []
    for repeat in range(8):
        generator = Stream((repeat, "bias")).generator()
        a, b = (TextSample(generator.choice(2000, 20000, p=share / share.sum()), np.arange(401) * 50) for _ in "ab")
        tests = text_tests(a, b, Stream((repeat,)), 49)
        counts = [np.bincount(sample.types, minlength=2000) for sample in (a, b)]
        assert tests.divergence_bits == pytest.approx(jensen_shannon(*counts), rel=1e-9)
        assert jensen_shannon(*counts) - miller_madow(*counts) > 0.006
        excesses.append(tests.divergence_bits - tests.chance_bits)
    assert abs(np.mean(excesses)) < 4 * np.std(excesses, ddof=1) / math.sqrt(8)
    assert np.std(excesses, ddof=1) < 0.003
