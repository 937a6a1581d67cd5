"""Which rows may trade places if the two samples have one law.

- A key that is in both samples makes a pair: all its rows in A trade places with all its rows in B. Where one side has more
  rows, its later ones are left out, because a pair of unequal sizes cannot trade places.
- Keys of one sample alone, and rows without keys, are units that are dealt anew, with the number on each side kept. If only
  one sample has such keys, nothing can take their place and they are left out.

Units move in blocks of neighbours, at most a few hundred blocks. That is a subgroup of all exchanges, so the tests stay exact;
it makes them fast, and neighbouring rows that resemble each other do no harm.

Shapes: N rows, P permutations, M blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.stats.samples import Ints
from heirloom.streams import Stream

MAX_PAIR_BLOCKS = 256
MAX_FREE_BLOCKS = 512
LEFT_OUT = -1
_MIN_SIDE_BLOCKS = 32


@dataclass(frozen=True)
class Exchange:
    """A set of random exchanges.

    Parameters
    ----------
    blocks_a, blocks_b
        Block of each row, or -1 for a row that is left out, shape (N,).
    in_a
        1 where the block is dealt to A, shape (1 + P, M); the first row is the data as it is, the last two blocks never move.
    num_units
        Pairs and unpaired units that move.
    note
        What was exchanged, in words.
    num_pairs, num_deals
        Blocks of pairs, each a column of A's and one of B's, first all of A's; then blocks of unpaired units, A's and B's.
    """

    blocks_a: Ints
    blocks_b: Ints
    in_a: NDArray[np.float32]
    num_units: int
    note: str
    num_pairs: int = 0
    num_deals: tuple[int, int] = (0, 0)

    @property
    def smallest_p(self) -> float:
        """The smallest p-value that a test can have: all exchanges, or as many as were drawn; sides that change over tell nothing."""
        arrangements = 2.0**self.num_pairs * math.comb(sum(self.num_deals), self.num_deals[0])
        return max(1 / len(self.in_a), min(1.0, 2 / arrangements))


def exchange(keys_a: Ints, keys_b: Ints, stream: Stream, num_permutations: int) -> Exchange:
    """Return random exchanges of the rows of two samples.

    Parameters
    ----------
    keys_a, keys_b
        Prompt or article of each row, shapes (N,); see `row_keys` for rows without. Rows of key -1 are left out.
    stream, num_permutations
        Where the permutations come from, and how many, P.

    Raises
    ------
    HeirloomError
        If a sample has no row or there is no permutation.
    """
    if not keys_a.size or not keys_b.size or num_permutations < 1:
        raise HeirloomError(
            f"a permutation test needs rows in both samples and at least one permutation, got {keys_a.size} and "
            f"{keys_b.size} rows and {num_permutations} permutations"
        )
    codes = np.unique(np.concatenate([keys_a, keys_b]), return_inverse=True)[1]
    codes_a, codes_b = codes[: keys_a.size], codes[keys_a.size :]
    size_a_K, size_b_K = (
        np.bincount(part[keys != LEFT_OUT], minlength=codes.max() + 1) for part, keys in ((codes_a, keys_a), (codes_b, keys_b))
    )
    pair_K = (size_a_K > 0) & (size_b_K > 0)
    block_a_K, block_b_K = np.full(pair_K.size, LEFT_OUT), np.full(pair_K.size, LEFT_OUT)

    pairs = np.flatnonzero(pair_K)
    block_a_K[pairs], block_b_K[pairs], swapped = _swaps(pairs.size, stream.child("swaps"), num_permutations)
    only_a, only_b = np.flatnonzero((size_a_K > 0) & ~pair_K), np.flatnonzero((size_b_K > 0) & ~pair_K)
    deal = (only_a, only_b) if only_a.size and only_b.size else (only_a[:0], only_b[:0])
    free_a, free_b, dealt = _deals(deal[0].size, deal[1].size, stream.child("deals"), num_permutations)
    block_a_K[deal[0]], block_b_K[deal[1]] = free_a + swapped.shape[1], free_b + swapped.shape[1]

    kept_K = np.where(pair_K, np.minimum(size_a_K, size_b_K), np.maximum(size_a_K, size_b_K))
    blocks_a, blocks_b = _rows(codes_a, block_a_K, kept_K), _rows(codes_b, block_b_K, kept_K)
    return Exchange(
        blocks_a,
        blocks_b,
        np.hstack([swapped, dealt]),
        pairs.size + deal[0].size + deal[1].size,
        _note(pairs.size, deal[0].size + deal[1].size, int((blocks_a < 0).sum() + (blocks_b < 0).sum())),
        swapped.shape[1] // 2,
        (int(dealt[0, :-2].sum()), int((dealt[0, :-2] == 0).sum())),
    )


def row_keys(keys_a: Ints | None, keys_b: Ints | None, num_a: int, num_b: int) -> tuple[Ints, Ints]:
    """Return keys for both samples: those given, or a key of its own for every row.

    Raises
    ------
    HeirloomError
        If only one sample has keys, or there is not one for each row.
    """
    if keys_a is None and keys_b is None:
        return np.arange(num_a), np.arange(num_a, num_a + num_b)
    if keys_a is None or keys_b is None:
        raise HeirloomError("keys of rows: give them for both samples or for none")
    if keys_a.shape != (num_a,) or keys_b.shape != (num_b,):
        raise HeirloomError(f"keys of rows: {num_a} and {num_b} rows need as many keys, got {keys_a.size} and {keys_b.size}")
    return keys_a, keys_b


def _swaps(num_pairs: int, stream: Stream, num_permutations: int) -> tuple[Ints, Ints, NDArray[np.float32]]:
    side = -(-num_pairs // MAX_PAIR_BLOCKS) or 1
    blocks = np.arange(num_pairs) // side
    num_blocks = -(-num_pairs // side)
    stays_PM = stream.generator().random((num_permutations + 1, num_blocks)) < 0.5
    stays_PM[0] = True
    return blocks, blocks + num_blocks, np.hstack([stays_PM, ~stays_PM]).astype(np.float32)


def _deals(num_a: int, num_b: int, stream: Stream, num_permutations: int) -> tuple[Ints, Ints, NDArray[np.float32]]:
    """Deal blocks of equally many units; what does not fill a block, or is one block too many, stays where it is."""
    fewest = min(num_a, num_b)
    size = max(1, min(-(-(num_a + num_b) // MAX_FREE_BLOCKS), fewest // _MIN_SIDE_BLOCKS))
    blocks_a, moving_a = _blocks_of(num_a, size)
    blocks_b, moving_b = _blocks_of(num_b, size)
    moving = moving_a + moving_b
    order_PM = stream.generator().random((num_permutations + 1, moving)).argsort(axis=1)
    order_PM[0] = np.arange(moving)
    stay_a, stay_b = np.ones((len(order_PM), 1)), np.zeros((len(order_PM), 1))
    in_a_PM = np.hstack([order_PM < moving_a, stay_a, stay_b]).astype(np.float32)
    blocks_a[blocks_a == LEFT_OUT] = moving
    blocks_b[blocks_b != LEFT_OUT] += moving_a
    blocks_b[blocks_b == LEFT_OUT] = moving + 1
    return blocks_a, blocks_b, in_a_PM


def _blocks_of(num_units: int, size: int) -> tuple[Ints, int]:
    whole = num_units // size
    moving = np.unique(np.linspace(0, whole - 1, min(whole, 2 * MAX_FREE_BLOCKS)).astype(np.int64)) if whole else np.empty(0, np.int64)
    number = np.full(whole + 1, LEFT_OUT)
    number[moving] = np.arange(moving.size)
    return number[np.arange(num_units) // size], moving.size


def _rows(codes_N: Ints, block_K: Ints, kept_K: Ints) -> Ints:
    order_N = np.argsort(codes_N, kind="stable")
    first_K = np.searchsorted(codes_N[order_N], np.arange(block_K.size))
    rank_N = np.empty(codes_N.size, dtype=np.int64)
    rank_N[order_N] = np.arange(codes_N.size) - first_K[codes_N[order_N]]
    return np.where(rank_N < kept_K[codes_N], block_K[codes_N], LEFT_OUT)


def _note(num_pairs: int, num_free: int, num_left_out: int) -> str:
    parts = [f"{num_pairs} pairs trade places"] * bool(num_pairs) + [f"{num_free} unpaired units are dealt anew"] * bool(num_free)
    parts += [f"{num_left_out} rows are left out"] * bool(num_left_out)
    return ", ".join(parts)
