"""Runs of n tokens (n-grams) inside rows: repeated within a row, shared between rows, new against real text, leaked from held-out text.

An n-gram is named by a 64-bit number, so that runs of any length compare at one speed and a corpus passes by batch by batch. Two different
ones among m share a number with a probability below m² / 2^64: for ten million n-grams, one in 180,000.

Shapes: N rows, T tokens a row, G = T - n + 1 n-grams a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError

Tokens = NDArray[np.integer[Any]]
Codes = NDArray[np.uint64]

NONNEGATIVE = ("repetition_4", "self_overlap_4", "novelty_4", "test_leak")
"""Shares of runs, 0 or above (`measures.scales`)."""

LEAK_TOKENS = 13
"""Length of a run that counts as leaked: Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C (there words)."""

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
    added = tokens_NT.astype(np.uint64) + np.uint64(1)
    found = np.zeros((len(tokens_NT), width), np.uint64)
    for offset in range(n):
        found = _stirred(found + added[:, offset : offset + width])
    return found


def repetition(tokens_NT: Tokens, n: int) -> float:
    """Return 1 - different n-grams / n-grams of a row, mean over rows: 0 if no row repeats itself, towards 1 if each is a loop.

    Source: Welleck et al. 2020, "Neural text generation with unlikelihood training" (there seq-rep-n).

    Raises
    ------
    HeirloomError
        If there is no row, or rows have fewer than n tokens.
    """
    codes_NG = np.sort(_some(tokens_NT, n), axis=1)
    repeats_N = (codes_NG[:, 1:] == codes_NG[:, :-1]).sum(axis=1)
    return float(repeats_N.mean() / codes_NG.shape[1])


def self_overlap(tokens_NT: Tokens, n: int) -> float:
    """Return the share of the n-grams that stand in another row, too, in [0, 1]: how much rows are written from one another.

    It is the n-gram precision of each row with all others as references, mean over rows: self-BLEU (Zhu et al. 2018, "Texygen") of
    one n, without clipping of counts and without a brevity penalty, over all pairs of rows. It grows with the number of rows.

    Raises
    ------
    HeirloomError
        If there is no row, or rows have fewer than n tokens.
    """
    codes_NG = _some(tokens_NT, n)
    _, places, counts = np.unique(codes_NG, return_inverse=True, return_counts=True)
    places_NG = places.reshape(codes_NG.shape)
    order_NG = np.argsort(places_NG, axis=1, kind="stable")
    sorted_NG = np.take_along_axis(places_NG, order_NG, axis=1)
    first_NG = np.concatenate([np.ones((len(codes_NG), 1), bool), sorted_NG[:, 1:] != sorted_NG[:, :-1]], axis=1)
    num_rows = np.bincount(sorted_NG[first_NG], minlength=len(counts))
    return float((num_rows[places_NG] > 1).mean())


def novelty(tokens_NT: Tokens, reference: Iterable[Tokens], n: int) -> float:
    """Return the share of the n-grams that stand nowhere in the reference, in [0, 1].

    Source: McCoy et al. 2023, "How much do language models copy from their training data?" (there novelty of n-grams).

    Parameters
    ----------
    tokens_NT
        The rows.
    reference
        Rows of the reference, matrix by matrix.
    n
        Length of the n-grams.

    Raises
    ------
    HeirloomError
        If there is no row, or rows have fewer than n tokens.
    """
    return float(1 - _occurs(_some(tokens_NT, n), reference, n).mean())


def leak(held_out_NT: Tokens, text: Iterable[Tokens], n: int = LEAK_TOKENS) -> float:
    """Return the share of held-out rows of which a run of n tokens stands in a text, in [0, 1].

    Raises
    ------
    HeirloomError
        If there is no row, or rows have fewer than n tokens.
    """
    return float(_occurs(_some(held_out_NT, n), text, n).any(axis=1).mean())


def _some(tokens_NT: Tokens, n: int) -> Codes:
    if not len(tokens_NT):
        raise HeirloomError(f"measuring {n}-grams needs at least one row, got none")
    return codes(tokens_NT, n)


def _occurs(codes_NG: Codes, text: Iterable[Tokens], n: int) -> NDArray[np.bool_]:
    """Return whether each n-gram occurs in a text, which passes by once: only the n-grams that are asked about are held."""
    asked, places = np.unique(codes_NG, return_inverse=True)
    seen = np.zeros(len(asked), bool)
    for tokens_BT in text:
        said = codes(tokens_BT, n).reshape(-1)
        place = np.minimum(np.searchsorted(asked, said), len(asked) - 1)
        seen[place[asked[place] == said]] = True
    return seen[places].reshape(codes_NG.shape)


def _stirred(x: Codes) -> Codes:
    x = (x ^ (x >> _SHIFTS[0])) * _ODD[0]
    x = (x ^ (x >> _SHIFTS[1])) * _ODD[1]
    return x ^ (x >> _SHIFTS[2])
