"""What a Gaussian fit needs of its rows and no more: how many, their mean, and the scatter about it.

A set of independent draws can be replaced by a draw of these three, equal in law: the mean of n rows of N(m, C) is N(m, C / n), their
scatter is Wishart(C, n - 1), and the two are independent (Anderson 2003, An Introduction to Multivariate Statistical Analysis, theorem
3.3.2). A union of sets has the statistics that theirs give, so everything but a draw from rows drawn before can do without rows.

Legend of shapes: R replicas, N rows, D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.families import algebra
from heirloom.runtime.streams import Stream
from heirloom.specs.prior import VariancePrior

Floats = NDArray[np.float64]


class Statistics(NamedTuple):
    """Sufficient statistics of a set of rows, the same number in every replica.

    Parameters
    ----------
    num_rows
        Rows per replica.
    mean
        Array of shape (R, D).
    scatter
        Sum of outer products of deviations from the mean, shape (R, D, D).
    """

    num_rows: int
    mean: Floats
    scatter: Floats


def summarise(x_RND: Floats) -> Statistics:
    """Return the statistics of rows of shape (R, N, D)."""
    return Statistics(x_RND.shape[1], *algebra.scatter(x_RND))


def union(parts: Sequence[Statistics]) -> Statistics:
    """Return the statistics of a union of sets, at least one (Chan, Golub and LeVeque 1983, equations 2.1)."""
    return reduce(_union_of_two, parts)


def draw(mean_RD: Floats, covariance_RDD: Floats, count: int, stream: Stream) -> Statistics:
    """Return the statistics of ``count`` draws from a Gaussian, without drawing them.

    The Wishart matrix is made from its triangular factor, whose squared diagonal is chi² with n - 1, n - 2, … degrees of freedom (Bartlett
    1933). More replicas leave the earlier ones' numbers alone.

    Raises
    ------
    HeirloomError
        If there are no more draws than dimensions.
    """
    num_replicas, dim = mean_RD.shape
    if count <= dim:
        raise HeirloomError(f"family.path: statistics needs more synthetic rows than dimensions ({dim}), got {count}; use path: rows")
    root_RDD = algebra.root(covariance_RDD)
    shift_RD1 = stream.child("mean").generator().standard_normal((num_replicas, dim, 1))
    shift_RD1 /= np.sqrt(count)
    degrees = count - 1 - np.arange(dim) if dim > 1 else count - 1
    chi2_RD = stream.child("scatter").generator().chisquare(degrees, (num_replicas, dim))
    if dim == 1:  # a matrix product of single numbers costs ten times the number's
        return Statistics(count, mean_RD + (root_RDD * shift_RD1)[..., 0], covariance_RDD * chi2_RD[..., None])
    factor_RDD = np.tril(stream.child("below").generator().standard_normal((num_replicas, dim, dim)), -1)
    factor_RDD[:, np.arange(dim), np.arange(dim)] = np.sqrt(chi2_RD)
    spread_RDD = np.matmul(root_RDD, factor_RDD)
    scatter_RDD = np.matmul(spread_RDD, spread_RDD.transpose(0, 2, 1))
    return Statistics(count, mean_RD + np.matmul(root_RDD, shift_RD1)[..., 0], scatter_RDD)


def with_prior(covariance_RDD: Floats, divisor: float | Floats, prior: VariancePrior | None) -> Floats:
    """Return covariances with the pseudo-rows of a prior counted among the rows that they were divided by, shape (R, D, D)."""
    if prior is None:
        return covariance_RDD
    pseudo_scatter_DD = prior.rows * prior.variance * np.eye(covariance_RDD.shape[-1])
    return np.asarray((divisor * covariance_RDD + pseudo_scatter_DD) / (divisor + prior.rows), dtype=np.float64)


def _union_of_two(a: Statistics, b: Statistics) -> Statistics:
    count = a.num_rows + b.num_rows
    shift_RD = b.mean - a.mean
    mean_RD = a.mean + shift_RD * (b.num_rows / count)
    factor = a.num_rows * b.num_rows / count
    between_RDD = shift_RD[:, :, None] * shift_RD[:, None, :] * factor
    return Statistics(count, mean_RD, a.scatter + b.scatter + between_RDD)
