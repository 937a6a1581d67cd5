"""Runs of n tokens (n-grams) inside rows: repeated within a row, shared between rows, new against real text, leaked from held-out text.

An n-gram is named by a 64-bit number, so that runs of any length compare at one speed and a corpus passes by batch by batch; numbers that
memory should not hold wait on disk (`spill`). Two different ones among m share a number with a probability below m² / 2^64: for ten million
n-grams, one in 180,000.

Shapes: N rows, B rows of a matrix, T tokens per row, G = T - n + 1 n-grams per row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.measures.spill import Numbers, Spill, ranges

Tokens = NDArray[np.integer[Any]]
Codes = NDArray[np.uint64]

NONNEGATIVE = ("repetition_4", "self_overlap_4", "novelty_4", "test_leak")
"""Shares of runs, 0 or above (`measures.scales`)."""

LEAK_TOKENS = 13
"""Length of a run that counts as leaked: Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C (there words)."""

_ROW_UNIT = 2**34
"""Added to how often an n-gram stands in a row: two numbers that add up as one, of up to 10^10 n-grams in 10^8 rows."""

_ODD = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


def codes(tokens_NT: Tokens, n: int) -> Codes:
    """Return a number for every n-gram of every row, equal for equal ones, of shape (N, G).

    Each token is added to the number so far, which is then stirred by the finaliser of SplitMix64 (Steele, Lea and Flood 2014, "Fast
    splittable pseudorandom number generators").

    Raises
    ------
    HeirloomError
        If n < 1 or rows have fewer than n tokens.
    """
    if n < 1 or tokens_NT.ndim != 2 or tokens_NT.shape[1] < n:
        raise HeirloomError(f"{n}-grams need rows of at least {max(n, 1)} tokens, got shape {tokens_NT.shape}")
    width = tokens_NT.shape[1] - n + 1
    numbers = tokens_NT.astype(np.uint64) + np.uint64(1)
    codes_NG = np.zeros((len(tokens_NT), width), np.uint64)
    for offset in range(n):
        codes_NG = _scrambled_codes(codes_NG + numbers[:, offset : offset + width])
    return codes_NG


def repetition(rows: Iterable[Tokens], n: int) -> float:
    """Return 1 - different n-grams / n-grams of a row, mean over rows: 0 if no row repeats itself, towards 1 if each is a loop.

    Source: Welleck et al. 2020, "Neural text generation with unlikelihood training" (there seq-rep-n).

    Parameters
    ----------
    rows
        Rows of equal length, matrix by matrix.
    n
        Length of the n-grams.

    Raises
    ------
    HeirloomError
        If there is no row, or rows have fewer than n tokens.
    """
    num_rows, repeats, width = 0, 0, 1
    for codes_BG in _code_batches(rows, n):
        codes_BG.sort(axis=1)
        repeats += int((codes_BG[:, 1:] == codes_BG[:, :-1]).sum())
        num_rows += len(codes_BG)
        width = codes_BG.shape[1]
    return repeats / num_rows / width


def self_overlap(rows: Iterable[Tokens], n: int) -> float:
    """Return the share of the n-grams that stand in another row, too, in [0, 1]: how much rows are written from one another.

    It is the n-gram precision of each row with all others as references, mean over rows: self-BLEU (Zhu et al. 2018, "Texygen") of
    one n, without clipping of counts and without a brevity penalty, over all pairs of rows. It grows with the number of rows. Parameters
    and errors as in `repetition`.
    """
    in_rows, total = Spill(adds=True), 0
    for codes_BG in _code_batches(rows, n):
        in_rows.add(*_row_counts(codes_BG))
        total += codes_BG.size
    return sum(_num_shared(numbers) for (numbers,) in ranges(in_rows)) / total


def novelty(rows: Iterable[Tokens], reference: Iterable[Tokens], n: int) -> float:
    """Return the share of the n-grams that stand nowhere in the reference, in [0, 1].

    Source: McCoy et al. 2023, "How much do language models copy from their training data?" (there novelty of n-grams). Rows and reference
    are given matrix by matrix; errors as in `repetition`.
    """
    row_codes, total = Spill(adds=True), 0
    for codes_BG in _code_batches(rows, n):
        row_codes.add(*np.unique(codes_BG, return_counts=True))
        total += codes_BG.size
    num_known = 0
    for numbers, reference_numbers in ranges(row_codes, _text_codes(reference, n)):
        assert numbers.companions is not None
        is_known = _is_in(numbers.codes, reference_numbers.codes)
        num_known += int(numbers.companions[is_known].sum())
    return 1 - num_known / total


def leak(held_out: Iterable[Tokens], text: Iterable[Tokens], n: int = LEAK_TOKENS) -> float:
    """Return the share of held-out rows of which a run of n tokens stands in a text, in [0, 1].

    Both are given matrix by matrix; errors as in `repetition`.
    """
    row_codes, num_rows = Spill(), 0
    for codes_BG in _code_batches(held_out, n):
        row_numbers = np.arange(num_rows, num_rows + len(codes_BG))
        row_codes.add(codes_BG.reshape(-1), np.repeat(row_numbers, codes_BG.shape[1]))
        num_rows += len(codes_BG)
    is_leaked = np.zeros(num_rows, bool)
    for numbers, text_numbers in ranges(row_codes, _text_codes(text, n)):
        assert numbers.companions is not None
        is_in_text = _is_in(numbers.codes, text_numbers.codes)
        is_leaked[numbers.companions[is_in_text]] = True
    return int(is_leaked.sum()) / num_rows


def count_different(rows: Iterable[Tokens], n: int | None = None) -> tuple[int, int]:
    """Return how many different n-grams there are, and how many in all; without n, how many different rows, and rows.

    Parameters
    ----------
    rows
        Token ids, one array per row or a matrix of several; rows shorter than n have none.
    """
    all_codes = Spill()
    for tokens in rows:
        tokens_BT = np.atleast_2d(tokens)
        length = tokens_BT.shape[1] if n is None else n
        if tokens_BT.shape[1] >= length:
            all_codes.add(codes(tokens_BT, length).reshape(-1))
    num_different = sum(len(numbers.codes) for (numbers,) in ranges(all_codes))
    return num_different, all_codes.size


def _code_batches(rows: Iterable[Tokens], n: int) -> Iterator[Codes]:
    """Yield the numbers of the n-grams, matrix by matrix.

    Raises
    ------
    HeirloomError
        If there is no row, or rows have fewer than n tokens.
    """
    is_empty = True
    for tokens_BT in rows:
        if len(tokens_BT):
            is_empty = False
            yield codes(np.atleast_2d(tokens_BT), n)
    if is_empty:
        raise HeirloomError(f"measuring {n}-grams needs at least one row, got none")


def _row_counts(codes_BG: Codes) -> tuple[Codes, NDArray[np.int64]]:
    """Return each row's different numbers, row after row, and beside each `_ROW_UNIT` and how often it stands in the row."""
    codes_BG = np.sort(codes_BG, axis=1)
    is_first = np.ones(codes_BG.shape, bool)
    is_first[:, 1:] = codes_BG[:, 1:] != codes_BG[:, :-1]
    places = np.flatnonzero(is_first)
    return codes_BG.reshape(-1)[places], np.diff(places, append=codes_BG.size) + _ROW_UNIT


def _num_shared(in_rows: Numbers) -> int:
    """Return how many n-grams stand in several rows, of different numbers with what `_row_counts` says of them added up."""
    assert in_rows.companions is not None
    num_rows, num_all = np.divmod(in_rows.companions, _ROW_UNIT)
    return int(num_all[num_rows > 1].sum())


def _text_codes(text: Iterable[Tokens], n: int) -> Spill:
    """Return the numbers of a text's n-grams."""
    spill = Spill()
    for tokens_BT in text:
        spill.add(codes(tokens_BT, n).reshape(-1))
    return spill


def _is_in(codes: Codes, ascending: Codes) -> NDArray[np.bool_]:
    """Return of each number whether it is among ascending ones."""
    if not len(ascending):
        return np.zeros(len(codes), bool)
    place = np.minimum(np.searchsorted(ascending, codes), len(ascending) - 1)
    is_in: NDArray[np.bool_] = ascending[place] == codes
    return is_in


def _scrambled_codes(x: Codes) -> Codes:
    x = (x ^ (x >> _SHIFTS[0])) * _ODD[0]
    x = (x ^ (x >> _SHIFTS[1])) * _ODD[1]
    return x ^ (x >> _SHIFTS[2])
