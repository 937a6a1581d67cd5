"""Poisson counts as real data: one number decides both their mean and their variance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.runtime.streams import Stream
from heirloom.sources.input_files import SourceFile
from heirloom.specs.vector_source import PoissonSource


def preflight(spec: PoissonSource) -> None:
    """Do nothing: a validated specification can always be drawn from."""


def source_files(spec: PoissonSource) -> list[SourceFile]:
    """Return no file: the rows are drawn."""
    return []


def law(spec: PoissonSource) -> dict[str, Any]:
    """Return what a step is told of the distribution: ``rate``, the mean of a row."""
    return {"rate": spec.rate}


def draw(spec: PoissonSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the pool of every replica, shape (R, spec.rows, 1); more replicas leave the earlier ones as they are."""
    return _rows(spec, (num_replicas, spec.rows, 1), stream.child("pool"))


def draw_test(spec: PoissonSource, num_replicas: int, stream: Stream) -> NDArray[np.float64]:
    """Draw the held-out rows of every replica, shape (R, spec.test_rows, 1)."""
    return _rows(spec, (num_replicas, spec.test_rows, 1), stream.child("held_out"))


def _rows(spec: PoissonSource, shape: tuple[int, ...], stream: Stream) -> NDArray[np.float64]:
    return stream.generator().poisson(spec.rate, shape).astype(np.float64)
