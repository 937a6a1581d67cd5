"""Token counts of both sides under every exchange: products of the blocks' counts with the exchange matrix.

A frequent type is a row of a dense matrix. Rare types are added up token by token, and as many of them have equal counts under an
exchange, the logarithms are taken once per pair of counts. Permutations pass through in chunks, so that no array grows with
permutations × types.

Shapes: P permutations (the first is the data), M blocks, T tokens, V types, F frequent types, R rare types, C permutations of one chunk,
K pairs of counts in A and in B.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.stats.exchange import LEFT_OUT, Exchange
from heirloom.stats.samples import Floats, Ints, TextSample

_MOST_RARE = 64
"""Occurrences of a rare type in both samples together: few enough that a byte counts them, and that pairs of counts repeat."""
_CHUNK_NUMBERS = 2**20

Singles = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class TokenStatistics:
    """One number a permutation, shape (P,).

    Parameters
    ----------
    divergence_bits, entropy_difference
        Jensen-Shannon divergence (see `heirloom.stats.divergence.jensen_shannon`); Shannon's plug-in entropy, B - A, in nats.
    types_a, types_b, tokens_a, tokens_b
        Number of different types, and of tokens, dealt to each side.
    """

    divergence_bits: Floats
    entropy_difference: Floats
    types_a: Floats
    types_b: Floats
    tokens_a: Floats
    tokens_b: Floats


def token_statistics(a: TextSample, b: TextSample, moves: Exchange) -> TokenStatistics:
    """Return the statistics of tokens under every exchange; a side without tokens has entropy 0.

    Raises
    ------
    HeirloomError
        If a type id is negative, or a sample's offsets do not fit its types.
    """
    types_a, blocks_a = _tokens(a, moves.blocks_a)
    types_b, blocks_b = _tokens(b, moves.blocks_b)
    types_T, blocks_T = np.concatenate([types_a, types_b]), np.concatenate([blocks_a, blocks_b])
    num_blocks = moves.in_a.shape[1]
    tokens_a = moves.in_a.astype(np.float64) @ np.bincount(blocks_T, minlength=num_blocks)
    tokens_b = types_T.size - tokens_a
    frequent, rare = _frequent(types_T, blocks_T, num_blocks), _rare(types_T, blocks_T)
    chunk_size = max(1, _CHUNK_NUMBERS // max(1, len(frequent.totals), len(rare.totals)))
    sums = []
    for start in range(0, tokens_a.size, chunk_size):
        chunk = slice(start, start + chunk_size)
        in_a_MC = np.ascontiguousarray(moves.in_a[chunk].T)
        cells = frequent.cells(in_a_MC), rare.cells(in_a_MC.astype(np.uint8))
        sums.append(sum(_sums(part, tokens_a[chunk], tokens_b[chunk]) for part in cells))
    plogp_P, qlogq_P, mlogm_P, num_types_a, num_types_b = np.concatenate(sums, axis=1)
    bits_P = ((plogp_P + qlogq_P) / 2 - mlogm_P) / math.log(2)
    return TokenStatistics(bits_P, plogp_P - qlogq_P, num_types_a, num_types_b, tokens_a, tokens_b)


def _tokens(sample: TextSample, blocks_N: Ints) -> tuple[Ints, Ints]:
    if sample.types.size and sample.types.min() < 0:
        raise HeirloomError(f"type ids must be 0 or more, got {sample.types.min()}")
    if sample.offsets[-1] != sample.types.size:
        raise HeirloomError(f"offsets of rows must end at the number of tokens, {sample.types.size}, got {sample.offsets[-1]}")
    blocks_T = np.repeat(blocks_N, np.diff(sample.offsets))
    is_dealt_T = blocks_T != LEFT_OUT
    if is_dealt_T.all():
        return sample.types, blocks_T
    return sample.types[is_dealt_T], blocks_T[is_dealt_T]


@dataclass(frozen=True)
class _Cells:
    """How often a count in A goes with a count in B, of one type or of several: counts of shape (K, C) or (K, 1), times (K, C)."""

    a: Floats
    b: Floats
    times: Floats


@dataclass(frozen=True)
class _Frequent:
    """Occurrences of frequent types in each block, shape (F, M), and in all blocks, shape (F,)."""

    counts: Singles
    totals: Floats

    def cells(self, in_a_MC: Singles) -> _Cells:
        """Return each type's counts under some exchanges."""
        a_FC = (self.counts @ in_a_MC).astype(np.float64)
        return _Cells(a_FC, self.totals[:, None] - a_FC, np.ones((1, 1)))


