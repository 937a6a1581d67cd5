"""Expectation maximisation for Gaussian mixtures, all replicas at once, as two matrix products an iteration.

Each row is written once as its features 1, x_i and x_i x_j (i <= j). A component's log density is linear in them, and so are the
sums that a component's weight, mean and covariance follow from: the E step multiplies coefficients with features, the M step
responsibilities with features. Dempster, Laird and Rubin 1977; formulas as in Bishop 2006, section 9.2.2. The order of steps, the
stopping rule and what is added to covariances and counts are those of scikit-learn's GaussianMixture, so the fits agree.

Legend of shapes: R replicas, N rows, K components, D dimensions, F = 1 + D + D (D + 1) / 2 features.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError

Floats = NDArray[np.float64]

_SMALLEST_COUNT = 10 * float(np.finfo(np.float64).eps)  # rows of an empty component, so that its mean is defined


class Parameters(NamedTuple):
    """A mixture for every replica: weights (R, K), means (R, K, D), covariances (R, K, D, D)."""

    weights: Floats
    means: Floats
    covariances: Floats

    def select(self, replicas: NDArray[np.bool_]) -> Parameters:
        """Return the mixtures of some replicas."""
        return Parameters(*(values[replicas] for values in self))

    def shifted(self, by_RD: Floats) -> Parameters:
        """Return the mixtures with their means moved."""
        return self._replace(means=self.means + by_RD[:, None, :])


class Fit(NamedTuple):
    """What EM ended with.

    Parameters
    ----------
    parameters
        The mixtures after the last M step.
    iterations
        Iterations that each replica took, shape (R,).
    log_likelihood
        Mean log density of a row (nats) under the parameters before the last M step, shape (R,).
    """

    parameters: Parameters
    iterations: NDArray[np.int64]
    log_likelihood: Floats


def from_labels(x_RND: Floats, labels_RN: NDArray[np.int64], num_components: int, reg_covar: float) -> Parameters:
    """Return the mixture whose components are the rows of each label: one M step."""
    features_RFN, centre_RD = _features(x_RND)
    has_label_RKN = labels_RN[:, None, :] == np.arange(num_components)[:, None]
    responsibility_RKN = has_label_RKN.astype(np.float64)
    return _maximise(features_RFN, responsibility_RKN, reg_covar).shifted(centre_RD)


def run(x_RND: Floats, start: Parameters, tolerance: float, max_iterations: int, reg_covar: float) -> Fit:
    """Iterate from a start until the mean log density changes by less than ``tolerance`` nats, each replica by itself.

    Parameters
    ----------
    x_RND
        Rows, shape (R, N, D).
    start
        Where each replica begins.
    max_iterations
        Where a replica ends in any case.
    reg_covar
        Added to the diagonal of every covariance, in squared units of x.

    Raises
    ------
    HeirloomError
        If a covariance is not positive definite.
    """
    features_RFN, centre_RD = _features(x_RND)
    num_replicas, num_rows = x_RND.shape[:2]
    active, mixtures = np.arange(num_replicas), start.shifted(-centre_RD)
    fit = Fit(
        parameters=Parameters(*map(np.empty_like, mixtures)),
        iterations=np.zeros(num_replicas, np.int64),
        log_likelihood=np.full(num_replicas, -np.inf),
    )
    work_RKN = np.empty((*mixtures.weights.shape, num_rows))
    for iteration in range(1, max_iterations + 1):
        responsibility_RKN = work_RKN[: len(active)]
        log_R = _expect(features_RFN, mixtures, responsibility_RKN)
        mixtures = _maximise(features_RFN, responsibility_RKN, reg_covar)
        goes_on = np.abs(log_R - fit.log_likelihood[active]) >= tolerance
        for all_values, values in zip((*fit.parameters, fit.log_likelihood), (*mixtures, log_R), strict=True):
            all_values[active] = values
        fit.iterations[active] = iteration
        if not goes_on.any():
            break
        if not goes_on.all():
            active, features_RFN, mixtures = active[goes_on], features_RFN[goes_on], mixtures.select(goes_on)
    return fit._replace(parameters=fit.parameters.shifted(centre_RD))


def _features(x_RND: Floats) -> tuple[Floats, Floats]:
    """Return 1, x_i and x_i x_j of every row (R, F, N), and the mean (R, D) that x is counted from: far from 0, squares lose digits."""
    num_replicas, num_rows, dim = x_RND.shape
    rows, columns = _pairs(dim)
    features_RFN = np.empty((num_replicas, 1 + dim + len(rows), num_rows))
    features_RFN[:, 0] = 1
    centred_RDN = features_RFN[:, 1 : 1 + dim]
    centred_RDN[:] = x_RND.transpose(0, 2, 1)
    centre_RD = centred_RDN.mean(axis=2)
    centred_RDN -= centre_RD[:, :, None]
    for f, (i, j) in enumerate(zip(rows, columns, strict=True), 1 + dim):
        np.multiply(centred_RDN[:, i], centred_RDN[:, j], out=features_RFN[:, f])
    return features_RFN, centre_RD


@cache
def _pairs(dim: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places i <= j of a symmetric matrix."""
    return np.triu_indices(dim)


