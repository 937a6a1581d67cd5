"""Rows without a partner that resemble one another: which were edited, row by row, and which merely have a near-duplicate.

A row was edited if few of its words differ from those of one row of the other side: at most a fifth, or one word of three or more.
Each row is in one pair at most, and as few words as possible differ over all pairs. Where there are more
than `MAX_PAIRS` pairs of rows or `MAX_WORD_PAIRS` pairs of words, only near-duplicates by MinHash (`near`) are compared, and of more
than `MAX_WORDS_ROWS` rows, or of a row of more than `MAX_WORDS`, no words are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from heirloom.diffs import near
from heirloom.diffs.cells import Ints, Ragged
from heirloom.diffs.pieces import Row, comparable
from heirloom.stats.samples import Floats

MAX_PAIRS = 1_000_000
"""Pairs of rows that are all compared; beyond that only near-duplicates are."""
MAX_WORD_PAIRS = 100_000_000_000
"""Words of all rows of A, times those of B: what comparing all pairs costs, seconds at most."""
MAX_WORDS = 100_000
"""Of a row whose words are compared; a longer one is a near-duplicate at most."""
MAX_WORDS_ROWS = 20_000
"""Rows of one side with a near-duplicate whose words are compared."""
MAX_SHARE = 0.2
FEWEST_WORDS = 3

WordsOf = Callable[[tuple[Ints, Ints]], tuple[Ragged, Ragged]]

_NONE: Ints = np.empty(0, np.int64)


@dataclass(frozen=True)
class Likeness:
    """Positions in A and in B, shapes (P,): of the edited pairs, and of each row that has a near-duplicate with its nearest one.

    Parameters
    ----------
    similarity
        Of the near pairs: the estimated share of 3-grams that both have.
    near_removed, near_added
        Rows that are neither kept nor edited and have a near-duplicate on the other side, edited or not.
    checked
        Rows of A and of B that were looked at for near-duplicates.
    """

    edited: tuple[Ints, Ints] = (_NONE, _NONE)
    near: tuple[Ints, Ints] = (_NONE, _NONE)
    similarity: Floats | None = None
    near_removed: int = 0
    near_added: int = 0
    checked: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()


def likeness(signatures: tuple[near.Signatures, near.Signatures], positions: tuple[Ints, Ints], words_of: WordsOf) -> Likeness:
    """Return the likeness of some rows.

    Parameters
    ----------
    signatures
        MinHash signatures of the rows of A and of B, shapes (N, 64) and (M, 64).
    positions
        Where these rows stand, shapes (N,) and (M,).
    words_of
        Returns the words or tokens of rows at some positions of A and of B, as ids that both share.
    """
    a, b = signatures
    edited_a, edited_b = _edited(signatures, positions, words_of)
    is_open_a, is_open_b = np.ones(len(a), bool), np.ones(len(b), bool)
    is_open_a[edited_a], is_open_b[edited_b] = False, False
    to_b, similarity = near.nearest(a, b)
    to_a, _ = near.nearest(b, a)
    near_a = np.flatnonzero((to_b >= 0) & is_open_a)
    return Likeness(
        edited=(positions[0][edited_a], positions[1][edited_b]),
        near=(positions[0][near_a], positions[1][to_b[near_a]]),
        similarity=similarity[near_a],
        near_removed=len(near_a),
        near_added=int(((to_a >= 0) & is_open_b).sum()),
        checked=(len(a), len(b)),
    )


def one_to_one(a: Ints, b: Ints, cost: Sequence[float] | Floats | Ints) -> tuple[Ints, Ints]:
    """Return pairs in which each row stands once, the cheapest first, equal ones in order of their rows; ascending in A.

    Parameters
    ----------
    a, b, cost
        Candidates: the two rows and what is lost by pairing them, shapes (C,).
    """
    order = np.lexsort((b, a, np.asarray(cost)))
    partner: dict[int, int] = {}
    used_b: set[int] = set()
    for row_a, row_b in zip(a[order].tolist(), b[order].tolist(), strict=True):
        if row_a not in partner and row_b not in used_b:
            partner[row_a] = row_b
            used_b.add(row_b)
    rows_a = np.array(sorted(partner), np.int64)
    return rows_a, np.array([partner[row] for row in rows_a.tolist()], np.int64)


def _edited(signatures: tuple[near.Signatures, near.Signatures], positions: tuple[Ints, Ints], words_of: WordsOf) -> tuple[Ints, Ints]:
    """Return the edited rows: of all pairs where these are few, else of near-duplicates, compared by their words where they can be."""
    a, b = signatures
    if len(a) * len(b) <= MAX_PAIRS:
        words_a, words_b = words_of(positions)
        if len(words_a.values) * len(words_b.values) <= MAX_WORD_PAIRS:
            compared_a, compared_b = _rows(words_a, words_b)
            close_pairs = _small(compared_a, compared_b, *_all_close(compared_a, compared_b))
            return _cheapest((len(a), len(b)), *close_pairs)
    return _edited_of_near(a, b, positions, words_of)


def _edited_of_near(a: near.Signatures, b: near.Signatures, positions: tuple[Ints, Ints], words_of: WordsOf) -> tuple[Ints, Ints]:
    rows_a, rows_b, similarity = near.candidates(a, b)
    rows = np.unique(rows_a), np.unique(rows_b)
    if max(map(len, rows)) > MAX_WORDS_ROWS:
        return one_to_one(rows_a, rows_b, -similarity)
    compared_a, compared_b = _rows(*words_of((positions[0][rows[0]], positions[1][rows[1]])))
    places_a, places_b = np.searchsorted(rows[0], rows_a), np.searchsorted(rows[1], rows_b)
    distances = _distances(compared_a, compared_b, places_a, places_b)
    edited_a, edited_b = one_to_one(*_small(compared_a, compared_b, places_a, places_b, distances))
    return rows[0][edited_a], rows[1][edited_b]


def _small(a: list[Row], b: list[Row], rows_a: Ints, rows_b: Ints, distances: Ints) -> tuple[Ints, Ints, Floats]:
    """Return those pairs in which few words differ, and the share of words that do."""
    lengths_a = np.fromiter(map(len, a), np.int64, len(a))
    lengths_b = np.fromiter(map(len, b), np.int64, len(b))
    longest = np.maximum(lengths_a[rows_a], lengths_b[rows_b])
    is_small = (longest >= FEWEST_WORDS) & (distances <= _most_edits(longest))
    return rows_a[is_small], rows_b[is_small], distances[is_small] / np.maximum(longest[is_small], 1)


def _cheapest(shape: tuple[int, int], a: Ints, b: Ints, cost: Floats) -> tuple[Ints, Ints]:
    """Return the pairs that cost least together, each row in one at most, where a row without a partner costs 1 (Crouse 2016)."""
    if len(a) == len(np.unique(a)) == len(np.unique(b)):
        return a, b  # no row has a choice, and scipy's optimisers take half a second to import
    from scipy.optimize import linear_sum_assignment

    costs = np.ones(shape)
    costs[a, b] = cost
    rows_a, rows_b = linear_sum_assignment(costs)
    is_pair = costs[rows_a, rows_b] < 1
    return rows_a[is_pair], rows_b[is_pair]


def _most_edits(lengths: Ints) -> Ints:
    """Return how many words of a row may differ."""
    return np.asarray(np.maximum(1, np.floor(MAX_SHARE * lengths)).astype(np.int64))


def _all_close(a: list[Row], b: list[Row]) -> tuple[Ints, Ints, Ints]:
    """Return the pairs of rows whose distance may be that of an edit, and the distances (Levenshtein 1966), shapes (C,)."""
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    if not (a and b):
        return _NONE, _NONE, _NONE
    longest = max(map(len, chain(a, b)))
    cutoff = int(_most_edits(np.array([longest]))[0])
    distances = cdist(a, b, scorer=Levenshtein.distance, score_cutoff=cutoff, dtype=np.uint32)
    rows_a, rows_b = np.nonzero(distances <= cutoff)
    return rows_a, rows_b, distances[rows_a, rows_b].astype(np.int64)


def _distances(a: list[Row], b: list[Row], rows_a: Ints, rows_b: Ints) -> Ints:
    from rapidfuzz.distance import Levenshtein

    pairs = zip(rows_a.tolist(), rows_b.tolist(), strict=True)
    distances = [Levenshtein.distance(a[row_a], b[row_b]) for row_a, row_b in pairs]
    return np.array(distances, np.int64)


def _rows(a: Ragged, b: Ragged) -> tuple[list[Row], list[Row]]:
    """Return the rows of both sides to be compared; a row over `MAX_WORDS` as an empty one."""
    rows_a, rows_b = comparable(a, b)
    return [_short(row) for row in rows_a], [_short(row) for row in rows_b]


def _short(row: Row) -> Row:
    return row if len(row) <= MAX_WORDS else ""
