"""One reading of a side's words: exact counts of types and n-grams, and what is kept of single rows; a batch in memory at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heirloom.diffs import near
from heirloom.diffs.cells import Ints, Ragged, join
from heirloom.diffs.sides import Side
from heirloom.diffs.spool import Spool, pack
from heirloom.diffs.words import Lexicon


@dataclass(frozen=True)
class Selection:
    """Which rows are looked at more closely.

    Parameters
    ----------
    sample
        Ascending positions of the rows that the tests look at.
    near_rows, near_share
        Ascending positions of the rows among which near-duplicates are looked for, and about which share of them is.
    """

    sample: Ints
    near_rows: Ints
    near_share: float
    seed: int


@dataclass(frozen=True)
class Reading:
    """What one pass counts and keeps.

    Parameters
    ----------
    counts
        Occurrences of each type, by id, shape (V,); V may be smaller than the lexicon, which went on growing.
    lengths, repetition
        Words of each row, and the share of its 3-grams that it has said before; shapes (N,).
    sample
        The words of the sampled rows.
    near_rows, signatures
        Positions and MinHash signatures of the rows compared for near-duplicates.
    """

    counts: Ints
    lengths: NDArray[np.int32]
    repetition: NDArray[np.float32]
    sample: Ragged
    near_rows: Ints
    signatures: near.Signatures


def read(side: Side, name: str, lexicon: Lexicon, spools: Sequence[Spool], selection: Selection) -> Reading:
    """Read side ``a`` or ``b`` once, putting its n-grams into the spools."""
    counts = np.zeros(0, np.int64)
    lengths, repetition = np.zeros(side.num_rows, np.int32), np.zeros(side.num_rows, np.float32)
    samples, signed = [], near.Signed.of(len(selection.near_rows))
    start = 0
    for batch in side.batches([lexicon.column]):
        words = lexicon.read(batch.column(0))
        stop = start + batch.num_rows
        lengths[start:stop], repetition[start:stop] = words.lengths, repeated_share(words)
        batch_counts = np.bincount(words.values, minlength=len(counts))
        batch_counts[: len(counts)] += counts
        counts = batch_counts
        for spool in spools:
            spool.add(name, words)
        samples.append(words.take(_within(selection.sample, start, stop)))
        signed.add(*_signatures(words, start, selection))
        start = stop
    return Reading(counts, lengths, repetition, join(samples), *signed.rows)


def repeated_share(words: Ragged) -> NDArray[np.float64]:
    """Return the share of each row's 3-grams that stood earlier in the row, shape (N,); 0 for rows without one."""
    grams = pack(words, 3)
    num_rows = len(grams.lengths)
    # One 64-bit key for (row, 3-gram), the row in front: a chance collision within a row would shift its share by one 3-gram.
    row_bits = np.uint64(max(1, num_rows - 1).bit_length())
    rows = np.repeat(np.arange(num_rows, dtype=np.uint64), grams.lengths)
    keys = grams.values.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    keys ^= keys >> np.uint64(32)
    keys *= np.uint64(0xD6E8FEB86659FD93)
    keys = keys >> row_bits | rows << np.uint64(64) - row_bits
    keys.sort(kind="stable")  # which makes use of rows that stand in order already
    repeats = keys[1:][keys[1:] == keys[:-1]]
    num_repeats = np.bincount((repeats >> np.uint64(64) - row_bits).astype(np.int64), minlength=num_rows)
    return num_repeats / np.maximum(grams.lengths, 1)


def _signatures(words: Ragged, start: int, selection: Selection) -> tuple[Ints, near.Signatures]:
    """Return the positions and signatures of a batch's rows that are compared; a row without a word is near to nothing."""
    rows = _within(selection.near_rows, start, start + len(words.lengths))
    rows = rows[words.lengths[rows] > 0]
    signatures = near.signatures(words.take(rows), selection.seed)
    in_sample = near.in_sample(signatures, selection.near_share)
    return rows[in_sample] + start, signatures[in_sample]


def _within(positions: Ints, start: int, stop: int) -> Ints:
    low, high = np.searchsorted(positions, (start, stop))
    return positions[low:high] - start
