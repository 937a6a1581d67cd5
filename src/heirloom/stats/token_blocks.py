"""Token counts of both sides under every exchange: products of the blocks' counts with the exchange matrix.

Frequent types are a dense matrix, rare ones a sparse one, and permutations pass through in chunks, so that no array grows with
permutations × types.

Shapes: P permutations (the first is the data), M blocks, T tokens, V types, F types of one matrix, C permutations of one chunk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from heirloom.errors import HeirloomError
from heirloom.stats.exchange import LEFT_OUT, Exchange
from heirloom.stats.samples import Floats, Ints, TextSample

_DENSE_TYPES = 2048
_CHUNK_NUMBERS = 2**20

Singles = NDArray[np.float32]


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
    types_T, blocks_T = (np.concatenate(parts) for parts in zip(_tokens(a, moves.blocks_a), _tokens(b, moves.blocks_b), strict=True))
    num_blocks = moves.in_a.shape[1]
    tokens_a = moves.in_a.astype(np.float64) @ np.bincount(blocks_T, minlength=num_blocks)
    tokens_b = types_T.size - tokens_a
    matrices = _count_matrices(types_T, blocks_T, num_blocks)
    chunk = max(1, _CHUNK_NUMBERS // max(1, *(matrix.shape[0] for matrix in matrices)))
    parts = []
    for start in range(0, tokens_a.size, chunk):
        here = slice(start, start + chunk)
        in_a_MC = np.ascontiguousarray(moves.in_a[here].T)
        parts.append(np.sum([_sums(matrix, in_a_MC, tokens_a[here], tokens_b[here]) for matrix in matrices], axis=0))
    plogp_P, qlogq_P, mlogm_P, types_a, types_b = np.concatenate(parts, axis=1)
    bits_P = ((plogp_P + qlogq_P) / 2 - mlogm_P) / math.log(2)
    return TokenStatistics(bits_P, plogp_P - qlogq_P, types_a, types_b, tokens_a, tokens_b)


def _tokens(sample: TextSample, blocks_N: Ints) -> tuple[Ints, Ints]:
    if sample.types.size and sample.types.min() < 0:
        raise HeirloomError(f"type ids must be 0 or more, got {sample.types.min()}")
    if sample.offsets[-1] != sample.types.size:
        raise HeirloomError(f"offsets of rows must end at the number of tokens, {sample.types.size}, got {sample.offsets[-1]}")
    blocks_T = np.repeat(blocks_N, np.diff(sample.offsets))
    kept_T = blocks_T != LEFT_OUT
    return (sample.types, blocks_T) if kept_T.all() else (sample.types[kept_T], blocks_T[kept_T])


def _count_matrices(types_T: Ints, blocks_T: Ints, num_blocks: int) -> list[Any]:
    """Return counts of shape (F, M) for the frequent types, dense, and for the others, sparse."""
    order_V = np.argsort(-np.bincount(types_T), kind="stable")
    rank_V = np.empty_like(order_V)
    rank_V[order_V] = np.arange(order_V.size)
    rank_T = rank_V[types_T]
    often_T = rank_T < _DENSE_TYPES
    num_often = min(_DENSE_TYPES, order_V.size)
    cells = rank_T[often_T] * num_blocks + blocks_T[often_T]
    dense = np.bincount(cells, minlength=num_often * num_blocks).reshape(num_often, num_blocks).astype(np.float32)
    rare = (rank_T[~often_T] - _DENSE_TYPES, blocks_T[~often_T])
    if not rare[0].size:
        return [dense]
    # Repeats of a cell add up in the product.
    return [dense, csr_array((np.ones(rare[0].size, np.float32), rare), shape=(int(rare[0].max()) + 1, num_blocks))]


def _sums(counts_FM: Any, in_a_MC: Singles, num_a_C: Floats, num_b_C: Floats) -> Floats:
    """Return sum p ln p, sum q ln q, sum m ln m over the matrix's types, and its types in A and in B: shape (5, C)."""
    a_FC = (counts_FM @ in_a_MC).astype(np.float64)
    b_FC = np.asarray(counts_FM.sum(axis=1), dtype=np.float64)[:, None] - a_FC
    types = [np.count_nonzero(a_FC, axis=0), np.count_nonzero(b_FC, axis=0)]
    a_FC /= np.maximum(num_a_C, 1)  # an exchange may deal all empty rows to one side
    b_FC /= np.maximum(num_b_C, 1)
    return np.array([*(_xlogx(part) for part in (a_FC, b_FC, (a_FC + b_FC) / 2)), *types], dtype=np.float64)


def _xlogx(p_FC: Floats) -> Floats:
    return np.einsum("fc,fc->c", p_FC, np.log(np.maximum(p_FC, np.finfo(np.float64).tiny)))
