"""The little linear algebra that vector families share, for all replicas at once.

Legend of shapes: R replicas, N rows, D dimensions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heirloom.data.columns import WEIGHT
from heirloom.data.dataset import Dataset

Floats = NDArray[np.float64]

_BLOCK_NUMBERS = 2**16
"""Numbers of which the deviations from the mean are held at once, in whole replicas: half a megabyte."""


def mean_of_numbers(rows: Dataset) -> Floats:
    """Return the mean of rows of one number, weighted where they have weights, shape (R,)."""
    x_RN = rows.by_replica()[..., 0]
    weight_RN = rows.by_replica(WEIGHT)[..., 0] if rows.is_weighted else None
    return np.asarray(np.average(x_RN, axis=1, weights=weight_RN), dtype=np.float64)


def scatter(x_RND: Floats) -> tuple[Floats, Floats]:
    """Return the rows' mean (R, D) and the sum of outer products of their deviations from it (R, D, D)."""
    num_replicas, num_rows, dim = x_RND.shape
    block_replicas = max(1, _BLOCK_NUMBERS // (num_rows * dim))
    blocks = (_scatter(x_RND[start : start + block_replicas]) for start in range(0, num_replicas, block_replicas))
    means, scatters = zip(*blocks, strict=True)
    return np.concatenate(means), np.concatenate(scatters)


def _scatter(x_RND: Floats) -> tuple[Floats, Floats]:
    mean_RD = x_RND.mean(axis=1)
    centred_RND = x_RND - mean_RD[:, None, :]
    return mean_RD, np.matmul(centred_RND.transpose(0, 2, 1), centred_RND)


def root(covariance_RDD: Floats) -> Floats:
    """Return the symmetric square root of each covariance, which exists for singular ones too; shape (R, D, D)."""
    if covariance_RDD.shape[-1] == 1:
        return np.sqrt(covariance_RDD)
    values_RD, vectors_RDD = np.linalg.eigh(covariance_RDD)
    scaled_RDD = vectors_RDD * np.sqrt(np.clip(values_RD, 0.0, None))[:, None, :]
    return np.matmul(scaled_RDD, vectors_RDD.transpose(0, 2, 1))
