"""Zeros and ones as real data: the smallest categorical law, for which everything about fixation is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.runtime.streams import Stream
from heirloom.sources.input_files import SourceFile
from heirloom.specs.vector_source import BernoulliSource


def preflight(spec: BernoulliSource) -> None:
    """Do nothing: a validated specification can always be drawn from."""


def source_files(spec: BernoulliSource) -> list[SourceFile]:
    """Return no file: the rows are drawn."""
    return []


def law(spec: BernoulliSource) -> dict[str, Any]:
    """Return what a step is told of the distribution: ``probability`` of a one."""
    return {"probability": spec.probability}


def draw(spec: BernoulliSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the pool of every replica, shape (R, spec.rows, 1); more replicas leave the earlier ones as they are."""
    return _rows(spec, (num_replicas, spec.rows, 1), stream.child("pool"))


def draw_test(spec: BernoulliSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the held-out rows of every replica, shape (R, spec.test_rows, 1)."""
    return _rows(spec, (num_replicas, spec.test_rows, 1), stream.child("held_out"))


def _rows(spec: BernoulliSource, shape: tuple[int, ...], stream: Stream) -> NDArray[np.float64]:
    return (stream.generator().random(shape) < spec.probability).astype(np.float64)
