"""A known normal distribution as real data: the truth against which vector families are measured."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.runtime.streams import Stream
from heirloom.sources.input_files import SourceFile
from heirloom.specs.vector_source import NormalSource


class Truth(NamedTuple):
    """Parameters of the distribution that real rows come from.

    Parameters
    ----------
    mean
        Array of shape (D,).
    covariance
        Array of shape (D, D).
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def preflight(spec: NormalSource) -> None:
    """Do nothing: a validated specification can always be drawn from."""


def source_files(spec: NormalSource) -> list[SourceFile]:
    """Return no file: the rows are drawn."""
    return []


def truth(spec: NormalSource) -> Truth:
    """Return mean and covariance of the distribution."""
    mean = np.broadcast_to(np.asarray(spec.mean, dtype=np.float64), (spec.dim,)).copy()
    if isinstance(spec.covariance, tuple):
        return Truth(mean, np.array(spec.covariance, dtype=np.float64))
    return Truth(mean, spec.covariance**2 * np.eye(spec.dim))


def law(spec: NormalSource) -> dict[str, Any]:
    """Return what a step is told of the distribution: ``mean`` (D numbers) and ``covariance`` (D rows of D)."""
    mean, covariance = truth(spec)
    return {"mean": mean.tolist(), "covariance": covariance.tolist()}


def draw(spec: NormalSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the pool of real training rows of every replica.

    Parameters
    ----------
    spec
        The distribution and the number of rows.
    num_replicas
        R; more replicas leave the earlier ones as they are.
    stream
        Names the draw.

    Returns
    -------
    array of shape (R, spec.rows, D)
        ``mean + L z`` with standard normal ``z`` and the Cholesky factor ``L`` of the covariance.
    """
    return _rows(spec, (num_replicas, spec.rows), stream.child("pool"))


def draw_test(spec: NormalSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the held-out rows of every replica, as ``draw`` does; shape (R, spec.test_rows, D)."""
    return _rows(spec, (num_replicas, spec.test_rows), stream.child("held_out"))


def _rows(spec: NormalSource, shape: tuple[int, int], stream: Stream) -> NDArray[np.float64]:
    standard = stream.generator().standard_normal((*shape, spec.dim))
    mean, covariance = truth(spec)
    rows: NDArray[np.float64] = mean + standard @ np.linalg.cholesky(covariance).T
    return rows
