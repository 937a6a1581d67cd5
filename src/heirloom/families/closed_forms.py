"""What closed forms of densities have in common: moments of one dimension as measures of all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heirloom.specs.vector_source import MixtureSource, NormalSource
from heirloom.theory import Curve, Moments

DensitySource = NormalSource | MixtureSource


def covariance(source: DensitySource) -> NDArray[np.float64]:
    """Return the covariance of the law that real rows come from, shape (D, D)."""
    from heirloom import sources  # with the config models of all sources, which no job of a step needs

    return np.asarray(sources.module(source.name).law(source)["covariance"], dtype=np.float64)


def traces(source: DensitySource, moments: Moments | None) -> dict[str, Curve]:
    """Return the one-dimensional curves times the trace of the true covariance; none where there are no moments."""
    if moments is None:
        return {}
    scale = float(np.trace(covariance(source)))
    return {"covariance_trace": scale * moments.variance, "mean_squared_error": scale * moments.mean_square}
