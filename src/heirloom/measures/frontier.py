"""MAUVE: how much of what two sets of texts say would surprise the other side, as one number over all trade-offs.

Pillutla et al. 2021, "MAUVE: measuring the gap between neural text and human text using divergence frontiers": rows become points of a
language model's features, points become cells of a k-means clustering, and the two histograms over the cells are compared along all
mixtures of the two. Features here are those of generation 0, so that all generations are seen with the same eyes.

Shapes: N rows of each side, E numbers per row, K cells.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream

SCALE = 5.0
"""The constant c of the publication."""

KEPT_VARIANCE = 0.9
"""Share of the variance that the principal components keep."""

ROWS_A_CELL = 10
"""Rows of one side for each cell."""

CLUSTERINGS = 5
"""Clusterings, each from other starting points, whose results are averaged."""

_MIXTURES = 1000

Features = NDArray[np.floating[Any]]


def mauve(real_NE: Features, written_NE: Features, stream: Stream) -> float:
    """Return MAUVE of two sets of as many rows: 1 if their cells are equally full, 1 / 252 if they share none.

    Rows are scaled to unit length and projected on the principal components of both sides together that keep 90 % of the variance; k-means
    then has one cell for each 10 rows of a side. Where k-means begins is drawn from ``stream`` and moves the result by a few hundredths, so
    it is the mean over five clusterings. The value depends on the number of rows.

    Raises
    ------
    HeirloomError
        If the sides differ in shape, have fewer than 20 rows, or features are not finite.
    """
    if real_NE.shape != written_NE.shape or len(real_NE) < 2 * ROWS_A_CELL:
        raise HeirloomError(
            f"MAUVE needs as many rows on both sides, at least {2 * ROWS_A_CELL}, got features of {real_NE.shape} and {written_NE.shape}"
        )
    points = _principal_components(np.concatenate([real_NE, written_NE]).astype(np.float64))
    num_cells = len(real_NE) // ROWS_A_CELL
    areas = []
    for start in range(CLUSTERINGS):
        real_N, written_N = np.split(_cells(points, num_cells, stream.child(start)), 2)
        real_K, written_K = (np.bincount(cells_N, minlength=num_cells) for cells_N in (real_N, written_N))
        areas.append(frontier_area(real_K, written_K))
    return float(np.mean(areas))


def frontier_area(real_K: ArrayLike, written_K: ArrayLike) -> float:
    """Return the area under the divergence curve of two histograms P and Q.

    The curve is {(exp(-c KL(Q | R)), exp(-c KL(P | R))) : R = w P + (1 - w) Q, 0 < w < 1}, continued to the axes (Pillutla et al. 2021,
    section 2), by the trapezoidal rule over 1,000 weights.

    Raises
    ------
    HeirloomError
        If a histogram is empty.
    """
    p_K, q_K = (np.asarray(counts, dtype=np.float64) for counts in (real_K, written_K))
    if not (p_K.sum() and q_K.sum()):
        raise HeirloomError("a divergence curve needs at least one row on each side")
    p_K, q_K = p_K / p_K.sum(), q_K / q_K.sum()
    weight_W = 1 - (np.arange(_MIXTURES) + 0.5) / _MIXTURES  # from P alone to Q alone: along x
    mixed_WK = weight_W[:, None] * p_K + (1 - weight_W)[:, None] * q_K
    x, y = (np.exp(-SCALE * _divergence(side_K, mixed_WK)) for side_K in (q_K, p_K))
    return float(np.trapezoid([1.0, *y, 0.0], [0.0, *x, 1.0]))


def _divergence(side_K: NDArray[np.float64], mixed_WK: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Kullback-Leibler divergence of a histogram from each mixture, in nats."""
    is_occupied = side_K > 0
    shares = side_K[is_occupied]
    nats_W: NDArray[np.float64] = (shares * np.log(shares / mixed_WK[:, is_occupied])).sum(axis=1)
    return nats_W


def _principal_components(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points scaled to unit length, along their principal components."""
    from sklearn.decomposition import PCA

    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise HeirloomError("MAUVE needs finite features: the model's weights are not usable")
    reduced_ND: NDArray[np.float64] = PCA(KEPT_VARIANCE, svd_solver="full").fit_transform(points / lengths)
    return reduced_ND


def _cells(points: NDArray[np.float64], num_cells: int, stream: Stream) -> NDArray[np.int64]:
    """Return the cell of each point."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    centres = points[stream.generator().choice(len(points), num_cells, replace=False)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than cells: an empty cell is allowed
        return np.asarray(KMeans(num_cells, init=centres, n_init=1).fit(points).labels_, dtype=np.int64)
