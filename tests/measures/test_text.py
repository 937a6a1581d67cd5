"""Text measures on inputs small enough to count by hand."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.measures import text

ROWS = np.array([[1, 2, 1, 2], [1, 2, 3, 3]])


def test_token_counts_have_one_entry_for_each_id_and_add_up() -> None:
    assert text.count_tokens(ROWS, 5).tolist() == [0, 3, 3, 2, 0]
    assert (text.count_tokens(ROWS[:1], 5) + text.count_tokens(ROWS[1:], 5)).tolist() == [0, 3, 3, 2, 0]
    assert text.count_tokens([], 2).tolist() == [0, 0]


@pytest.mark.parametrize("bad", [[[5]], [[-1]]])
def test_a_token_outside_the_vocabulary_is_refused(bad: list[list[int]]) -> None:
    with pytest.raises(HeirloomError, match="allowed are 0 to 4"):
        text.count_tokens(np.array(bad), 5)


@pytest.mark.parametrize(("n", "expected"), [(1, 3 / 8), (2, 4 / 6), (3, 4 / 4), (4, 2 / 2)])
def test_distinct_n_counts_different_ngrams_inside_rows(n: int, expected: float) -> None:
    assert text.distinct_n(ROWS, n) == expected


def test_distinct_n_takes_rows_of_unequal_length_and_never_joins_two_rows() -> None:
    rows: list[NDArray[Any]] = [np.array([7, 8], dtype=np.int32), np.array([7]), np.array([8, 7, 8])]
    assert text.distinct_n(rows, 2) == 2 / 3


def test_distinct_n_keeps_apart_ngrams_of_huge_ids() -> None:
    rows = np.array([[1, 0, 0, 2**31 - 1], [2, 0, 0, 2**31 - 1]])
    assert text.distinct_n(rows, 4) == 1
    assert text.distinct_n(rows, 3) == 3 / 4
    assert text.distinct_n(rows, 2) == 4 / 6


@pytest.mark.parametrize(("rows", "n"), [([], 1), ([np.array([1]), np.array([2])], 2), ([np.array([1])], 0)])
def test_distinct_n_without_an_ngram_is_refused(rows: list[NDArray[Any]], n: int) -> None:
    with pytest.raises(HeirloomError, match="distinct"):
        text.distinct_n(rows, n)


def test_token_entropy_is_that_of_the_observed_shares() -> None:
    assert text.token_entropy([2, 2, 0, 2, 2]) == pytest.approx(math.log(4))
    assert text.token_entropy([1, 3]) == pytest.approx(-0.25 * math.log(0.25) - 0.75 * math.log(0.75))
    assert math.copysign(1, text.token_entropy([0, 7])) == 1


def test_token_entropy_of_nothing_is_refused() -> None:
    with pytest.raises(HeirloomError, match="at least one token"):
        text.token_entropy([0, 0])


def test_vocabulary_coverage_is_the_share_of_ids_seen() -> None:
    assert text.vocabulary_coverage([0, 3, 0, 1], 4) == 0.5
    assert text.vocabulary_coverage([5], 10) == 0.1


def test_more_tokens_than_the_vocabulary_are_refused() -> None:
    with pytest.raises(HeirloomError, match="do not fit"):
        text.vocabulary_coverage([1, 1, 1], 2)


def test_duplicate_row_share_counts_every_copy_but_the_first() -> None:
    assert text.duplicate_row_share(np.array([[1, 2], [3, 4], [1, 2], [1, 2]])) == 0.5
    assert text.duplicate_row_share([np.array([1], dtype=np.int32), np.array([1], dtype=np.int64)]) == 0.5
    assert text.duplicate_row_share(ROWS) == 0


def test_duplicate_rows_of_nothing_are_refused() -> None:
    with pytest.raises(HeirloomError, match="at least one row"):
        text.duplicate_row_share([])


def test_tail_survival_is_the_share_of_types_still_produced_in_each_band() -> None:
    reference = Counter({"once": 1, "rare": 1, "two": 2, "four": 4, "five": 5, "sixteen": 16, "common": 65, "more": 900})
    produced = Counter({"once": 9, "two": 1, "four": 1, "sixteen": 1, "more": 1, "unknown": 3})
    expected = {"1": 0.5, "2-4": 1.0, "5-16": 0.5, "65+": 0.5}
    assert text.tail_survival(reference, produced) == expected
    assert text.tail_survival(reference, set(produced)) == expected


def test_bands_meet_without_gap_or_overlap() -> None:
    for count in (1, 2, 4, 5, 16, 17, 64, 65, 10**9):
        assert sum(count in band for band in text.BANDS.values()) == 1
    assert list(text.BANDS) == ["1", "2-4", "5-16", "17-64", "65+"]


def test_perplexity_is_the_exponential_of_nats_a_token() -> None:
    assert text.perplexity(10 * math.log(50), 10) == pytest.approx(50)
    assert text.row_perplexities([0, 4 * math.log(2)], 4) == pytest.approx([1, 2])
    assert text.row_perplexities([math.log(3), 4 * math.log(2)], [1, 4]) == pytest.approx([3, 2])


@pytest.mark.parametrize("loss", [math.nan, math.inf, 1e6])
def test_a_loss_that_is_no_number_or_overflows_is_refused(loss: float) -> None:
    with pytest.raises(HeirloomError, match="nats a token"):
        text.perplexity(loss, 10)


def test_perplexity_of_no_token_is_refused() -> None:
    with pytest.raises(HeirloomError, match="at least one token"):
        text.perplexity(0.0, 0)


def test_perplexity_quantiles_interpolate() -> None:
    assert text.perplexity_quantiles(np.arange(101.0)) == {"median": 50.0, "q01": 1.0, "q99": 99.0}


def test_histogram_has_fixed_bins_with_the_lower_edge_inside_and_shares_that_sum_to_one() -> None:
    shares = text.perplexity_histogram([0.5, 1.0, 1.2, 13.0, 10.0, 9_999.0, 10_000.0, 1e9])
    filled = {label: share for label, share in shares.items() if share}
    assert filled == {"-inf": 1 / 8, "0.00": 2 / 8, "1.00": 1 / 8, "1.10": 1 / 8, "3.90": 1 / 8, "4.00": 2 / 8}
    assert len(shares) == 42
    assert sum(shares.values()) == 1
    assert list(shares) == sorted(shares) == sorted(shares, key=float)


@pytest.mark.parametrize("bad", [[], [math.nan], [math.inf], [-1.0]])
def test_no_rows_or_no_numbers_make_no_histogram_and_no_quantile(bad: list[float]) -> None:
    with pytest.raises(HeirloomError, match="row perplexities"):
        text.perplexity_histogram(bad)
    with pytest.raises(HeirloomError, match="row perplexities"):
        text.perplexity_quantiles(bad)
