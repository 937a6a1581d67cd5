"""One number over independent lineages: mean, median, quantiles, and Student's interval on the measure's own scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heirloom.errors import HeirloomError
from heirloom.measures.replicas import WITHIN
from heirloom.measures.scales import is_positive

if TYPE_CHECKING:
    import pandas as pd

    from heirloom.config import Config

LEVEL = 0.95
FEW = 10
"""Number of lineages below which every value is shown."""
COLUMNS = (
    *("experiment", "variant", "regime", "generation", "metric", "seeds", "mean", "median", "q05", "q95"),
    *("centre", "low", "high", "interval", "estimand", "mean_log", "values"),
)


class Interval(NamedTuple):
    """A centre with its interval over S lineages.

    Attributes
    ----------
    centre, low, high
        The estimate of the estimand, and its interval at `LEVEL`; NaN if there is none.
    kind
        ``t`` (2 lineages and more), or ``none`` (one lineage).
    estimand
        What the interval covers: ``mean``, ``geometric mean``, or ``one seed``.
    """

    centre: float
    low: float
    high: float
    kind: str
    estimand: str


def conditional(config: Config) -> str:
    """Return one sentence that names the experiments whose intervals are about one corpus and its split; empty if each seed has a pool."""
    names = dict.fromkeys(experiment.variant_of or key for key, experiment in config.experiments.items() if not experiment.has_pools)
    if not names:
        return ""
    return f"Intervals of {', '.join(names)} are conditional on this corpus and split: all seeds of an experiment share its real rows."


def interval(values: ArrayLike, *, positive: bool = False) -> Interval:
    """Return a centre and its interval: mean ± t s / sqrt(S), with S - 1 degrees of freedom (Student 1908).

    For a positive measure the formula is applied to the logarithm. So the ends lie above 0, and centre and interval are those of the
    geometric mean. If a value is 0 or below, there is no logarithm, and the estimand is the mean.

    Parameters
    ----------
    values
        One number per lineage, shape (S,).
    positive
        Whether the measure lies above 0 (`measures.scales`).

    Raises
    ------
    HeirloomError
        If there is no value, or one is not finite.
    """
    values_S = np.asarray(values, dtype=np.float64)
    if values_S.ndim != 1 or not values_S.size or not np.isfinite(values_S).all():
        raise HeirloomError(f"an interval needs one finite number per lineage, got {values_S.size} in shape {values_S.shape}")
    if values_S.size == 1:
        return Interval(float(values_S[0]), np.nan, np.nan, "none", "one seed")
    if positive and (values_S > 0).all():
        return exponential(Interval(*_student(np.log(values_S)), "t", "geometric mean"))
    return Interval(*_student(values_S), "t", "mean")


def centre(metric: str, values: ArrayLike) -> float:
    """Return a metric's mean over seeds as `interval` centres it: the geometric mean of a positive measure, else the mean.

    It is NaN where a seed is, and without seeds. A mean over replicas (``.mean``) stands for an expectation, and is averaged as it is.
    """
    values_S = np.asarray(values, dtype=np.float64)
    if not values_S.size:
        return np.nan
    if values_S.size > 1 and on_logarithm(metric) and (values_S > 0).all():
        return float(np.exp(np.log(values_S).mean()))
    return float(values_S.mean())


def centres(metric: str, by_seed: pd.DataFrame) -> pd.Series[float]:
    """Return the `centre` of each row of a table with a column per seed; a seed that lacks a row is left out of it."""
    means = by_seed.mean(axis=1)
    if by_seed.shape[1] == 1 or not on_logarithm(metric):
        return means
    is_measured, is_logarithmic = by_seed.notna(), by_seed > 0
    logs = np.log(by_seed.where(is_logarithmic))
    return np.exp(logs.mean(axis=1)).where((is_logarithmic | ~is_measured).all(axis=1), means)


def on_logarithm(metric: str) -> bool:
    """Return whether seeds of a metric are averaged on the logarithm where they are compared: a positive measure, but no expectation."""
    return is_positive(metric) and not metric.endswith(".mean")


def exponential(logs: Interval) -> Interval:
    """Return an interval of a logarithm as an interval of the number; an end that is too large for a float is infinite."""
    with np.errstate(over="ignore"):
        centre, low, high = (float(np.exp(end)) for end in logs[:3])
    return Interval(centre, low, high, logs.kind, logs.estimand)


def table(frame: pd.DataFrame, num_replicas: Mapping[tuple[str, str], int]) -> pd.DataFrame:
    """Return every metric over its seeds, with the columns `COLUMNS`; ``values`` lists the seeds in their order, if they are few.

    With one seed, quantiles and interval are those over the replicas of its lineage, if it has several.

    Parameters
    ----------
    frame
        Tidy rows (`tables.gather`).
    num_replicas
        Experiment and variant → replicas of a lineage.
    """
    import pandas as pd

    groups = _groups(frame, list(COLUMNS[:5]))
    rows = []
    for (*place, metric), values_S in groups.items():
        measure, _, statistic = metric.rpartition(".")
        if statistic in WITHIN:
            continue
        over_seeds = dict(zip(COLUMNS[5:], _over_seeds(metric, values_S), strict=True))
        within = _within_lineage(groups, place, measure)
        replicas = num_replicas.get((place[0], place[1]), 1)
        over_replicas = _over_replicas(statistic, float(values_S[0]), within, replicas)
        row = over_seeds | over_replicas
        rows.append((*place, metric, *row.values()))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _within_lineage(groups: Mapping[tuple[Any, ...], NDArray[np.float64]], place: Sequence[Any], measure: str) -> dict[str, float]:
    """Return a measure's statistics over the replicas of a single lineage (`WITHIN`); empty with several seeds."""
    statistics = {}
    for statistic in WITHIN:
        value_S = groups.get((*place, f"{measure}.{statistic}"))
        if value_S is not None and len(value_S) == 1:
            statistics[statistic] = float(value_S[0])
    return statistics


