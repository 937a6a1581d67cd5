"""How surprising two samples are to one model: quantiles, and the mass beyond what was once surprising."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import ArrayLike

LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True)
class PerplexityComparison:
    """Quantiles by level of both samples, and the share of rows beyond the reference's 1 % (below) and 99 % (above)."""

    quantiles_a: Mapping[float, float]
    quantiles_b: Mapping[float, float]
    bounds: tuple[float, float]
    beyond_a: tuple[float, float]
    beyond_b: tuple[float, float]


def compare_perplexities(ppl_a: ArrayLike, ppl_b: ArrayLike, reference: ArrayLike | None = None) -> PerplexityComparison:
    """Compare two sets of row perplexities; the reference (the real rows) sets the bounds, or A where it is None."""
    raise NotImplementedError
