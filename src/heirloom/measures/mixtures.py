"""How far a fitted Gaussian mixture, or its rows, have moved from another mixture; a Gaussian is a mixture of one.

Shapes: R replicas, N rows, K components, D dimensions. A mixture with R = 1 stands beside one with any R.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.measures import vectors

Floats = NDArray[np.float64]

_REACH, _GRID = 12.0, 20_001  # standard deviations either way, and points: the integral is good to ten digits


POSITIVE = ("squared_l2", "squared_l2_origin")
"""Distances between densities, above 0 where the densities differ (`measures.scales`)."""

NONNEGATIVE = ("centred_tail_mass_95", "mode_mixing")
"""Shares of rows (`measures.scales`)."""

MODES = ("mode_mixing",)
"""Measures of rows between the components of the law (`report.profile`)."""
DISTANCES = ("squared_l2",)
"""Distances to the true density by which an arm is compared with its control (`report.profile`)."""

TAILS = {"centred_tail_mass_95": -1}
"""Measures whose loss is early collapse, each with the direction of loss (`measures.stages`)."""


class Mixture(NamedTuple):
    """A mixture for every replica: weights (R, K), means (R, K, D), covariances (R, K, D, D)."""

    weights: Floats
    means: Floats
    covariances: Floats


def truth(law: Mapping[str, Any] | None) -> Mixture:
    """Return the true law, as its source tells it, as a mixture of one replica; a normal law is a single component.

    Raises
    ------
    HeirloomError
        If the source knows no law.
    """
    if law is None or "covariance" not in law:
        raise HeirloomError("vectors are measured against the true law; their source must be `normal` or `mixture`")
    weights = law.get("weights", [1.0])
    means = law.get("means", [law["mean"]])
    covariances = law.get("covariances", [law["covariance"]])
    return Mixture(np.array([weights]), np.array([means]), np.array([covariances]))


def moments(mixture: Mixture) -> tuple[Floats, Floats]:
    """Return mean (R, D) and covariance (R, D, D) of each whole mixture: sum_k w_k (C_k + (m_k - m)(m_k - m)')."""
    weights_RK1 = mixture.weights[..., None]
    mean_RD = (weights_RK1 * mixture.means).sum(axis=1)
    shift_RKD = mixture.means - mean_RD[:, None]
    between_RKDD = shift_RKD[..., :, None] * shift_RKD[..., None, :]
    return mean_RD, (weights_RK1[..., None] * (mixture.covariances + between_RKDD)).sum(axis=1)


def log_joint(mixture: Mixture, x_RND: Floats) -> Floats:
    """Return ln w_k + ln N(x; m_k, C_k) in nats, shape (K, R, N): the logarithm of Bayes' posterior of each component, up to a constant.

    Its sum of exponentials over k is the density of the row; its largest k is the component that most likely drew the row.

    Raises
    ------
    HeirloomError
        If a covariance is degenerate.
    """
    weights_KR, means_KRD = mixture.weights.T, np.moveaxis(mixture.means, 1, 0)
    covariances_KRDD = np.moveaxis(mixture.covariances, 1, 0)
    joint = []
    for weight_R, mean_RD, covariance_RDD in zip(weights_KR, means_KRD, covariances_KRDD, strict=True):
        joint.append(np.log(weight_R)[:, None] + vectors.log_density(x_RND, mean_RD, covariance_RDD))
    return np.array(joint)


def squared_l2(p: Mixture, q: Mixture) -> Floats:
    """Return the integral of (p - q)² for two mixture densities p and q, in units of 1 / x^D.

    The integral of N(x; a, A) N(x; b, B) is N(a - b; 0, A + B) (Petersen and Pedersen 2012, The Matrix Cookbook, section 8.1.8), so the
    integral of p q is the sum of w_i v_j N(a_i - b_j; 0, A_i + B_j) over pairs of components; self + self - 2 cross, as in the code
    of Shumailov et al. 2024. It grows without bound when one of the two collapses: 1 / (4 pi s²) for a point-like mixture
    of standard deviation s in two dimensions.

    Returns
    -------
    array of shape (R,), never negative

    Raises
    ------
    HeirloomError
        If a covariance is degenerate.
    """
    return np.clip(_overlap(p, p) + _overlap(q, q) - 2 * _overlap(p, q), 0, None)


def minority_share(x_RND: Floats, law: Mixture) -> dict[str, Floats]:
    """Return ``minority_share``, the share of rows that the law's rarest component most likely drew, shape (R,).

    A row belongs to the component of the true law with the largest posterior (Bayes), so the minority is known by identity: it is the
    same one when it has become the larger. {} where the law has no single rarest component.
    """
    weights_K = law.weights[0]
    if np.count_nonzero(weights_K == weights_K.min()) != 1 or len(weights_K) == 1:
        return {}
    best_RN = log_joint(law, x_RND).argmax(axis=0)
    return {"minority_share": (best_RN == weights_K.argmin()).mean(axis=1)}


def mode_mixing(x_RND: Floats, law: Mixture) -> dict[str, Floats]:
    """Return ``mode_mixing``, the share of rows that lie between two components of the law, shape (R,).

    The posteriors of the two likeliest components of such a row are within a factor e of each other. {} where the law has one component.
    """
    if law.weights.shape[1] == 1:
        return {}
    second_RN, best_RN = np.sort(log_joint(law, x_RND), axis=0)[-2:]
    return {"mode_mixing": (best_RN - second_RN < 1).mean(axis=1)}


def tail_masses(x_RND: Floats, law: Mixture) -> dict[str, Floats]:
    """Return the share of rows in the tails of the law, by name, each of shape (R,).

    A row is in the tail of a level if it lies outside the ellipsoid of every component that holds this share of the component
    (`vectors.outside`). Rows of a normal law give 1 - level, rows of a mixture somewhat less, since they may fall into a neighbour's
    ellipsoid: compare with the control.
    """
    bounds = {level: vectors.squared_radius(x_RND.shape[2], level) for level in vectors.TAIL_LEVELS}
    is_outside = {level: np.ones(x_RND.shape[:2], dtype=np.bool_) for level in bounds}
    for mean_D, covariance_DD in zip(law.means[0], law.covariances[0], strict=True):
        squares_RN = vectors.squared_distances(x_RND, mean_D, covariance_DD)
        for level, bound in bounds.items():
            is_outside[level] &= squares_RN > bound
    return {f"tail_mass_{level * 100:g}": is_outside_RN.mean(axis=-1) for level, is_outside_RN in is_outside.items()}


def centred_tail_mass(x_RND: Floats, fitted: Mixture, law: Mixture, level: float) -> Floats:
    """Return the share of rows in the tails of the law once each fitted component lies where it belongs, shape (R,).

    A row counts if it lies outside the ellipsoids about the means of all fitted components, each as wide as that of the law's component
    with the nearest mean. Where components or whole replicas have drifted away, or weights have changed, most rows may lie in the tails of
    the law however narrow the components are; about their own means only their width and shape count.
    """
    components = list(zip(law.means[0], law.covariances[0], strict=True))
    inside_RN = np.zeros(x_RND.shape[:2], dtype=np.bool_)
    for k in range(fitted.means.shape[1]):
        mean_RD = fitted.means[:, k]
        squares = [((mean_RD - mean_D) ** 2).sum(axis=1) for mean_D, _ in components]
        nearest_R = np.array(squares).argmin(axis=0)
        for j, (_, covariance_DD) in enumerate(components):
            is_nearest_R = nearest_R == j
            if is_nearest_R.any():
                centred_RND = x_RND[is_nearest_R] - mean_RD[is_nearest_R, None]
                inside_RN[is_nearest_R] |= ~vectors.outside(centred_RND, np.zeros(x_RND.shape[2]), covariance_DD, level)
    return np.asarray(1 - inside_RN.mean(axis=1), dtype=np.float64)


def _overlap(p: Mixture, q: Mixture) -> Floats:
    """Return the integral of the product of the two densities, shape (R,)."""
    shift_RKJD = p.means[:, :, None] - q.means[:, None, :]
    covariance_RKJDD = p.covariances[:, :, None] + q.covariances[:, None, :]
    try:
        root_RKJDD = np.linalg.cholesky(covariance_RKJDD)
    except np.linalg.LinAlgError:
        raise HeirloomError("squared L2: a covariance is degenerate, so the distance has no bound") from None
    standard_RKJD = np.linalg.solve(root_RKJDD, shift_RKJD[..., None])[..., 0]
    log_root_RKJ = np.log(np.diagonal(root_RKJDD, axis1=-2, axis2=-1)).sum(axis=-1)
    square_RKJ = (standard_RKJD**2).sum(axis=-1)
    dim = shift_RKJD.shape[-1]
    log_RKJ = -square_RKJ / 2 - log_root_RKJ - dim / 2 * np.log(2 * np.pi)
    shares_RKJ = p.weights[:, :, None] * q.weights[:, None, :]
    return np.asarray((shares_RKJ * np.exp(log_RKJ)).sum(axis=(1, 2)), dtype=np.float64)


def wasserstein2_squared(mean_RD: Floats, covariance_RDD: Floats, law: Mixture) -> Floats:
    """Return the squared Wasserstein-2 distance between normal laws and a law, in squared units of x, shape (R,).

    In several dimensions the distance to a mixture has no closed form: it is then the distance to the normal law with its mean and
    covariance, a lower bound (Gelbrich 1990, theorem 2.1).
    """
    num_components, dim = law.means.shape[1:]
    if num_components > 1 and dim == 1:
        return _on_the_line(mean_RD[:, 0], covariance_RDD[:, 0, 0], law)
    mean_1D, covariance_1DD = moments(law)
    return vectors.wasserstein2_squared_gaussians(mean_RD, covariance_RDD, mean_1D[0], covariance_1DD[0])


def _on_the_line(mean_R: Floats, variance_R: Floats, law: Mixture) -> Floats:
    """Return the squared Wasserstein-2 distance in one dimension between normal laws and a mixture, shape (R,).

    The optimal coupling matches quantiles (Villani 2003, Topics in Optimal Transportation, theorem 2.18). A normal law's are m + s z(u), so
    the distance is (m - m0)² + s² + s0² - 2 s c with c the integral of the mixture's quantile times z over u in (0, 1); by parts
    c is the integral of phi(z(F(x))) over x. A variance of 0 is allowed. A mixture that is a normal law has c = s0.
    """
    from scipy.special import ndtr, ndtri

    mean_RD, covariance_RDD = moments(law)
    centre = mean_RD[0, 0]
    deviation = np.sqrt(covariance_RDD[0, 0, 0])
    x_X = centre + deviation * np.linspace(-_REACH, _REACH, _GRID)
    standard_KX = (x_X - law.means[0]) / np.sqrt(law.covariances[0, :, 0])
    share_X = law.weights[0] @ ndtr(standard_KX)
    density_X = np.exp(-(ndtri(share_X) ** 2) / 2) / np.sqrt(2 * np.pi)
    c = np.trapezoid(density_X, x_X)
    squared_distance_R = (mean_R - centre) ** 2 + variance_R + deviation**2 - 2 * np.sqrt(variance_R) * c
    return np.asarray(squared_distance_R, dtype=np.float64)
