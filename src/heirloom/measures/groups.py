"""What is left of each group of rows: its share, whether it is alive at all, and of vectors where it lies and how wide it is.

Shapes: R replicas, N rows, D dimensions. A label of -1 is a row of no group.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

PREFIX = "group."
"""Begins the names of measures of groups."""

FEWEST_FOR_A_SPREAD = 2


def share(labels_RN: Labels, group: int) -> Floats:
    """Return the share of rows that belong to a group, shape (R,)."""
    return np.asarray((labels_RN == group).mean(axis=1), dtype=np.float64)


def moments(x_RND: Floats, labels_RN: Labels, group: int) -> dict[str, Floats]:
    """Return the group's ``mean_first`` and ``covariance_trace`` (divisor: its rows), of the replicas that have two rows of it or more.

    {} where no replica has.
    """
    is_of_group_RN = labels_RN == group
    is_enough_R = is_of_group_RN.sum(axis=1) >= FEWEST_FOR_A_SPREAD
    if not is_enough_R.any():
        return {}
    x_RND, weight_RN1 = x_RND[is_enough_R], is_of_group_RN[is_enough_R][..., None].astype(np.float64)
    count_R1 = weight_RN1.sum(axis=1)
    mean_RD = (weight_RN1 * x_RND).sum(axis=1) / count_R1
    squares_RD = (weight_RN1 * (x_RND - mean_RD[:, None]) ** 2).sum(axis=1) / count_R1
    return {"mean_first": mean_RD[:, 0], "covariance_trace": squares_RD.sum(axis=1)}
