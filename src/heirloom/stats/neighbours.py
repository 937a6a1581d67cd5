"""Do rows depend on the rows before them? Then rows are no units, and a test that exchanges them gives false alarms.

Shapes: N rows, D numbers a row, K lags, V types, T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.sparse import csr_array

from heirloom.stats.exchange import LEFT_OUT
from heirloom.stats.samples import Floats, Ints
from heirloom.streams import Stream

LEVEL = 0.001
"""Chance of calling independent rows of two samples dependent."""

FEWEST_ROWS = 64
MOST_BLOCKS = 12
"""Blocks of neighbours of the smaller sample that trade places where rows depend: few, so that they are long."""

_DIRECTIONS = 32
_REACH_Z = 2.0
"""Rows count as dependent up to the lag where `serial_z` first falls below this."""


@dataclass(frozen=True)
class Dependence:
    """How rows depend on the rows before them: the `serial_z` of the next row, and up to which distance in rows."""

    strength: float
    reach: int


def depend(samples: tuple[Floats, Floats]) -> Dependence | None:
    """Return the stronger dependence of two samples, shapes (N, D), and the longer reach, if significant at `LEVEL`; else None."""
    lags = [serial_z(x_ND) for x_ND in samples]
    largest = max(float(z_K[0]) for z_K in lags)
    if largest <= NormalDist().inv_cdf(1 - LEVEL / len(samples)):
        return None
    return Dependence(largest, max(int(np.argmin(np.append(z_K, -np.inf) >= _REACH_Z)) for z_K in lags))


def serial_z(x_ND: Floats) -> Floats:
    """Return how many standard deviations the correlation of rows 1, 2 … apart lies above chance, shape (K,), K at most N / 2.

    The statistic at lag k is sum_i <s_i, s_(i+k)> of the ranks s of each dimension, less its mean over all orders of the rows and
    divided by its standard deviation there, which is sqrt(N - k) times the Frobenius norm of the covariance of s. For one
    dimension and k = 1 that is the rank test of serial correlation of Wald and Wolfowitz 1943. It is 0 for fewer than
    `FEWEST_ROWS` rows.
    """
    if len(x_ND) < FEWEST_ROWS:
        return np.zeros(1)
    scores_ND = np.column_stack([_ranks(x_N) for x_N in x_ND.T])
    scores_ND -= scores_ND.mean(axis=0)
    scale_D = scores_ND.std(axis=0)
    scores_ND /= np.where(scale_D > 0, scale_D, 1)
    covariance_DD = scores_ND.T @ scores_ND / len(scores_ND)
    pairs_K = len(scores_ND) - np.arange(1, len(scores_ND) // 2 + 1)
    spread_K = np.sqrt(pairs_K) * np.linalg.norm(covariance_DD)
    along_K = _products(scores_ND)[1 : len(pairs_K) + 1] + pairs_K / (len(scores_ND) - 1) * np.trace(covariance_DD)
    return np.asarray(np.divide(along_K, spread_K, out=np.zeros_like(along_K), where=spread_K > 0))


def _products(scores_ND: Floats) -> Floats:
    """Return sum_i <s_i, s_(i+k)> for k = 0 … N - 1 by the fast Fourier transform, shape (N,)."""
    length = 1 << (2 * len(scores_ND) - 1).bit_length()
    power = sum(np.abs(np.fft.rfft(scores_N, length)) ** 2 for scores_N in scores_ND.T)
    return np.asarray(np.fft.irfft(power, length)[: len(scores_ND)])


def _ranks(x_N: Floats) -> Floats:
    """Return the rank of each number, the mean of their ranks for numbers that tie; `scipy.stats` takes a second to import."""
    ordered_N = np.sort(x_N)
    return (np.searchsorted(ordered_N, x_N, "left") + np.searchsorted(ordered_N, x_N, "right")) / 2


def directions(x_ND: Floats, stream: Stream) -> Floats:
    """Return rows of many numbers along 32 random directions; others as they are."""
    if x_ND.shape[1] <= _DIRECTIONS:
        return x_ND
    return np.asarray(x_ND @ stream.generator().standard_normal((x_ND.shape[1], _DIRECTIONS)))


def of_words(types_T: Ints, offsets: Ints, num_types: int, stream: Stream) -> Floats:
    """Return 32 numbers per row that are alike where rows share types: sums of random vectors, rare types weighing more.

    Parameters
    ----------
    types_T, offsets, num_types
        As in `heirloom.stats.samples.TextSample`, and V.
    stream
        Draws a vector a type.
    """
    counts_V = np.bincount(types_T, minlength=num_types)
    rarity_V = np.log(np.maximum(types_T.size, 1) / np.maximum(counts_V, 1))
    vectors_VD = stream.generator().standard_normal((num_types, _DIRECTIONS)) * rarity_V[:, None]
    rows = csr_array((np.ones(types_T.size), types_T, offsets), shape=(offsets.size - 1, num_types))
    return np.asarray(rows @ vectors_VD)


def block_keys(num_a: int, num_b: int, reach: int) -> tuple[Ints, Ints]:
    """Return the keys of rows that trade places in equally long blocks of neighbours, shapes (num_a,) and (num_b,).

    The last ``reach`` rows of a block are left out (-1), so that no block depends on the next: else what stands in two
    neighbouring blocks would be parted by exchanges and never by the data. So are rows that fill no block.
    """
    fewest = min(num_a, num_b)
    length = min(fewest, max(fewest // MOST_BLOCKS, 2 * reach + 1))
    blocks_a, blocks_b = (_blocks(size, length, min(reach, length // 2)) for size in (num_a, num_b))
    return blocks_a, np.where(blocks_b == LEFT_OUT, LEFT_OUT, blocks_b + num_a)


def _blocks(num_rows: int, length: int, gap: int) -> Ints:
    blocks_N, place_N = np.divmod(np.arange(num_rows), length)
    return np.where((place_N < length - gap) & (blocks_N < num_rows // length), blocks_N, LEFT_OUT)
