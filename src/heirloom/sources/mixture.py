"""A known mixture of normal distributions as real data: what one Gaussian cannot represent, and several can.

Legend of shapes: R replicas, N rows, K components, D dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.runtime.streams import Stream
from heirloom.sources.input_files import SourceFile
from heirloom.specs.vector_source import MixtureSource


def preflight(spec: MixtureSource) -> None:
    """Do nothing: a validated specification can always be drawn from."""


def source_files(spec: MixtureSource) -> list[SourceFile]:
    """Return no file: the rows are drawn."""
    return []


def law(spec: MixtureSource) -> dict[str, Any]:
    """Return what a step is told of the distribution.

    Returns
    -------
    ``weights`` (K), ``means`` (K of D), ``covariances`` (K of D rows of D) of the components, and ``mean`` (D) and ``covariance``
    (D rows of D) of the whole: m = sum_k w_k m_k and C = sum_k w_k (C_k + (m_k - m)(m_k - m)'), the law of total covariance.
    """
    weights_K, means_KD, covariances_KDD = _components(spec)
    mean_D = weights_K @ means_KD
    apart_KD = means_KD - mean_D
    between_KDD = apart_KD[:, :, None] * apart_KD[:, None, :]
    covariance_DD = np.tensordot(weights_K, covariances_KDD + between_KDD, axes=1)
    return {
        "mean": mean_D.tolist(),
        "covariance": covariance_DD.tolist(),
        "weights": weights_K.tolist(),
        "means": means_KD.tolist(),
        "covariances": covariances_KDD.tolist(),
    }


def draw(spec: MixtureSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the pool of real training rows of every replica.

    Parameters
    ----------
    num_replicas
        R; more replicas leave the earlier ones as they are.
    stream
        Names the draw.

    Returns
    -------
    array of shape (R, spec.rows, D)
        Each row is ``m_k + L_k z`` for a component k drawn with its weight, standard normal z and the Cholesky factor L_k.
    """
    return _rows(spec, (num_replicas, spec.rows), stream.child("pool"))


def draw_test(spec: MixtureSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the held-out rows of every replica, as ``draw`` does; shape (R, spec.test_rows, D)."""
    return _rows(spec, (num_replicas, spec.test_rows), stream.child("held_out"))


def _rows(spec: MixtureSource, shape: tuple[int, int], stream: Stream) -> NDArray[np.float64]:
    weights_K, means_KD, covariances_KDD = _components(spec)
    uniform_RN = stream.child("component").generator().random(shape)
    component_RN = np.searchsorted(np.cumsum(weights_K)[:-1], uniform_RN, side="right")
    standard_RND = stream.child("noise").generator().standard_normal((*shape, spec.dim))
    rows_RND = np.empty_like(standard_RND)
    for k, root_DD in enumerate(np.linalg.cholesky(covariances_KDD)):
        is_of_k_RN = component_RN == k
        rows_RND[is_of_k_RN] = means_KD[k] + standard_RND[is_of_k_RN] @ root_DD.T
    return rows_RND


def _components(spec: MixtureSource) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    covariances_KDD = np.stack([_matrix(covariance, spec.dim) for covariance in spec.covariances])
    return np.array(spec.weights), np.array(spec.means), covariances_KDD


def _matrix(covariance: tuple[tuple[float, ...], ...] | float, dim: int) -> NDArray[np.float64]:
    """Return a component's covariance, shape (D, D), from its rows or its standard deviation."""
    if isinstance(covariance, tuple):
        return np.array(covariance)
    return covariance**2 * np.eye(dim)
