"""Spills: 64-bit numbers too many to hold, sorted in pieces on disk and read back range by range, so that equal ones meet.

A million numbers stay in memory. Beyond, each million goes to a temporary file (in ``TMPDIR``), and a range of all pieces is read at
a time. The numbers are to be spread evenly, as hashes are, so that ranges are equally full.

Legend of shapes: M numbers.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError

HELD = 2**20
"""Numbers that are held at once: some 50 MB of them, their companions and what sorting takes."""

_BYTES = 8  # of a number, and of its companion


class Numbers(NamedTuple):
    """Numbers, and a companion of each, shape (M,) both."""

    codes: NDArray[np.uint64]
    companions: NDArray[np.int64] | None = None

    def part(self, first: int, last: int) -> Numbers:
        """Return those from a place to another, which is left out."""
        return Numbers(*(None if values is None else values[first:last] for values in self))  # type: ignore[arg-type]

    @classmethod
    def sorted(cls, parts: Sequence[Self], *, adds: bool) -> Numbers:
        """Return several together in ascending order, equal ones once: without companions, or with theirs added up if ``adds``."""
        codes = np.concatenate([np.empty(0, np.uint64), *(part.codes for part in parts)])
        companions_of_parts = [part.companions for part in parts if part.companions is not None]
        if not companions_of_parts:
            codes.sort()
            return Numbers(codes[_starts(codes)])
        order = np.argsort(codes)
        codes, companions = codes[order], np.concatenate(companions_of_parts)[order]
        if not adds or not len(codes):
            return Numbers(codes, companions)
        starts = _starts(codes)
        return Numbers(codes[starts], np.add.reduceat(companions, starts))


class Spill:
    """A bag of numbers, all of them with companions, or none.

    Parameters
    ----------
    adds
        Whether companions of equal numbers are added up, so that repeats take no room.
    """

    def __init__(self, *, adds: bool = False) -> None:
        self._adds = adds
        self._waiting: list[Numbers] = []
        self._file: IO[bytes] | None = None
        self._sizes: list[int] = []
        self._has_companions = False
        self.size = 0
        """Numbers put in."""

    def add(self, codes: NDArray[np.uint64], companions: NDArray[np.int64] | None = None) -> None:
        """Put numbers in, shape (M,), with as many companions if there are any.

        Raises
        ------
        HeirloomError
            If the temporary file cannot be written.
        """
        self._waiting.append(Numbers(codes, companions))
        self._has_companions = companions is not None
        self.size += len(codes)
        if sum(len(numbers.codes) for numbers in self._waiting) >= HELD:
            self._write()

    def ranges(self, count: int) -> Iterator[Numbers]:
        """Yield the numbers in ``count`` ranges, each ascending; equal ones once, unless each has a companion of its own."""
        bounds = np.array([number * 2**64 // count for number in range(1, count)], np.uint64)
        in_memory = Numbers.sorted(self._waiting, adds=self._adds)
        cuts_in_memory = _cuts(in_memory.codes, bounds)
        cuts_of_pieces = [_cuts(self._read(piece, 0, size).codes, bounds) for piece, size in enumerate(self._sizes)]
        for number in range(count):
            parts = [self._read(piece, cuts[number], cuts[number + 1]) for piece, cuts in enumerate(cuts_of_pieces)]
            parts.append(in_memory.part(cuts_in_memory[number], cuts_in_memory[number + 1]))
            yield Numbers.sorted(parts, adds=self._adds)

    def _write(self) -> None:
        """Put what waits into the file as one sorted piece: the numbers, then their companions."""
        numbers = Numbers.sorted(self._waiting, adds=self._adds)
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115, it is there as long as the bag
                weakref.finalize(self, self._file.close)
            self._file.seek(0, 2)
            for values in numbers:
                if values is not None:
                    values.tofile(self._file)
        except OSError as error:
            where = tempfile.gettempdir()
            raise HeirloomError(f"{where}: a temporary file cannot be written ({error}); set TMPDIR to a folder with room") from None
        self._sizes.append(len(numbers.codes))
        self._waiting = []

    def _read(self, piece: int, first: int, last: int) -> Numbers:
        """Return the numbers of a piece from a place to another."""
        assert self._file is not None
        values_per_number = 2 if self._has_companions else 1
        begin = _BYTES * values_per_number * sum(self._sizes[:piece])
        self._file.seek(begin + _BYTES * first)
        codes = np.fromfile(self._file, np.uint64, last - first)
        if not self._has_companions:
            return Numbers(codes)
        self._file.seek(begin + _BYTES * (self._sizes[piece] + first))
        return Numbers(codes, np.fromfile(self._file, np.int64, last - first))


def ranges(*spills: Spill) -> Iterator[tuple[Numbers, ...]]:
    """Yield the same range of several bags, one after another, few numbers at a time."""
    count = max(1, *(-(-spill.size // HELD) for spill in spills))
    yield from zip(*(spill.ranges(count) for spill in spills), strict=True)


def _starts(codes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return where each different number begins among ascending ones."""
    return np.flatnonzero(np.diff(codes, prepend=~codes[:1]))


def _cuts(codes: NDArray[np.uint64], bounds: NDArray[np.uint64]) -> list[int]:
    """Return where each range begins among ascending numbers, and where the last one ends."""
    return [0, *np.searchsorted(codes, bounds).tolist(), len(codes)]
