"""How surprising two samples are to one model: quantiles, and the mass beyond what used to be rare.

The paper's picture of collapse: later generations lose the surprising rows and gain rows the model finds too probable
(Shumailov et al. 2024, figure 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from heirloom.errors import HeirloomError
from heirloom.stats.samples import Floats

LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True)
class PerplexityComparison:
    """Perplexities of two samples under one model.

    Parameters
    ----------
    quantiles_a, quantiles_b
        Level to quantile (linear interpolation).
    bounds
        The reference's 1 % and 99 % quantiles.
    beyond_a, beyond_b
        Share of rows below the lower bound, and above the upper one; 1 % each says "as the reference".
    """

    quantiles_a: Mapping[float, float]
    quantiles_b: Mapping[float, float]
    bounds: tuple[float, float]
    beyond_a: tuple[float, float]
    beyond_b: tuple[float, float]


def compare_perplexities(ppl_a: ArrayLike, ppl_b: ArrayLike, reference: ArrayLike | None = None) -> PerplexityComparison:
    """Compare two sets of row perplexities.

    Parameters
    ----------
    ppl_a, ppl_b
        Perplexity of each row under the same model, shape (N,).
    reference
        Perplexities of the real rows, which set the bounds; A where it is None.

    Raises
    ------
    HeirloomError
        If a set is empty or holds a number that is not finite.
    """
    a, b = _finite("A", ppl_a), _finite("B", ppl_b)
    real = a if reference is None else _finite("the reference", reference)
    low, high = np.quantile(real, [0.01, 0.99]).tolist()
    bounds = (low, high)
    return PerplexityComparison(_quantiles(a), _quantiles(b), bounds, _shares_beyond(a, bounds), _shares_beyond(b, bounds))


def _quantiles(ppl_N: Floats) -> dict[float, float]:
    return dict(zip(LEVELS, np.quantile(ppl_N, LEVELS).tolist(), strict=True))


def _shares_beyond(ppl_N: Floats, bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    return float((ppl_N < low).mean()), float((ppl_N > high).mean())


def _finite(name: str, values: ArrayLike) -> Floats:
    ppl_N = np.asarray(values, dtype=np.float64)
    if not ppl_N.size or not np.isfinite(ppl_N).all():
        raise HeirloomError(f"perplexities of {name} must be at least one number, all finite; got {ppl_N.size} rows")
    return ppl_N
