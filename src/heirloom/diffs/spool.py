"""Exact counts of n-grams of two sides in bounded memory: packed into 64 bits, spilled to disk by hash, sorted part by part.

All occurrences of an n-gram land in the same part, so each part is counted alone and every total is a sum over parts. Sorting
64-bit integers with numpy beats hash tables here (docs/design/0005-diff.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.diffs.cells import Ints, Ragged

PART_GRAMS = 1 << 23
_BLOCK_GRAMS = 1 << 18
"""Occurrences that are counted at once: arrays of this size are used again, and larger ones asked for anew."""

MAX_PARTS = 256
MAX_TRIGRAM_TYPES = (1 << 21) - 1
_BITS = {1: 63, 2: 31, 3: 21}
_MIX = np.uint64(0x9E3779B97F4A7C15)
_ONE = np.uint64(1)
_MARKS = {"a": np.uint64(0), "b": _ONE}

Marked = NDArray[np.uint64]
"""N-grams with their side in the last bit."""


class Block(NamedTuple):
    """Some n-grams, each once, with their counts in A and B; shapes (K,)."""

    grams: Ints
    a: Ints
    b: Ints


def pack(rows: Ragged, n: int) -> Ragged:
    """Return each row's n-grams as one integer each; they never cross the end of a row.

    Ids above 2,097,150 share one place in a trigram, the only loss there is.
    """
    bits = _BITS[n]
    ids = np.minimum(rows.values, (1 << bits) - 1)
    starts = max(0, ids.size - n + 1)
    packed = np.zeros(starts, np.int64)
    for offset in range(n):
        packed = packed << bits | ids[offset : offset + starts]
    lengths = np.maximum(rows.lengths - (n - 1), 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    positions = np.arange(offsets[-1]) + np.repeat(rows.offsets[:-1] - offsets[:-1], lengths)
    return Ragged(packed[positions], offsets)


def unpack(gram: int, n: int) -> list[int]:
    """Return the ids of a packed n-gram."""
    bits = _BITS[n]
    return [gram >> bits * place & (1 << bits) - 1 for place in reversed(range(n))]


class Spool:
    """N-grams of both sides, on their way to being counted.

    Parameters
    ----------
    folder, n
        Where to spill; length of the n-grams.
    expected
        About how many n-grams the larger side has: decides the number of parts, never a count.
    """

    def __init__(self, folder: Path, n: int, expected: int) -> None:
        self.n = n
        self._folder = folder
        self._parts = min(MAX_PARTS, 1 << max(0, (expected // PART_GRAMS).bit_length()))

    def add(self, side: str, rows: Ragged) -> None:
        """Put the n-grams of some rows of side ``a`` or ``b`` into their parts."""
        grams = pack(rows, self.n).values.view(np.uint64)
        marked = grams << _ONE | _MARKS[side]
        if self._parts == 1:
            self._append(0, marked)
            return
        part_bits = self._parts.bit_length() - 1
        parts = ((grams * _MIX) >> np.uint64(64 - part_bits)).astype(np.uint8)
        ordered = marked[np.argsort(parts, kind="stable")]
        bounds = np.cumsum(np.bincount(parts, minlength=self._parts))[:-1]
        for part, part_grams in enumerate(np.split(ordered, bounds)):
            self._append(part, part_grams)

    def blocks(self) -> Iterator[Block]:
        """Yield every n-gram once with its counts, part by part, some n-grams at a time."""
        for number in range(self._parts):
            file = self._file(number)
            if file.exists():
                yield from _blocks(np.fromfile(file, np.uint64))

    def _append(self, part: int, marked: Marked) -> None:
        with self._file(part).open("ab") as file:
            marked.tofile(file)

    def _file(self, part: int) -> Path:
        return self._folder / f"{self.n}-{part}"


def _blocks(marked: Marked) -> Iterator[Block]:
    """Count both sides in one sort, in place. np.unique hashes, which is slower where most n-grams differ."""
    marked.sort()
    start = 0
    while start < len(marked):
        last = marked[min(start + _BLOCK_GRAMS, len(marked)) - 1] | _ONE
        stop = int(np.searchsorted(marked, last, "right"))
        yield _count(marked[start:stop])
        start = stop


def _count(ordered: Marked) -> Block:
    grams = ordered >> _ONE
    first = np.flatnonzero(np.diff(grams, prepend=grams[0] + _ONE))
    counts = np.diff(first, append=grams.size)
    counts_b = np.add.reduceat(ordered & _ONE, first).view(np.int64)
    return Block(grams[first].view(np.int64), counts - counts_b, counts_b)
