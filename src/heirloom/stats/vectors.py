"""How two vector samples differ, in numbers that a person reads. Whether it is chance: `vector_tests`.

Shapes: N rows, D dimensions, K modes, S directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.stats.samples import Floats
from heirloom.stats.vector_tests import MAX_ENERGY_ROWS, check_vectors

NUM_SLICES = 64
TAILS = (0.01, 0.05)


@dataclass(frozen=True)
class VectorDifferences:
    """Differences of B from A; lengths in the unit of x.

    Parameters
    ----------
    mean, total_variance_ratio, log_generalised_variance
        Difference of means, shape (D,); trace C_B / trace C_A; ln det C_B - ln det C_A, None where a covariance is degenerate.
    energy_distance, energy_rows
        2 E|X - Y| - E|X - X'| - E|Y - Y'| (Székely and Rizzo 2004, eq. 5), and how many rows of each sample it looked at.
    wasserstein, sliced_wasserstein
        Exact Wasserstein-1 distance of each dimension, shape (D,); its mean over 64 random directions (Bonneel et al. 2015),
        which for one dimension is the exact distance.
    kolmogorov_smirnov
        Largest distance of the distribution functions of each dimension, shape (D,).
    tails_a, tails_b
        Tail (1 %, 5 %) to the share of entries below A's lower and above A's upper quantile, averaged over dimensions.
    """

    mean: Floats
    total_variance_ratio: float | None
    log_generalised_variance: float | None
    energy_distance: float
    energy_rows: tuple[int, int]
    wasserstein: Floats
    sliced_wasserstein: float
    kolmogorov_smirnov: Floats
    tails_a: Mapping[float, tuple[float, float]]
    tails_b: Mapping[float, tuple[float, float]]


def vector_differences(a_ND: Floats, b_ND: Floats, stream: Stream) -> VectorDifferences:
    """Return the differences of two vector samples.

    Parameters
    ----------
    a_ND, b_ND
        The samples, shapes (N, D); covariances have divisor N - 1.
    stream
        Draws the rows of the energy distance and the directions of the sliced distance.

    Raises
    ------
    HeirloomError
        If the samples are not matrices of finite numbers with two rows or more and equal dimensions.
    """
    a_ND, b_ND = check_vectors(a_ND, b_ND)
    if min(len(a_ND), len(b_ND)) < 2:
        raise HeirloomError(f"differences of vectors need at least two rows in each sample, got {len(a_ND)} and {len(b_ND)}")
    cov_a, cov_b = np.atleast_2d(np.cov(a_ND, rowvar=False)), np.atleast_2d(np.cov(b_ND, rowvar=False))
    variance_a, variance_b = np.trace(cov_a), np.trace(cov_b)
    energy_a = _row_sample(a_ND, stream.child("energy", "a"))
    energy_b = _row_sample(b_ND, stream.child("energy", "b"))
    wasserstein_D = _wasserstein(a_ND, b_ND)
    is_line = wasserstein_D.size == 1
    tails_a = {tail: _shares_beyond(a_ND, a_ND, tail) for tail in TAILS}
    tails_b = {tail: _shares_beyond(b_ND, a_ND, tail) for tail in TAILS}
    return VectorDifferences(
        mean=b_ND.mean(axis=0) - a_ND.mean(axis=0),
        total_variance_ratio=float(variance_b / variance_a) if variance_a > 0 else None,
        log_generalised_variance=_log_determinant_difference(cov_a, cov_b),
        energy_distance=energy_distance(energy_a, energy_b),
        energy_rows=(len(energy_a), len(energy_b)),
        wasserstein=wasserstein_D,
        sliced_wasserstein=float(wasserstein_D[0]) if is_line else _sliced_wasserstein(a_ND, b_ND, stream.child("slices")),
        kolmogorov_smirnov=_kolmogorov_smirnov(a_ND, b_ND),
        tails_a=tails_a,
        tails_b=tails_b,
    )


def energy_distance(a_ND: Floats, b_ND: Floats) -> float:
    """Return 2 E|X - Y| - E|X - X'| - E|Y - Y'|, pairs of a row with itself included; cost grows with the square of rows.

    Source: Székely and Rizzo 2004, "Testing for equal distributions in high dimension", eq. 5 without its factor of sizes. It is
    0 only between equal samples, and positive by chance between samples of one law.
    """
    from scipy.spatial.distance import cdist

    return float(2 * cdist(a_ND, b_ND).mean() - cdist(a_ND, a_ND).mean() - cdist(b_ND, b_ND).mean())


def mode_occupancy(a_ND: Floats, b_ND: Floats, num_modes: int, stream: Stream) -> tuple[Floats, Floats]:
    """Return the share of rows of A and of B in each of K modes, shapes (K,), the most populous in A first.

    The modes are the clusters of k-means on A (Lloyd 1982, started as k-means++ of Arthur and Vassilvitskii 2007), in standard
    deviations of A. They are fitted on A, so even a second sample of A's law fits them a little worse: no test is made of them.
    Where classes are known, count those instead.

    Raises
    ------
    HeirloomError
        If the number of modes is not between 1 and the different rows of A, or the samples do not fit each other.
    """
    from scipy.cluster.vq import kmeans2, vq

    a_ND, b_ND = check_vectors(a_ND, b_ND)
    distinct = len(np.unique(a_ND, axis=0))
    if not 1 <= num_modes <= distinct:
        raise HeirloomError(f"modes must be between 1 and the {distinct} different rows of the first sample, got {num_modes}")
    scale_D = a_ND.std(axis=0)
    scale_D[scale_D == 0] = 1
    centres_KD = kmeans2(a_ND / scale_D, num_modes, iter=50, minit="++", missing="raise", rng=stream.generator())[0]
    modes_a, modes_b = vq(a_ND / scale_D, centres_KD)[0], vq(b_ND / scale_D, centres_KD)[0]
    counts_a, counts_b = np.bincount(modes_a, minlength=num_modes), np.bincount(modes_b, minlength=num_modes)
    order_K = np.argsort(-counts_a, kind="stable")
    return counts_a[order_K] / len(a_ND), counts_b[order_K] / len(b_ND)


def _row_sample(x_ND: Floats, stream: Stream) -> Floats:
    """Return up to MAX_ENERGY_ROWS rows, drawn at random, in their order."""
    if len(x_ND) <= MAX_ENERGY_ROWS:
        return x_ND
    rows = stream.generator().permutation(len(x_ND))[:MAX_ENERGY_ROWS]
    return np.asarray(x_ND[np.sort(rows)])


def _log_determinant_difference(cov_a: Floats, cov_b: Floats) -> float | None:
    sign_a, log_a = np.linalg.slogdet(cov_a)
    sign_b, log_b = np.linalg.slogdet(cov_b)
    is_degenerate = min(sign_a, sign_b) <= 0 or not np.isfinite([log_a, log_b]).all()
    return None if is_degenerate else float(log_b - log_a)


def _wasserstein(a_ND: Floats, b_ND: Floats) -> Floats:
    from scipy.stats import wasserstein_distance

    return np.array([wasserstein_distance(a_N, b_N) for a_N, b_N in zip(a_ND.T, b_ND.T, strict=True)])


def _sliced_wasserstein(a_ND: Floats, b_ND: Floats, stream: Stream) -> float:
    directions_SD = stream.generator().standard_normal((NUM_SLICES, a_ND.shape[1]))
    directions_SD /= np.linalg.norm(directions_SD, axis=1, keepdims=True)
    return float(_wasserstein(a_ND @ directions_SD.T, b_ND @ directions_SD.T).mean())


def _kolmogorov_smirnov(a_ND: Floats, b_ND: Floats) -> Floats:
    distances = []
    for a_N, b_N in zip(np.sort(a_ND.T), np.sort(b_ND.T), strict=True):
        steps = np.concatenate([a_N, b_N])
        shares_a = np.searchsorted(a_N, steps, side="right") / a_N.size
        shares_b = np.searchsorted(b_N, steps, side="right") / b_N.size
        distances.append(np.abs(shares_a - shares_b).max())
    return np.array(distances)


def _shares_beyond(x_ND: Floats, reference_ND: Floats, tail: float) -> tuple[float, float]:
    low_D, high_D = np.quantile(reference_ND, [tail, 1 - tail], axis=0)
    return float((x_ND < low_D).mean()), float((x_ND > high_D).mean())