def _groups(frame: pd.DataFrame, keys: list[str]) -> dict[tuple[Any, ...], NDArray[np.float64]]:
    """Return the values of each group, with groups and values in order; ten times as fast as a loop over pandas' groups."""
    if frame.empty:
        return {}
    groups = frame.groupby(keys, sort=True)
    group_R = groups.ngroup().to_numpy()
    values_R = frame["value"].to_numpy()
    in_order_R = values_R[np.argsort(group_R, kind="stable")]
    ends = np.cumsum(np.bincount(group_R))[:-1]
    return dict(zip(groups.size().index, np.split(in_order_R, ends), strict=True))


def _over_seeds(metric: str, values_S: NDArray[np.float64]) -> tuple[object, ...]:
    """Return a metric's summary over seeds, in the order of `COLUMNS` from ``seeds`` on."""
    positive = is_positive(metric)
    num_seeds = values_S.size
    if num_seeds == 1:
        return _of_one_seed(float(values_S[0]), positive)
    q05, q95 = np.quantile(values_S, [0.05, 0.95])
    columns_of_interval = interval(values_S, positive=positive)
    logs = mean_log(values_S) if positive else np.nan
    listing = " ".join(f"{value:.6g}" for value in values_S) if num_seeds < FEW else ""
    return (num_seeds, values_S.mean(), np.median(values_S), q05, q95, *columns_of_interval, logs, listing)


def _of_one_seed(value: float, positive: bool) -> tuple[object, ...]:
    """Return what `_over_seeds` does of a single seed, which most metrics of a run have: its value in each place."""
    columns_of_interval = interval([value], positive=positive)
    log = mean_log([value]) if positive else np.nan
    return (1, value, value, value, value, *columns_of_interval, log, f"{value:.6g}")


def _over_replicas(statistic: str, value: float, within: Mapping[str, float], num_replicas: int) -> dict[str, object]:
    """Return the mean or the median over the replicas of a single lineage (`measures.replicas.summarise`), by column."""
    if "se" not in within:
        return {}
    if statistic == "median":
        low, high, estimand = within["median_low"], within["median_high"], "median over replicas"
    else:
        half = t_quantile((1 + LEVEL) / 2, num_replicas) * within["se"]
        low, high, estimand = value - half, value + half, "mean over replicas"
    return {
        "q05": within["q05"],
        "q95": within["q95"],
        "mean_log": within.get("mean_log", np.nan),
        "low": low,
        "high": high,
        "interval": "replicas",
        "estimand": estimand,
    }


def mean_log(values: ArrayLike) -> float:
    """Return E ln of positive values; NaN if one is not positive."""
    values_S = np.asarray(values, dtype=np.float64)
    return float(np.log(values_S).mean()) if (values_S > 0).all() else float("nan")


def t_quantile(probability: float, num_lineages: float) -> float:
    """Return the quantile of Student's t with S - 1 degrees of freedom, S lineages or replicas; with infinitely many, of the normal law."""
    from scipy.special import stdtrit

    return float(stdtrit(num_lineages - 1, probability))


def _student(values_S: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean and the ends of Student's interval."""
    mean = float(values_S.mean())
    quantile = t_quantile((1 + LEVEL) / 2, values_S.size)
    half = float(quantile * values_S.std(ddof=1) / np.sqrt(values_S.size))
    return mean, mean - half, mean + half