@dataclass(frozen=True)
class _Rare:
    """Rare types, the more frequent first: the block of each one's first occurrence, of its second and so on; occurrences, shape (R,)."""

    blocks: list[Ints]
    totals: Ints

    @cached_property
    def pairs(self) -> tuple[Ints, Ints, Ints]:
        """The counts in A and in B that some type may have, shapes (K,), and where those of each type begin, shape (R,)."""
        totals, groups_R = np.unique(self.totals, return_inverse=True)
        starts = np.concatenate([[0], np.cumsum(totals + 1)])
        a_K = np.arange(starts[-1]) - np.repeat(starts[:-1], totals + 1)
        return a_K, np.repeat(totals, totals + 1) - a_K, starts[groups_R]

    def cells(self, in_a_MC: Bytes) -> _Cells:
        """Return how many types have each pair of counts under some exchanges."""
        num_exchanges = in_a_MC.shape[1]
        a_RC = np.zeros((len(self.totals), num_exchanges), np.uint8)
        for blocks in self.blocks:
            a_RC[: len(blocks)] += in_a_MC[blocks]
        a_K, b_K, starts_R = self.pairs
        pairs_RC = a_RC + starts_R[:, None]
        pairs_RC += np.arange(num_exchanges) * len(a_K)
        times = np.bincount(pairs_RC.ravel(), minlength=len(a_K) * num_exchanges)
        times_KC = times.reshape(num_exchanges, len(a_K)).T
        return _Cells(a_K[:, None].astype(np.float64), b_K[:, None].astype(np.float64), times_KC.astype(np.float64))


def _frequent(types_T: Ints, blocks_T: Ints, num_blocks: int) -> _Frequent:
    totals_V = np.bincount(types_T)
    types = np.flatnonzero(totals_V > _MOST_RARE)
    row_V = np.full(totals_V.size, -1)
    row_V[types] = np.arange(types.size)
    row_T = row_V[types_T]
    is_frequent_T = row_T >= 0
    cells = row_T[is_frequent_T] * num_blocks + blocks_T[is_frequent_T]
    counts = np.bincount(cells, minlength=types.size * num_blocks)
    return _Frequent(counts.reshape(types.size, num_blocks).astype(np.float32), totals_V[types].astype(np.float64))


def _rare(types_T: Ints, blocks_T: Ints) -> _Rare:
    totals_V = np.bincount(types_T)
    types = np.flatnonzero((totals_V > 0) & (totals_V <= _MOST_RARE))
    types = types[np.argsort(-totals_V[types], kind="stable")]
    rank_V = np.full(totals_V.size, types.size)
    rank_V[types] = np.arange(types.size)
    # The narrower a number is, the faster numpy sorts it: of 16 bits in one pass.
    order_T = np.argsort(rank_V.astype(np.min_scalar_type(types.size))[types_T], kind="stable")
    totals = totals_V[types]
    starts = np.concatenate([[0], np.cumsum(totals)])[:-1]
    num_types = [int((totals > place).sum()) for place in range(int(totals.max(initial=0)))]
    blocks = [blocks_T[order_T[starts[:number] + place]] for place, number in enumerate(num_types)]
    return _Rare(blocks, totals)


def _sums(cells: _Cells, num_a_C: Floats, num_b_C: Floats) -> Floats:
    """Return sum p ln p, sum q ln q, sum m ln m over the types, and the types in A and in B: shape (5, C)."""
    p_KC = cells.a / np.maximum(num_a_C, 1)  # an exchange may deal all empty rows to one side
    q_KC = cells.b / np.maximum(num_b_C, 1)
    terms = (_xlogx(p_KC), _xlogx(q_KC), _xlogx((p_KC + q_KC) / 2), cells.a > 0, cells.b > 0)
    return np.array([(cells.times * term).sum(axis=0) for term in terms], dtype=np.float64)


def _xlogx(p_KC: Floats) -> Floats:
    return p_KC * np.log(np.maximum(p_KC, np.finfo(np.float64).tiny))
