"""Named random streams: the only place in Heirloom where randomness comes from.

A stream is a tuple of names, such as ``(seed, regime, generation, step)``. Equal names give equal numbers; any other name
gives numbers that have nothing to do with them, because the names are hashed, never added. A new arm, seed or generation
therefore never changes the draws of another. Experiment and variant are in no name, so variants share their numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DRAWS_PER_COUNTER = 4  # Philox4x64 gives four 64-bit words for each value of its counter


@dataclass(frozen=True)
class Stream:
    """A name for a sequence of random numbers.

    Parameters
    ----------
    names
        Integers and words, from the general to the special: seed, regime, generation, step, quantity.
    first_row
        The row that `uniforms` counts from: who writes a part of the rows is given the stream from that part's first row on.
    """

    names: tuple[int | str, ...]
    first_row: int = 0

    def child(self, *names: int | str) -> Stream:
        """Return the stream with further names appended."""
        return Stream((*self.names, *names), self.first_row)

    def from_row(self, row: int) -> Stream:
        """Return the stream that calls ``row`` its row 0; what `generator` draws stays the same."""
        return Stream(self.names, self.first_row + row)

    def generator(self) -> np.random.Generator:
        """Return a fresh generator at the start of this stream."""
        return np.random.Generator(np.random.PCG64DXSM(self._entropy()))

    def uniforms(self, first_row: int, num_rows: int, width: int) -> NDArray[np.float64]:
        """Return uniforms in [0, 1) keyed by row id, so that no row's numbers depend on which rows are asked for.

        Parameters
        ----------
        first_row, num_rows
            Ids of the rows, counted from the stream's own first row: ``first_row … first_row + num_rows - 1``.
        width
            Numbers a row. Part of the key's layout: the same row asked with another width gets other numbers.

        Returns
        -------
        array of shape (num_rows, width)
        """
        counters = -(-width // _DRAWS_PER_COUNTER)
        philox = np.random.Philox(key=self._entropy() & (2**128 - 1))
        philox.advance((self.first_row + first_row) * counters)
        numbers = np.random.Generator(philox).random((num_rows, counters * _DRAWS_PER_COUNTER))
        return numbers[:, :width]

    def uniforms_of(self, rows: NDArray[np.int64], width: int) -> NDArray[np.float64]:
        """Return the numbers that `uniforms` gives rows of any ids, in any order, shape (rows, width)."""
        numbers = np.empty((len(rows), width))
        for place, row in enumerate(rows.tolist()):
            numbers[place] = self.uniforms(row, 1, width)
        return numbers

    def _entropy(self) -> int:
        digest = hashlib.sha256(json.dumps(self.names).encode()).digest()
        return int.from_bytes(digest[:32], "big")


def lineage(seed: int, regime: str) -> Stream:
    """Return the stream of one lineage; steps append generation, step and quantity."""
    return Stream((seed, regime))


def step(seed: int, regime: str, generation: int, name: str) -> Stream:
    """Return the stream of one step of one generation."""
    return lineage(seed, regime).child(generation, name)


@contextmanager
def torch_noise(stream: Stream) -> Iterator[None]:
    """Let libraries that draw from torch's own generators (dropout, new weights) draw from a stream, and leave no trace of it.

    The one place that seeds a generator that is not passed on by hand.
    """
    import torch

    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(stream.generator().integers(2**63)))  # noqa: TID251
        yield
