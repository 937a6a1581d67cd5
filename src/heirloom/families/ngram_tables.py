"""N-grams counted in rows: those inside blocks, or those that end in the completion of a pair, each as often as its row weighs.

Legend of shapes: N rows, T tokens a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.data import ragged
from heirloom.data.arrow import as_matrix, numbers
from heirloom.data.columns import PROMPT, WEIGHT
from heirloom.data.dataset import Dataset
from heirloom.data.ragged import PADDING
from heirloom.errors import HeirloomError

Ints = NDArray[np.int64]
Counts = NDArray[np.int64] | NDArray[np.float64]
"""Whole numbers, or sums of weights where rows have weights."""

_MOST_WAITING = 2**20
"""Keys of batches that wait to be merged into a table, where that is short."""


def keys_of(tokens_NT: NDArray[Any], length: int, vocab_size: int) -> Ints:
    """Return every n-gram of a length inside rows as a number in base ``vocab_size``, row by row, flat; -1 where padding is in it."""
    width = max(0, tokens_NT.shape[1] - length + 1)
    keys = np.zeros((len(tokens_NT), width), np.int64)
    for offset in range(length):
        keys = keys * vocab_size + tokens_NT[:, offset : offset + width]
    if tokens_NT.min(initial=0) < 0:
        for offset in range(length):
            keys[tokens_NT[:, offset : offset + width] == PADDING] = -1
    return keys.reshape(-1)


def add_blocks(rows: Dataset, vocab_size: int, tables: Sequence[Table]) -> None:
    """Count the n-grams inside blocks: those of length 1 in the first table, of length 2 in the second, and so on.

    Raises
    ------
    HeirloomError
        If rows are shorter than the longest n-gram.
    """
    for tokens_NT, weight_N in _weighted_matrices(rows):
        if tokens_NT.shape[1] < len(tables):
            raise HeirloomError(f"rows of {tokens_NT.shape[1]} tokens are shorter than family.training.order {len(tables)}")
        for length, table in enumerate(tables, start=1):
            keys = keys_of(tokens_NT, length, vocab_size)
            table.add(*_key_counts(keys, weight_N))


def add_pairs(rows: Dataset, vocab_size: int, tables: Sequence[Table]) -> None:
    """Count the n-grams that end in a completion, as `add_blocks` does; they may begin in the prompt.

    Raises
    ------
    HeirloomError
        If no row is as long as the longest n-gram.
    """
    columns = [PROMPT, "tokens", *([WEIGHT] if rows.is_weighted else [])]
    for batch in rows.batches(columns):
        prompts_NP = ragged.padded(batch.column(batch.schema.get_field_index(PROMPT)), left=True)
        tokens_NT = np.column_stack([prompts_NP, ragged.padded(batch.column(batch.schema.get_field_index("tokens")))]).astype(np.int64)
        weight_N = numbers(batch.column(batch.schema.get_field_index(WEIGHT))) if rows.is_weighted else None
        for length, table in enumerate(tables, start=1):
            first = max(0, prompts_NP.shape[1] - length + 1)
            keys = keys_of(tokens_NT[:, first:], length, vocab_size)
            is_whole = keys >= 0
            weights = None if weight_N is None else np.repeat(weight_N, len(keys) // len(weight_N))[is_whole]
            table.add(*_key_counts(keys[is_whole], weights))
    if not len(tables[-1].merged()[0]):
        raise HeirloomError(f"no pair has as many tokens as family.training.order, {len(tables)}; lower it")


def _weighted_matrices(rows: Dataset) -> Iterator[tuple[NDArray[Any], NDArray[np.float64] | None]]:
    """Yield the rows' tokens batch by batch, and the rows' weights if they have any."""
    if not rows.is_weighted:
        yield from ((tokens_NT, None) for tokens_NT in rows.matrices("tokens"))
        return
    for batch in rows.batches(["tokens", WEIGHT]):
        yield as_matrix(batch.column("tokens")), numbers(batch.column(WEIGHT))


def _key_counts(keys: Ints, weight_N: NDArray[np.float64] | None) -> tuple[Ints, Counts]:
    """Return the different keys and how often each stands there; keys of one row stand together and weigh what the row weighs."""
    if weight_N is None:
        return np.unique(keys, return_counts=True)
    unique, place = np.unique(keys, return_inverse=True)
    weights = np.repeat(weight_N, len(keys) // len(weight_N))
    return unique, np.bincount(place, weights=weights)


class Table:
    """Different keys and their counts, from batches: these are merged when they are half as long as the table, so that few wait."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ints, Counts]] = []
        self._num_waiting = 0

    def add(self, keys: Ints, counts: Counts) -> None:
        """Take the different keys of a batch, and how often each stands there."""
        self._parts.append((keys, counts))
        self._num_waiting += len(keys)
        if self._num_waiting > max(_MOST_WAITING, len(self._parts[0][0]) // 2):
            self._parts = [self.merged()]
            self._num_waiting = 0

    def merged(self) -> tuple[Ints, Counts]:
        """Return the different keys, ascending, and their counts, added in the order of the batches."""
        if len(self._parts) == 1:
            return self._parts[0]
        keys, counts = (np.concatenate(arrays) for arrays in zip(*self._parts, strict=True))
        unique, place = np.unique(keys, return_inverse=True)
        return unique, np.bincount(place, weights=counts).astype(counts.dtype)