def _expect(features_RFN: Floats, mixtures: Parameters, responsibility_RKN: Floats) -> Floats:
    """Write each row's responsibilities into ``responsibility_RKN``, and return the mean log density of a row (R,).

    Large arrays made anew in every iteration would cost as much as the arithmetic.
    """
    np.matmul(_coefficients(mixtures), features_RFN, out=responsibility_RKN)
    highest_R1N = responsibility_RKN.max(axis=1, keepdims=True)
    responsibility_RKN -= highest_R1N
    # single precision: four times faster, and a responsibility is still right to 3e-8
    share_RKN = np.exp(responsibility_RKN, dtype=np.float32, casting="same_kind")
    total_R1N = share_RKN.sum(axis=1, keepdims=True, dtype=np.float64)
    np.divide(share_RKN, total_R1N, out=responsibility_RKN)
    return (highest_R1N + np.log(total_R1N, dtype=np.float32, casting="same_kind")).mean(axis=(1, 2))


def _coefficients(mixtures: Parameters) -> Floats:
    """Return what each feature is multiplied with in a component's weighted log density, shape (R, K, F)."""
    dim = mixtures.means.shape[-1]
    try:
        root_RKDD = np.linalg.cholesky(mixtures.covariances)
    except np.linalg.LinAlgError:
        raise HeirloomError("a component's covariance is not positive definite; raise family.training.reg_covar") from None
    precision_RKDD = np.linalg.inv(mixtures.covariances)
    slope_RKD = np.matmul(precision_RKDD, mixtures.means[..., None])[..., 0]
    log_root_RK = np.log(np.diagonal(root_RKDD, axis1=-2, axis2=-1)).sum(axis=-1)
    square_RK = (slope_RKD * mixtures.means).sum(axis=-1)
    constant_RK = np.log(mixtures.weights) - log_root_RK - (dim * np.log(2 * np.pi) + square_RK) / 2
    rows, columns = _pairs(dim)
    squares_RKF = precision_RKDD[..., rows, columns] * np.where(rows == columns, -0.5, -1.0)
    return np.concatenate([constant_RK[..., None], slope_RKD, squares_RKF], axis=-1)


def _maximise(features_RFN: Floats, responsibility_RKN: Floats, reg_covar: float) -> Parameters:
    """Return the mixture that weighted counts, means and second moments give."""
    sums_RKF = np.matmul(responsibility_RKN, features_RFN.transpose(0, 2, 1))
    num_features = features_RFN.shape[1]
    dim = int(np.sqrt(2 * num_features + 0.25) - 1.5)
    counts_RK1 = sums_RKF[..., :1] + _SMALLEST_COUNT
    moments_RKF = sums_RKF[..., 1:] / counts_RK1
    means_RKD = moments_RKF[..., :dim]
    covariances_RKDD = np.empty((*means_RKD.shape, dim))
    rows, columns = _pairs(dim)
    covariances_RKDD[..., rows, columns] = covariances_RKDD[..., columns, rows] = moments_RKF[..., dim:]
    covariances_RKDD -= means_RKD[..., :, None] * means_RKD[..., None, :]
    covariances_RKDD += reg_covar * np.eye(dim)
    weights_RK1 = counts_RK1 / counts_RK1.sum(axis=1, keepdims=True)
    return Parameters(weights_RK1[..., 0], means_RKD, covariances_RKDD)
