"""Near-duplicates: rows of one side that share most of their word 3-grams with a row of the other, by MinHash.

Signatures come from `rensa`, ten times faster here than `datasketch`; bands of them are joined by sorting. Rows A and B are near
if the share of equal signature entries, an unbiased estimate of the Jaccard similarity of their 3-grams (Broder 1997, section
3), is at least ``THRESHOLD``. A pair of similarity s is a candidate with probability 1 - (1 - s^4)^16: 0.9998 at 0.8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heirloom.diffs.cells import Ints, Ragged, join
from heirloom.diffs.spool import pack

THRESHOLD = 0.8
NUM_PERMUTATIONS = 64
NUM_BANDS = 16
MAX_CANDIDATES = 8
"""Rows of the other side looked at for one band of one row: a band that half a corpus shares says nothing."""

_BLOCK = 1 << 16

Signatures = NDArray[np.uint32]


@dataclass
class Signed:
    """Positions of rows and their signatures, filled batch by batch: no second copy is held of what takes 256 bytes a row."""

    positions: Ints
    signatures: Signatures
    size: int = 0

    @classmethod
    def of(cls, most_rows: int) -> Signed:
        """Return room for some rows."""
        return cls(np.empty(most_rows, np.int64), np.empty((most_rows, NUM_PERMUTATIONS), np.uint32))

    def add(self, positions: Ints, signatures: Signatures) -> None:
        """Append rows."""
        span = slice(self.size, self.size + len(positions))
        self.positions[span], self.signatures[span] = positions, signatures
        self.size = span.stop

    @property
    def rows(self) -> tuple[Ints, Signatures]:
        """What was added."""
        return self.positions[: self.size], self.signatures[: self.size]


def in_sample(signatures: Signatures, share: float) -> NDArray[np.bool_]:
    """Return which rows belong to a sample of about that share, shape (N,).

    The choice hangs on the first entry of the signature, so two rows of Jaccard similarity s are chosen or left out together with
    probability s or more: a sample of either side still finds most near-duplicates of its rows.
    """
    mixed = signatures[:, 0].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)
    return np.asarray(mixed < share * 2**32)


def signatures(rows: Ragged, seed: int) -> Signatures:
    """Return MinHash signatures of shape (N, 64); rows too short for a 3-gram are described by their single words."""
    from rensa import RMinHash

    grams = pack(rows, 3)
    is_short = grams.lengths == 0
    shingles = _with_single_words(grams, pack(rows, 1), is_short) if is_short.any() else grams
    if not len(shingles.offsets) - 1:
        return np.empty((0, NUM_PERMUTATIONS), np.uint32)
    token_hashes = shingles.values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    offsets = shingles.offsets.astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(token_hashes, offsets, NUM_PERMUTATIONS, seed)
    return np.asarray(matrix.to_rows(), np.uint32)


def nearest(a: Signatures, b: Signatures) -> tuple[Ints, NDArray[np.float64]]:
    """Return for each row of A the nearest row of B (-1 where none is near) and the estimated similarity; shapes (N,)."""
    best = np.full(len(a), -1)
    similarity = np.zeros(len(a))
    for rows_a, rows_b, share in _candidates(a, b):
        is_better = share > similarity[rows_a]
        better_rows = rows_a[is_better]
        best[better_rows], similarity[better_rows] = rows_b[is_better], share[is_better]
    return best, similarity


def candidates(a: Signatures, b: Signatures) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Return pairs of near rows, each once, and their estimated similarities, shapes (C,)."""
    pairs, similarity = np.empty(0, np.int64), np.empty(0)
    for rows_a, rows_b, share in _candidates(a, b):
        all_pairs = np.concatenate([pairs, rows_a * len(b) + rows_b])
        pairs, first = np.unique(all_pairs, return_index=True)  # at once: each band finds the same pairs again
        similarity = np.concatenate([similarity, share])[first]
    rows_a, rows_b = np.divmod(pairs, max(1, len(b)))
    return rows_a, rows_b, similarity


def _candidates(a: Signatures, b: Signatures) -> Iterator[tuple[Ints, Ints, NDArray[np.float64]]]:
    """Yield pairs of near rows band by band, in each part a row of A at most once; a pair may come again in another band."""
    width = NUM_PERMUTATIONS // NUM_BANDS
    for start in range(0, NUM_PERMUTATIONS, width):
        keys_a, keys_b = _band(a, start, width), _band(b, start, width)
        order = np.argsort(keys_b, kind="stable")
        first = np.searchsorted(keys_b[order], keys_a, "left")
        stop = np.searchsorted(keys_b[order], keys_a, "right")
        most_candidates = int((stop - first).max(initial=0))
        for candidate in range(min(MAX_CANDIDATES, most_candidates)):
            rows_a = np.flatnonzero(first + candidate < stop)
            rows_b = order[first[rows_a] + candidate]
            share = _shares(a, b, rows_a, rows_b)
            is_near = share >= THRESHOLD
            yield rows_a[is_near], rows_b[is_near], share[is_near]


def _shares(a: Signatures, b: Signatures, rows_a: Ints, rows_b: Ints) -> NDArray[np.float64]:
    """Return the share of equal entries of each pair, shape (C,); a block of pairs in memory at a time."""
    shares = np.empty(len(rows_a))
    for start in range(0, len(rows_a), _BLOCK):
        block = slice(start, start + _BLOCK)
        shares[block] = (a[rows_a[block]] == b[rows_b[block]]).mean(axis=1)
    return shares


def _band(signatures: Signatures, start: int, width: int) -> NDArray[np.uint64]:
    keys = np.zeros(len(signatures), np.uint64)
    for column in range(start, start + width):
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + signatures[:, column]
    return keys


def _with_single_words(grams: Ragged, words: Ragged, is_short: NDArray[np.bool_]) -> Ragged:
    """Return 3-grams, and single words for the rows that are short."""
    joined = join([grams, words])
    rows = np.arange(len(is_short))
    return joined.take(np.where(is_short, rows + len(is_short), rows))
