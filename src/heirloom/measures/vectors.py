"""How far a fitted Gaussian, or its rows, have moved from the truth.

Every function is pure and vectorised over replicas: arrays in with a leading replica axis, one float64 a replica out.
The truth is a Gaussian shared by all replicas and has no replica axis.

Shapes: R replicas, N rows, D dimensions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError

Floats = NDArray[np.float64]

TAIL_LEVELS: tuple[float, ...] = (0.95, 0.975, 0.99)
"""Levels of the original distribution beyond which `tail_mass` is reported."""

POSITIVE = ("covariance_trace", "mean_squared_error", "wasserstein2_squared")
"""Measures of a fitted law that are above 0 until a lineage ends in a point (`measures.scales`)."""

NONNEGATIVE = ("tail_mass_95", "tail_mass_97.5", "tail_mass_99")
"""Measures of rows that are 0 or above (`measures.scales`)."""

TAILS = {"tail_mass_95": -1, "tail_mass_99": -1}
"""Measures whose loss is early collapse, each with the direction of loss (`measures.stages`)."""

_SQUARED_RADII = {
    (1, 0.95): 3.841458820694124,
    (1, 0.975): 5.023886187314888,
    (1, 0.99): 6.6348966010212145,
    (2, 0.95): 5.991464547107979,
    (2, 0.975): 7.377758908227871,
    (2, 0.99): 9.21034037197618,
}
"""Dimensions and level → `squared_radius`, as scipy gives it to the last bit."""

BULK = {"covariance_trace": -1, "log_determinant": -1, "wasserstein2_squared": 1, "mean_squared_error": 1}
"""Measures whose loss is late collapse (`measures.stages`)."""

NO_TAILS = {"covariance_trace": "tails are counted in rows, and sufficient statistics have none"}
"""Of a law that is known by such a measure alone: why nothing shows its tails (`measures.stages`)."""


def covariance_trace(covariance_RDD: Floats) -> Floats:
    """Return the trace of each covariance, sum_d C_dd: the total variance, in squared units of x.

    Parameters
    ----------
    covariance_RDD
        Shape (R, D, D).

    Returns
    -------
    array of shape (R,)
    """
    return np.asarray(np.trace(covariance_RDD, axis1=-2, axis2=-1), dtype=np.float64)


def log_determinant(covariance_RDD: Floats) -> Floats:
    """Return ln det C of each covariance; for D = 1 the log of the variance.

    Parameters
    ----------
    covariance_RDD
        Shape (R, D, D).

    Returns
    -------
    array of shape (R,), always finite

    Raises
    ------
    HeirloomError
        If a covariance is degenerate, so that the logarithm would be -inf or undefined.
    """
    with np.errstate(invalid="ignore"):
        sign_R, log_R = np.linalg.slogdet(covariance_RDD)
    degenerate = np.flatnonzero(~((sign_R > 0) & np.isfinite(log_R)))
    if degenerate.size:
        raise HeirloomError(
            f"log determinant: the covariance of {degenerate.size} of {log_R.size} replicas is degenerate (first: replica "
            f"{degenerate[0]}, {covariance_RDD.shape[-1]} dimensions); give each generation more rows than dimensions, "
            "or run fewer generations"
        )
    return np.asarray(log_R, dtype=np.float64)


def log_density(x_RND: Floats, mean_RD: Floats, covariance_RDD: Floats) -> Floats:
    """Return the log density of rows under each replica's normal law in nats, shape (R, N).

    Raises
    ------
    HeirloomError
        If a covariance is degenerate.
    """
    log_det_R = log_determinant(covariance_RDD)
    centred_RND = x_RND - mean_RD[:, None, :]
    distance_RN = (np.matmul(centred_RND, np.linalg.inv(covariance_RDD)) * centred_RND).sum(axis=-1)
    constant = x_RND.shape[-1] * np.log(2.0 * np.pi)
    return np.asarray(-0.5 * (distance_RN + log_det_R[:, None] + constant), dtype=np.float64)


def mean_squared_distance(mean_RD: Floats, truth_D: Floats) -> Floats:
    """Return |mean - truth|², summed over dimensions, in squared units of x.

    Parameters
    ----------
    mean_RD
        Fitted means, shape (R, D).
    truth_D
        The true mean, shape (D,).

    Returns
    -------
    array of shape (R,)
    """
    return np.asarray(((mean_RD - truth_D) ** 2).sum(axis=-1), dtype=np.float64)


def wasserstein2_squared_gaussians(mean_RD: Floats, covariance_RDD: Floats, truth_mean_D: Floats, truth_covariance_DD: Floats) -> Floats:
    """Return the squared Wasserstein-2 distance of each Gaussian to the truth, in squared units of x.

    W2² = |m - m0|² + tr(C + C0 - 2 (C0^½ C C0^½)^½): Dowson and Landau 1982, "The Fréchet distance between multivariate
    normal distributions", eq. 4. In one dimension this is (m - m0)² + (s - s0)² with standard deviations s, which is
    used there, since it does not cancel.

    Parameters
    ----------
    mean_RD, covariance_RDD
        The fitted Gaussians, shapes (R, D) and (R, D, D); a degenerate covariance is allowed.
    truth_mean_D, truth_covariance_DD
        The true Gaussian, shapes (D,) and (D, D).

    Returns
    -------
    array of shape (R,), never negative
    """
    shift_R = mean_squared_distance(mean_RD, truth_mean_D)
    if covariance_RDD.shape[-1] == 1:
        deviation_R = np.sqrt(covariance_RDD[:, 0, 0]) - np.sqrt(truth_covariance_DD[0, 0])
        return np.asarray(shift_R + deviation_R**2, dtype=np.float64)
    root_DD = _square_root(truth_covariance_DD)
    eigenvalues_RD = np.linalg.eigvalsh(root_DD @ covariance_RDD @ root_DD)
    cross_R = np.sqrt(np.clip(eigenvalues_RD, 0, None)).sum(axis=-1)
    bures_R = covariance_trace(covariance_RDD) + np.trace(truth_covariance_DD) - 2 * cross_R
    return np.asarray(shift_R + np.clip(bures_R, 0, None), dtype=np.float64)


def tail_mass(x_RND: Floats, truth_mean_D: Floats, truth_covariance_DD: Floats, level: float) -> Floats:
    """Return the share of rows outside the ellipsoid that holds the share ``level`` of the truth.

    A row is outside if (x - m0)' C0^-1 (x - m0) exceeds the chi² quantile of ``level`` with D degrees of freedom. Rows
    of the truth give 1 - level; a smaller share says that the tails are being lost. Shumailov et al. 2024 look at the
    same bounds.

    Parameters
    ----------
    x_RND
        Rows, shape (R, N, D).
    truth_mean_D, truth_covariance_DD
        The true Gaussian, shapes (D,) and (D, D).
    level
        Share of the truth inside, in (0, 1); see `TAIL_LEVELS`.

    Returns
    -------
    array of shape (R,), in [0, 1]

    Raises
    ------
    HeirloomError
        If there is no row, the level is outside (0, 1) or the true covariance is not positive definite.
    """
    return np.asarray(outside(x_RND, truth_mean_D, truth_covariance_DD, level).mean(axis=-1), dtype=np.float64)


def outside(x_RND: Floats, truth_mean_D: Floats, truth_covariance_DD: Floats, level: float) -> NDArray[np.bool_]:
    """Return which rows lie outside the ellipsoid that holds the share ``level`` of a Gaussian, shape (R, N).

    Parameters and errors as in `tail_mass`.
    """
    bound = squared_radius(x_RND.shape[-1], level)
    return np.asarray(squared_distances(x_RND, truth_mean_D, truth_covariance_DD) > bound)


def squared_radius(dim: int, level: float) -> float:
    """Return the squared standard distance from its mean up to which a Gaussian of ``dim`` dimensions has the share ``level``.

    It is the chi² quantile with as many degrees of freedom, twice the gamma quantile of shape dim / 2 (scipy.stats is slow to import).
    Those that most jobs ask for are written down, because scipy.special takes half as long to import as all the rest of a job.

    Raises
    ------
    HeirloomError
        If the level is outside (0, 1).
    """
    if not 0 < level < 1:
        raise HeirloomError(f"tail mass: level must lie in (0, 1), got {level}")
    if (dim, level) in _SQUARED_RADII:
        return _SQUARED_RADII[dim, level]
    from scipy.special import gammaincinv

    return float(2 * gammaincinv(dim / 2, level))


def squared_distances(x_RND: Floats, mean_D: Floats, covariance_DD: Floats) -> Floats:
    """Return the squared standard distance (x - m)' C^-1 (x - m) of rows from a Gaussian's mean, shape (R, N).

    Raises
    ------
    HeirloomError
        If there is no row, or the covariance is not positive definite.
    """
    if x_RND.shape[1] == 0:
        raise HeirloomError("tail mass needs at least one row, got none")
    try:
        root_DD = np.linalg.cholesky(covariance_DD)
    except np.linalg.LinAlgError:
        raise HeirloomError("tail mass: the true covariance must be positive definite, and it is not") from None
    whitened_RND = (x_RND - mean_D) @ np.linalg.inv(root_DD).T
    return np.asarray((whitened_RND**2).sum(axis=-1), dtype=np.float64)


def _square_root(covariance_DD: Floats) -> Floats:
    values_D, vectors_DD = np.linalg.eigh(covariance_DD)
    root_DD = (vectors_DD * np.sqrt(np.clip(values_D, 0, None))) @ vectors_DD.T
    return np.asarray(root_DD, dtype=np.float64)
