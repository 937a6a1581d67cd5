"""Do rows depend on the rows before them? Then rows are no units, and a test that exchanges them gives false alarms.

Shapes: N rows, D numbers per row, K lags, V types, T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.sparse import csr_array

from heirloom.runtime.streams import Stream
from heirloom.stats.exchange import LEFT_OUT
from heirloom.stats.samples import Floats, Ints

LEVEL = 0.001
"""Chance of calling independent rows of two samples dependent."""

FEWEST_ROWS = 64
MOST_BLOCKS = 12
"""Blocks of neighbours of the smaller sample that trade places where rows depend: few, so that they are long."""

_DIRECTIONS = 32
_LAG_Z = 2.0
"""Rows count as dependent up to the lag where `serial_z` first falls below this."""


@dataclass(frozen=True)
class Dependence:
    """How rows depend on the rows before them: the `serial_z` of the next row, and up to which distance in rows."""

    strength: float
    max_lag: int


def dependence(samples: tuple[Floats, Floats]) -> Dependence | None:
    """Return the stronger dependence of two samples, shapes (N, D), and the longer distance, if significant at `LEVEL`; else None."""
    z_of_samples = [serial_z(x_ND) for x_ND in samples]
    strength = max(float(z_K[0]) for z_K in z_of_samples)
    if strength <= NormalDist().inv_cdf(1 - LEVEL / len(samples)):
        return None
    return Dependence(strength, max(_max_lag(z_K) for z_K in z_of_samples))


def _max_lag(z_K: Floats) -> int:
    """Return the last lag before the first whose z is below `_LAG_Z`."""
    is_dependent_K = np.append(z_K >= _LAG_Z, False)
    return int(np.argmin(is_dependent_K))


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
    num_rows = len(scores_ND)
    covariance_DD = scores_ND.T @ scores_ND / num_rows
    pairs_K = num_rows - np.arange(1, num_rows // 2 + 1)
    deviation_K = np.sqrt(pairs_K) * np.linalg.norm(covariance_DD)
    products_K = _lagged_products(scores_ND)[1 : len(pairs_K) + 1]
    excess_K = products_K + pairs_K / (num_rows - 1) * np.trace(covariance_DD)
    return np.asarray(np.divide(excess_K, deviation_K, out=np.zeros_like(excess_K), where=deviation_K > 0))


def _lagged_products(scores_ND: Floats) -> Floats:
    """Return sum_i <s_i, s_(i+k)> for k = 0 … N - 1 by the fast Fourier transform, shape (N,)."""
    length = 1 << (2 * len(scores_ND) - 1).bit_length()
    power = np.zeros(length // 2 + 1)
    for scores_N in scores_ND.T:
        power += np.abs(np.fft.rfft(scores_N, length)) ** 2
    products = np.fft.irfft(power, length)
    return np.asarray(products[: len(scores_ND)])


def _ranks(x_N: Floats) -> Floats:
    """Return the rank of each number, the mean of their ranks for numbers that tie; `scipy.stats` takes a second to import."""
    ordered_N = np.sort(x_N)
    num_below_N = np.searchsorted(ordered_N, x_N, "left")
    num_up_to_N = np.searchsorted(ordered_N, x_N, "right")
    return (num_below_N + num_up_to_N) / 2


def directions(x_ND: Floats, stream: Stream) -> Floats:
    """Return rows of many numbers along 32 random directions; others as they are."""
    if x_ND.shape[1] <= _DIRECTIONS:
        return x_ND
    projection = stream.generator().standard_normal((x_ND.shape[1], _DIRECTIONS))
    return np.asarray(x_ND @ projection)


def word_vectors(types_T: Ints, offsets: Ints, num_types: int, stream: Stream) -> Floats:
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
    directions_VD = stream.generator().standard_normal((num_types, _DIRECTIONS))
    vectors_VD = directions_VD * rarity_V[:, None]
    shape = (offsets.size - 1, num_types)
    occurrences_NV = csr_array((np.ones(types_T.size), types_T, offsets), shape=shape)
    return np.asarray(occurrences_NV @ vectors_VD)


def block_keys(num_a: int, num_b: int, max_lag: int) -> tuple[Ints, Ints]:
    """Return the keys of rows that trade places in equally long blocks of neighbours, shapes (num_a,) and (num_b,).

    The last ``max_lag`` rows of a block are left out (-1), so that no block depends on the next: else what stands in two
    neighbouring blocks would be parted by exchanges and never by the data. So are rows that fill no block.
    """
    fewest = min(num_a, num_b)
    length = min(fewest, max(fewest // MOST_BLOCKS, 2 * max_lag + 1))
    gap = min(max_lag, length // 2)
    blocks_a, blocks_b = _blocks(num_a, length, gap), _blocks(num_b, length, gap)
    return blocks_a, np.where(blocks_b == LEFT_OUT, LEFT_OUT, blocks_b + num_a)


def _blocks(num_rows: int, length: int, gap: int) -> Ints:
    blocks_N, place_N = np.divmod(np.arange(num_rows), length)
    is_full_N = blocks_N < num_rows // length
    is_before_gap_N = place_N < length - gap
    return np.where(is_full_N & is_before_gap_N, blocks_N, LEFT_OUT)
