"""Do rows depend on the rows before them? Then rows are no units, and a test that exchanges them gives false alarms.

Shapes: N rows, D numbers a row, V types, T tokens.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from scipy.sparse import csr_array

from heirloom.stats.samples import Floats, Ints
from heirloom.streams import Stream

LEVEL = 0.001
"""Chance of calling independent rows of two samples dependent."""

FEWEST_ROWS = 64
NUM_BLOCKS = 12
"""Blocks of neighbours of each sample that trade places where rows depend: few, so that they are long."""

_DIRECTIONS = 32


def depend(samples: tuple[Floats, Floats]) -> float | None:
    """Return the largest `serial_z` of two samples, shapes (N, D), if it is significant at `LEVEL`; else None."""
    largest = max(serial_z(x_ND) for x_ND in samples)
    return largest if largest > NormalDist().inv_cdf(1 - LEVEL / len(samples)) else None


def serial_z(x_ND: Floats) -> float:
    """Return how many standard deviations the correlation of rows with the next rows lies above chance.

    The statistic is sum_i <s_i, s_(i+1)> of the ranks s of each dimension, less its mean over all orders of the rows and
    divided by its standard deviation there, which is sqrt(N) times the Frobenius norm of the covariance of s. For one
    dimension that is the rank test of serial correlation of Wald and Wolfowitz 1943. It is 0 for fewer than
    `FEWEST_ROWS` rows.
    """
    if len(x_ND) < FEWEST_ROWS:
        return 0.0
    scores_ND = np.column_stack([_ranks(x_N) for x_N in x_ND.T])
    scores_ND -= scores_ND.mean(axis=0)
    scale_D = scores_ND.std(axis=0)
    scores_ND /= np.where(scale_D > 0, scale_D, 1)
    covariance_DD = scores_ND.T @ scores_ND / len(scores_ND)
    spread = np.sqrt(len(scores_ND)) * np.linalg.norm(covariance_DD)
    along = float((scores_ND[:-1] * scores_ND[1:]).sum()) + float(np.trace(covariance_DD))
    return along / float(spread) if spread > 0 else 0.0


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


def block_keys(num_a: int, num_b: int) -> tuple[Ints, Ints]:
    """Return the keys of rows that trade places in `NUM_BLOCKS` blocks of neighbours of each sample."""
    blocks_a, blocks_b = (np.arange(size) * NUM_BLOCKS // size for size in (num_a, num_b))
    return blocks_a, blocks_b + NUM_BLOCKS
