"""Near-duplicates: rows of one side that share most of their word 3-grams with a row of the other, by MinHash.

Signatures come from `rensa`, ten times faster here than `datasketch`; bands of them are joined by sorting. Rows A and B are near
if the share of equal signature entries, an unbiased estimate of the Jaccard similarity of their 3-grams (Broder 1997, section
3), is at least ``THRESHOLD``. A pair of similarity s is a candidate with probability 1 - (1 - s^4)^16: 0.9998 at 0.8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heirloom.diffs.cells import Ints, Ragged
from heirloom.diffs.spool import pack

THRESHOLD = 0.8
NUM_PERMUTATIONS = 64
NUM_BANDS = 16
MAX_CANDIDATES = 8
"""Rows of the other side looked at for one band of one row: a band that half a corpus shares says nothing."""

Signatures = NDArray[np.uint32]


def chosen(signed: Signatures, share: float) -> NDArray[np.bool_]:
    """Return which rows belong to a sample of about that share, shape (N,).

    The choice hangs on the first entry of the signature, so two rows of Jaccard similarity s are chosen or left out together with
    probability s or more: a sample of either side still finds most near-duplicates of its rows.
    """
    mixed = signed[:, 0].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)
    return np.asarray(mixed < share * 2**32)


def signatures(rows: Ragged, seed: int) -> Signatures:
    """Return MinHash signatures of shape (N, 64); rows too short for a 3-gram are described by their single words."""
    from rensa import RMinHash

    grams = pack(rows, 3)
    short = grams.lengths == 0
    shingles = grams if not short.any() else _mixed(grams, pack(rows, 1), short)
    if not len(shingles.offsets) - 1:
        return np.empty((0, NUM_PERMUTATIONS), np.uint32)
    made = RMinHash.digest_matrix_from_flat_token_hashes(
        shingles.values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15), shingles.offsets.astype(np.uint64), NUM_PERMUTATIONS, seed
    )
    return np.asarray(made.to_rows(), np.uint32)


def nearest(a: Signatures, b: Signatures) -> tuple[Ints, NDArray[np.float64]]:
    """Return for each row of A the nearest row of B (-1 where none is near) and the estimated similarity; shapes (N,)."""
    best = np.full(len(a), -1)
    similarity = np.zeros(len(a))
    width = NUM_PERMUTATIONS // NUM_BANDS
    for start in range(0, NUM_PERMUTATIONS, width):
        keys_a, keys_b = _band(a, start, width), _band(b, start, width)
        order = np.argsort(keys_b, kind="stable")
        first = np.searchsorted(keys_b[order], keys_a, "left")
        last = np.searchsorted(keys_b[order], keys_a, "right")
        for step in range(int(min(MAX_CANDIDATES, (last - first).max(initial=0)))):
            rows = np.flatnonzero(first + step < last)
            other = order[first[rows] + step]
            share = (a[rows] == b[other]).mean(axis=1)
            better = (share >= THRESHOLD) & (share > similarity[rows])
            best[rows[better]], similarity[rows[better]] = other[better], share[better]
    return best, similarity


def _band(signed: Signatures, start: int, width: int) -> NDArray[np.uint64]:
    keys = np.zeros(len(signed), np.uint64)
    for column in range(start, start + width):
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + signed[:, column]
    return keys


def _mixed(grams: Ragged, single: Ragged, short: NDArray[np.bool_]) -> Ragged:
    """Return 3-grams, and single words for the rows that are short."""
    both = Ragged(np.concatenate([grams.values, single.values]), np.concatenate([grams.offsets, grams.offsets[-1] + single.offsets[1:]]))
    rows = np.arange(len(short))
    return both.take(np.where(short, rows + len(short), rows))
