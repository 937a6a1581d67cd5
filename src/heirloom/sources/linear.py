"""Features and a label as real data: the truth of a linear regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.runtime.streams import Stream
from heirloom.sources.input_files import SourceFile
from heirloom.specs.vector_source import LinearSource


def preflight(spec: LinearSource) -> None:
    """Do nothing: a validated specification can always be drawn from."""


def source_files(spec: LinearSource) -> list[SourceFile]:
    """Return no file: the rows are drawn."""
    return []


def law(spec: LinearSource) -> dict[str, Any]:
    """Return what a step is told of the truth: ``weights``, one a feature."""
    return {"weights": weights(spec).tolist()}


def weights(spec: LinearSource) -> NDArray[np.float64]:
    """Return the true weights, shape (features,)."""
    return np.broadcast_to(np.asarray(spec.weights, dtype=np.float64), (spec.features,)).copy()


def draw(spec: LinearSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the pool of every replica: standard normal features, and a label ``weights · features + noise``.

    Returns
    -------
    array of shape (R, spec.rows, features + 1), the label last; more replicas leave the earlier ones as they are
    """
    return _rows(spec, (num_replicas, spec.rows), stream.child("pool"))


def draw_test(spec: LinearSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the held-out rows of every replica, as ``draw`` does; shape (R, spec.test_rows, features + 1)."""
    return _rows(spec, (num_replicas, spec.test_rows), stream.child("held_out"))


def _rows(spec: LinearSource, shape: tuple[int, int], stream: Stream) -> NDArray[np.float64]:
    rows = stream.generator().standard_normal((*shape, spec.features + 1))
    features, noise = rows[..., :-1], rows[..., -1]
    rows[..., -1] = features @ weights(spec) + spec.noise * noise
    return rows
