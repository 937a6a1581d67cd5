"""Repair of Gaussians: points on the line between two of them, and where on it a chain ends.

Legend of shapes: R replicas, D dimensions.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

_DUST = 1e-24
"""A trace that is so small a part of the base's is what rounding leaves of rows that are all alike."""


def line(numbers: NDArray[Any], base: NDArray[Any], base_share: float) -> NDArray[Any]:
    """Return b base + (1 - b) numbers, in the type of the numbers."""
    blend: NDArray[Any] = base_share * base.astype(np.float64) + (1.0 - base_share) * numbers.astype(np.float64)
    return blend.astype(numbers.dtype, copy=False)


def covariances(covariance_RDD: NDArray[Any], base_RDD: NDArray[Any], base_share: float) -> NDArray[Any]:
    """Return the covariances on the line, and 0 where that is not positive definite or the chain has ended before, shape (R, D, D).

    A share of at most 1 is a mean of two covariances, which is one. Beyond the base the difference can take all of a direction's
    variance: such a chain is a point from then on, since 0 is no variance that anything can be drawn with. It says so once.
    """
    blend_RDD = line(covariance_RDD, base_RDD, base_share)
    if base_share <= 1:
        return blend_RDD
    trained_R, base_R = (np.trace(matrices.astype(np.float64), axis1=1, axis2=2) for matrices in (covariance_RDD, base_RDD))
    had_ended_R = trained_R <= _DUST * base_R
    ends_R = ~had_ended_R & (np.linalg.eigvalsh(blend_RDD.astype(np.float64))[:, 0] <= 0)
    if ends_R.any():
        log.warning("repair.extrapolate: %d of %d chains end, because their variance became 0 or less", ends_R.sum(), len(ends_R))
    blend_RDD[had_ended_R | ends_R] = 0
    return blend_RDD
