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
from heirloom.runtime.streams import Stream
from heirloom.stats.samples import Ints

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
    codes_a, codes_b = np.split(codes, [keys_a.size])
    num_keys = codes.max() + 1
    size_a_K = np.bincount(codes_a[keys_a != LEFT_OUT], minlength=num_keys)
    size_b_K = np.bincount(codes_b[keys_b != LEFT_OUT], minlength=num_keys)
    block_a_K, block_b_K = np.full(num_keys, LEFT_OUT), np.full(num_keys, LEFT_OUT)

    is_pair_K = (size_a_K > 0) & (size_b_K > 0)
    pairs = np.flatnonzero(is_pair_K)
    block_a_K[pairs], block_b_K[pairs], swaps_PM = _swaps(pairs.size, stream.child("swaps"), num_permutations)
    num_swap_blocks = swaps_PM.shape[1]

    singles_a, singles_b = _lone_keys(size_a_K, size_b_K)
    deal_a, deal_b, deals_PM = _deals(singles_a.size, singles_b.size, stream.child("deals"), num_permutations)
    block_a_K[singles_a] = deal_a + num_swap_blocks
    block_b_K[singles_b] = deal_b + num_swap_blocks

    rows_K = np.where(is_pair_K, np.minimum(size_a_K, size_b_K), np.maximum(size_a_K, size_b_K))
    blocks_a, blocks_b = _row_blocks(codes_a, block_a_K, rows_K), _row_blocks(codes_b, block_b_K, rows_K)
    num_singles = singles_a.size + singles_b.size
    num_left_out = int((blocks_a < 0).sum() + (blocks_b < 0).sum())
    movable = deals_PM[0, :-2]
    return Exchange(
        blocks_a,
        blocks_b,
        np.hstack([swaps_PM, deals_PM]),
        num_units=pairs.size + num_singles,
        note=_note(pairs.size, num_singles, num_left_out),
        num_pairs=num_swap_blocks // 2,
        num_deals=(int(movable.sum()), int((movable == 0).sum())),
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


def _lone_keys(size_a_K: Ints, size_b_K: Ints) -> tuple[Ints, Ints]:
    """Return the keys that only A has and those that only B has; none of either where one sample has no such key."""
    only_a = np.flatnonzero((size_a_K > 0) & (size_b_K == 0))
    only_b = np.flatnonzero((size_b_K > 0) & (size_a_K == 0))
    if only_a.size and only_b.size:
        return only_a, only_b
    return only_a[:0], only_b[:0]


def _swaps(num_pairs: int, stream: Stream, num_permutations: int) -> tuple[Ints, Ints, NDArray[np.float32]]:
    """Return the block of each pair on A's side and on B's, and which blocks A has under every permutation, shape (1 + P, M)."""
    pairs_per_block = math.ceil(num_pairs / MAX_PAIR_BLOCKS) or 1
    blocks = np.arange(num_pairs) // pairs_per_block
    num_blocks = math.ceil(num_pairs / pairs_per_block)
    stays_PM = stream.generator().random((num_permutations + 1, num_blocks)) < 0.5
    stays_PM[0] = True
    return blocks, blocks + num_blocks, np.hstack([stays_PM, ~stays_PM]).astype(np.float32)


def _deals(num_a: int, num_b: int, stream: Stream, num_permutations: int) -> tuple[Ints, Ints, NDArray[np.float32]]:
    """Deal blocks of equally many units; what does not fill a block, or is one block too many, stays where it is."""
    size_for_speed = math.ceil((num_a + num_b) / MAX_FREE_BLOCKS)
    size_for_power = min(num_a, num_b) // _MIN_SIDE_BLOCKS
    block_size = max(1, min(size_for_speed, size_for_power))
    blocks_a, num_movable_a = _full_blocks(num_a, block_size)
    blocks_b, num_movable_b = _full_blocks(num_b, block_size)
    num_movable = num_movable_a + num_movable_b
    order_PM = stream.generator().random((num_permutations + 1, num_movable)).argsort(axis=1)
    order_PM[0] = np.arange(num_movable)
    fixed_a, fixed_b = np.ones((len(order_PM), 1)), np.zeros((len(order_PM), 1))
    in_a_PM = np.hstack([order_PM < num_movable_a, fixed_a, fixed_b]).astype(np.float32)
    blocks_a[blocks_a == LEFT_OUT] = num_movable
    blocks_b[blocks_b != LEFT_OUT] += num_movable_a
    blocks_b[blocks_b == LEFT_OUT] = num_movable + 1
    return blocks_a, blocks_b, in_a_PM


def _full_blocks(num_units: int, block_size: int) -> tuple[Ints, int]:
    """Return the block of each unit, -1 for units that fill none, and how many blocks there are."""
    num_full = num_units // block_size
    places = np.linspace(0, num_full - 1, min(num_full, 2 * MAX_FREE_BLOCKS))
    movable = np.unique(places.astype(np.int64))
    number = np.full(num_full + 1, LEFT_OUT)
    number[movable] = np.arange(movable.size)
    return number[np.arange(num_units) // block_size], movable.size


def _row_blocks(codes_N: Ints, block_K: Ints, rows_K: Ints) -> Ints:
    """Return the block of each row, that of its key; -1 for the rows of a key beyond its first ``rows_K``."""
    order_N = np.argsort(codes_N, kind="stable")
    sorted_codes_N = codes_N[order_N]
    start_K = np.searchsorted(sorted_codes_N, np.arange(block_K.size))
    rank_N = np.empty(codes_N.size, dtype=np.int64)
    rank_N[order_N] = np.arange(codes_N.size) - start_K[sorted_codes_N]
    return np.where(rank_N < rows_K[codes_N], block_K[codes_N], LEFT_OUT)


def _note(num_pairs: int, num_unpaired: int, num_left_out: int) -> str:
    parts = []
    if num_pairs:
        parts.append(f"{num_pairs} pairs trade places")
    if num_unpaired:
        parts.append(f"{num_unpaired} unpaired units are dealt anew")
    if num_left_out:
        parts.append(f"{num_left_out} rows are left out")
    return ", ".join(parts)
