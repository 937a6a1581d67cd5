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
    types_a, blocks_a = _tokens(a, moves.blocks_a)
    types_b, blocks_b = _tokens(b, moves.blocks_b)
    types_T, blocks_T = np.concatenate([types_a, types_b]), np.concatenate([blocks_a, blocks_b])
    num_blocks = moves.in_a.shape[1]
    tokens_a = moves.in_a.astype(np.float64) @ np.bincount(blocks_T, minlength=num_blocks)
    tokens_b = types_T.size - tokens_a
    matrices = _count_matrices(types_T, blocks_T, num_blocks)
    most_types = max(1, *(matrix.shape[0] for matrix in matrices))
    chunk_size = max(1, _CHUNK_NUMBERS // most_types)
    sums = []
    for start in range(0, tokens_a.size, chunk_size):
        chunk = slice(start, start + chunk_size)
        in_a_MC = np.ascontiguousarray(moves.in_a[chunk].T)
        parts = [_sums(matrix, in_a_MC, tokens_a[chunk], tokens_b[chunk]) for matrix in matrices]
        sums.append(np.sum(parts, axis=0))
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


def _count_matrices(types_T: Ints, blocks_T: Ints, num_blocks: int) -> list[Any]:
    """Return counts of shape (F, M) for the frequent types, dense, and for the others, sparse."""
    order_V = np.argsort(-np.bincount(types_T), kind="stable")
    rank_V = np.empty_like(order_V)
    rank_V[order_V] = np.arange(order_V.size)
    rank_T = rank_V[types_T]
    is_frequent_T = rank_T < _DENSE_TYPES
    num_frequent = min(_DENSE_TYPES, order_V.size)
    cells = rank_T[is_frequent_T] * num_blocks + blocks_T[is_frequent_T]
    counts = np.bincount(cells, minlength=num_frequent * num_blocks)
    dense = counts.reshape(num_frequent, num_blocks).astype(np.float32)
    rare_types, rare_blocks = rank_T[~is_frequent_T] - _DENSE_TYPES, blocks_T[~is_frequent_T]
    if not rare_types.size:
        return [dense]
    ones = np.ones(rare_types.size, np.float32)  # repeats of a cell add up in the product
    return [dense, csr_array((ones, (rare_types, rare_blocks)), shape=(int(rare_types.max()) + 1, num_blocks))]


def _sums(counts_FM: Any, in_a_MC: Singles, num_a_C: Floats, num_b_C: Floats) -> Floats:
    """Return sum p ln p, sum q ln q, sum m ln m over the matrix's types, and its types in A and in B: shape (5, C)."""
    a_FC = (counts_FM @ in_a_MC).astype(np.float64)
    total_F = np.asarray(counts_FM.sum(axis=1), dtype=np.float64)
    b_FC = total_F[:, None] - a_FC
    types_a, types_b = np.count_nonzero(a_FC, axis=0), np.count_nonzero(b_FC, axis=0)
    p_FC = a_FC / np.maximum(num_a_C, 1)  # an exchange may deal all empty rows to one side
    q_FC = b_FC / np.maximum(num_b_C, 1)
    mixture_FC = (p_FC + q_FC) / 2
    return np.array([_xlogx(p_FC), _xlogx(q_FC), _xlogx(mixture_FC), types_a, types_b], dtype=np.float64)


def _xlogx(p_FC: Floats) -> Floats:
    return np.einsum("fc,fc->c", p_FC, np.log(np.maximum(p_FC, np.finfo(np.float64).tiny)))
