"""The little linear algebra that vector families share, for all replicas at once.

Legend of shapes: R replicas, N rows, D dimensions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heirloom.data.columns import WEIGHT
from heirloom.data.dataset import Dataset
from heirloom.specs.prior import RatePrior, SharePrior

Floats = NDArray[np.float64]

_BLOCK_NUMBERS = 2**16
"""Numbers of which the deviations from the mean are held at once, in whole replicas: half a megabyte."""


def mean_of_numbers(rows: Dataset) -> Floats:
    """Return the mean of rows of one number, weighted where they have weights, shape (R,)."""
    x_RN = rows.by_replica()[..., 0]
    weight_RN = rows.by_replica(WEIGHT)[..., 0] if rows.is_weighted else None
    return np.asarray(np.average(x_RN, axis=1, weights=weight_RN), dtype=np.float64)


def posterior_mean(rows: Dataset, prior: SharePrior | RatePrior | None) -> Floats:
    """Return `mean_of_numbers`, with the pseudo-rows of a prior counted among the rows: (n mean + A prior mean) / (n + A)."""
    mean_R = mean_of_numbers(rows)
    if prior is None:
        return mean_R
    share = prior.rows / (len(rows.by_replica()[0]) + prior.rows)
    return (1.0 - share) * mean_R + share * prior.mean


def scatter(x_RND: Floats) -> tuple[Floats, Floats]:
    """Return the rows' mean (R, D) and the sum of outer products of their deviations from it (R, D, D)."""
    num_replicas, num_rows, dim = x_RND.shape
    block_replicas = max(1, _BLOCK_NUMBERS // (num_rows * dim))
    blocks = (_scatter(x_RND[start : start + block_replicas]) for start in range(0, num_replicas, block_replicas))
    means, scatters = zip(*blocks, strict=True)
    return np.concatenate(means), np.concatenate(scatters)


def weighted_moments(x_RND: Floats, weight_RN1: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the rows' shares of all weight (R, N, 1), their weighted mean (R, D) and their weighted covariance (R, D, D)."""
    share_RN1 = weight_RN1 / weight_RN1.sum(axis=1, keepdims=True)
    mean_RD = (share_RN1 * x_RND).sum(axis=1)
    centred_RND = x_RND - mean_RD[:, None, :]
    covariance_RDD = np.matmul((share_RN1 * centred_RND).transpose(0, 2, 1), centred_RND)
    return share_RN1, mean_RD, covariance_RDD


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
