"""Runs of tokens on rows small enough to count by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.measures import ngrams
from heirloom.runtime.streams import Stream

ROWS = np.array([[1, 2, 1, 2, 1], [1, 2, 3, 3, 3], [4, 5, 6, 7, 8]])
NONE = np.zeros((0, 5), int)


def test_equal_runs_have_equal_numbers_and_different_ones_do_not() -> None:
    rows = Stream((0, "rows")).generator().integers(0, 50_000, (400, 40))
    for n in (1, 3, 13):
        spelled = [tuple(row[start : start + n]) for row in rows for start in range(41 - n)]
        numbers = ngrams.codes(rows, n).reshape(-1).tolist()
        assert len(set(numbers)) == len(set(spelled)) == len(set(zip(numbers, spelled, strict=True)))


def test_the_order_of_tokens_counts_and_their_place_in_the_row_does_not() -> None:
    codes = ngrams.codes(np.array([[0, 0, 1, 0, 0, 1]]), 3)[0]
    assert codes[0] == codes[3]
    assert len(set(codes.tolist())) == 3


def test_repetition_is_the_share_of_runs_that_stood_in_their_row_before() -> None:
    assert ngrams.repetition([ROWS], 1) == pytest.approx((3 / 5 + 2 / 5 + 0) / 3)
    assert ngrams.repetition([ROWS], 2) == pytest.approx((2 / 4 + 1 / 4 + 0) / 3)
    assert ngrams.repetition([np.full((2, 9), 7)], 4) == pytest.approx(5 / 6)


def test_self_overlap_counts_runs_that_another_row_has_and_not_those_of_the_same_row_alone() -> None:
    assert ngrams.self_overlap([ROWS], 1) == pytest.approx((5 + 2 + 0) / 15)
    assert ngrams.self_overlap([ROWS], 2) == pytest.approx((2 + 1 + 0) / 12)
    assert ngrams.self_overlap([ROWS], 3) == 0
    assert ngrams.self_overlap([np.tile(ROWS[2], (3, 1))], 4) == 1


def test_novelty_is_the_share_of_runs_that_the_reference_lacks_whatever_batches_it_comes_in() -> None:
    reference = np.array([[9, 1, 2, 1], [3, 3, 9, 9], [5, 6, 9, 4]])
    for batches in ([reference], [reference[:1], reference[1:]]):
        assert ngrams.novelty([ROWS], batches, 2) == pytest.approx(1 - (4 + 3 + 1) / 12)
    assert ngrams.novelty([ROWS], [ROWS], 5) == 0
    assert ngrams.novelty([ROWS], [], 2) == 1


def test_a_held_out_row_leaks_if_one_of_its_runs_stands_in_the_text() -> None:
    held_out = np.arange(60).reshape(3, 20)
    thirteen, twelve = np.r_[[99], held_out[0, 7:20], [99]], np.r_[[99], held_out[1, 8:20], [99, 99]]
    assert ngrams.leak([held_out], [thirteen[None], twelve[None]]) == pytest.approx(1 / 3)
    assert ngrams.leak([held_out], [held_out[2:]], n=20) == pytest.approx(1 / 3)
    assert ngrams.leak([held_out], [held_out + 100]) == 0


@pytest.mark.parametrize("measure", [ngrams.repetition, ngrams.self_overlap, lambda rows, n: ngrams.novelty(rows, [], n)])
def test_runs_of_no_row_or_longer_than_a_row_are_refused(measure: Callable[[list[np.ndarray], int], float]) -> None:
    with pytest.raises(HeirloomError, match="measuring 2-grams needs at least one row, got none"):
        measure([NONE], 2)
    with pytest.raises(HeirloomError, match=r"6-grams need rows of at least 6 tokens, got shape \(3, 5\)"):
        measure([ROWS], 6)
    with pytest.raises(HeirloomError, match="0-grams need rows"):
        measure([ROWS], 0)
