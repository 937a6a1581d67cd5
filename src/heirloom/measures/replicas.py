"""One measure over many replicas, told by a few numbers.

The mean alone misleads under collapse: rare huge replicas carry the expectation while the typical one shrinks. So the
median and two quantiles always stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from heirloom.errors import HeirloomError


def summarise(name: str, values: ArrayLike) -> dict[str, float]:
    """Return the metrics that describe one measure over R replicas.

    Parameters
    ----------
    name
        Name of the measure.
    values
        One value a replica, shape (R,).

    Returns ------- ``{name: value}`` for one replica. For more: ``name.mean``, ``name.se`` (standard error of that
    mean: standard deviation with divisor R - 1, over sqrt(R)), ``name.median``, ``name.q05`` and ``name.q95`` (linear
    interpolation), in the measure's unit.

    Raises
    ------
    HeirloomError
        If there is no replica, or a value is not finite.
    """
    values_R = np.asarray(values, dtype=np.float64)
    if values_R.ndim != 1 or values_R.size == 0:
        raise HeirloomError(f"{name}: needs one value for each replica, got an array of shape {values_R.shape}")
    num_bad = int((~np.isfinite(values_R)).sum())
    if num_bad:
        raise HeirloomError(f"{name}: {num_bad} of {values_R.size} replicas are not finite; allowed are finite numbers")
    if values_R.size == 1:
        return {name: float(values_R[0])}
    low, median, high = np.quantile(values_R, [0.05, 0.5, 0.95])
    return {
        f"{name}.mean": float(values_R.mean()),
        f"{name}.se": float(values_R.std(ddof=1) / np.sqrt(values_R.size)),
        f"{name}.median": float(median),
        f"{name}.q05": float(low),
        f"{name}.q95": float(high),
    }


def summarise_each(measures: Mapping[str, ArrayLike]) -> dict[str, float]:
    """Return the metrics that describe several measures, as `summarise` does for one."""
    return {metric: value for name, values in measures.items() for metric, value in summarise(name, values).items()}
