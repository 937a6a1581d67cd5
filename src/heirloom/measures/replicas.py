"""One measure over many replicas, told by a few numbers.

The mean alone misleads under collapse: rare huge replicas carry the expectation while the typical one shrinks. So the
median and two quantiles always stand beside it.

Whole lineages are told by fewer units than replicas: of each measure of collapse (`measures.stages`) the median of every group of
replicas, under ``name.unit.0``, ``name.unit.1``, …, which `split_units` takes out again. Group by group an arm can be compared with its
control.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heirloom.errors import HeirloomError
from heirloom.measures.stages import COMPARED

HEAVY_TAILED = ("covariance_trace", "wasserstein2_squared", "mean_squared_error")
"""Measures whose mean rare huge lineages carry: the median stands for them, and the mean of the logarithm beside it."""

WITHIN = ("se", "median_low", "median_high", "q05", "q95", "mean_log")
"""What is told of the replicas of one lineage beside their mean and median."""

MAX_UNITS = 20
"""Most groups that the replicas of a lineage are divided into, in order and as evenly as can be."""

_UNIT = ".unit."


def summarise(name: str, values: ArrayLike) -> dict[str, float]:
    """Return the metrics that describe one measure over R replicas.

    Parameters
    ----------
    name
        Name of the measure.
    values
        One value per replica, shape (R,).

    Returns
    -------
    ``{name: value}`` for one replica. For more: ``name.mean``, ``name.se`` (standard error of that mean: standard deviation with divisor
    R - 1, over sqrt(R)), ``name.median``, ``name.median_low`` and ``name.median_high`` (its interval of 95 %, the quantiles at 1/2 -+ 0.98
    / sqrt(R), distribution-free for many replicas; David and Nagaraja 2003, Order Statistics, section 7.1), ``name.q05`` and ``name.q95``
    (linear interpolation), in the measure's unit; and for a heavy-tailed measure that is positive everywhere ``name.mean_log``, E ln.

    Raises
    ------
    HeirloomError
        If there is no replica, or a value is not finite.
    """
    return split_units(summarise_each({name: values}))[0]


def summarise_each(measures: Mapping[str, ArrayLike]) -> dict[str, float]:
    """Return the metrics that describe several measures, as `summarise` does for one, and the units of those of collapse.

    Measures over as many replicas are sorted at once. One that some replica lacks has no units, so that a unit means the same replicas.
    """
    values_of = {name: _checked_values(name, values) for name, values in measures.items()}
    metrics: dict[str, float] = {}
    for size in dict.fromkeys(map(len, values_of.values())):
        metrics |= _descriptions({name: values_R for name, values_R in values_of.items() if len(values_R) == size})
    num_replicas = max(map(len, values_of.values()))
    measures_of_collapse = [name for name, values_R in values_of.items() if name in COMPARED and len(values_R) == num_replicas]
    for name in measures_of_collapse:
        metrics |= {f"{name}{_UNIT}{unit}": value for unit, value in enumerate(_unit_medians(values_of[name]))}
    return metrics


def split_units(measured: Mapping[str, float]) -> tuple[dict[str, float], dict[tuple[str, int], float]]:
    """Return the metrics without the units of replicas, and these by measure and number of the unit."""
    metrics = {name: value for name, value in measured.items() if _UNIT not in name}
    units = {}
    for name, value in measured.items():
        measure, separator, unit = name.partition(_UNIT)
        if separator:
            units[measure, int(unit)] = value
    return metrics, units


def size_of_unit(num_replicas: int) -> int:
    """Return how many replicas the largest unit holds."""
    return -(-num_replicas // MAX_UNITS)


def _unit_medians(values_R: NDArray[np.float64]) -> list[float]:
    """Return the median of each unit: of each replica, or of each of `MAX_UNITS` groups of them in order; none of a single replica."""
    if len(values_R) == 1:
        return []
    if len(values_R) <= MAX_UNITS:
        return [float(value) for value in values_R]
    size, num_larger = divmod(len(values_R), MAX_UNITS)
    cut = num_larger * (size + 1)  # as `np.array_split` does: the first units hold a replica more
    units = [values_R[:cut].reshape(num_larger, size + 1), values_R[cut:].reshape(-1, size)]
    medians = [np.median(equal_units, axis=1) for equal_units in units if len(equal_units)]
    return [float(value) for value in np.concatenate(medians)]


def _descriptions(measures: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    values_MR = np.stack(list(measures.values()))
    num_replicas = values_MR.shape[1]
    if num_replicas == 1:
        return dict(zip(measures, values_MR[:, 0].tolist(), strict=True))
    half_width = min(0.5, 0.98 / np.sqrt(num_replicas))
    levels = {"q05": 0.05, "median_low": 0.5 - half_width, "median": 0.5, "median_high": 0.5 + half_width, "q95": 0.95}
    quantiles = np.quantile(values_MR, list(levels.values()), axis=1)
    columns = {
        "mean": values_MR.mean(axis=1),
        "se": values_MR.std(axis=1, ddof=1) / np.sqrt(num_replicas),
        **dict(zip(levels, quantiles, strict=True)),
    }
    metrics: dict[str, float] = {}
    for m, name in enumerate(measures):
        metrics |= {f"{name}.{metric}": float(values_M[m]) for metric, values_M in columns.items()}
    for name, values_R in zip(measures, values_MR, strict=True):
        if name in HEAVY_TAILED and values_R.min() > 0:
            metrics[f"{name}.mean_log"] = float(np.log(values_R).mean())
    return metrics


def _checked_values(name: str, values: ArrayLike) -> NDArray[np.float64]:
    values_R = np.asarray(values, dtype=np.float64)
    if values_R.ndim != 1 or values_R.size == 0:
        raise HeirloomError(f"{name}: needs one value for each replica, got an array of shape {values_R.shape}")
    num_bad = int((~np.isfinite(values_R)).sum())
    if num_bad:
        raise HeirloomError(f"{name}: {num_bad} of {values_R.size} replicas are not finite; allowed are finite numbers")
    return values_R
