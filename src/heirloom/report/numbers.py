"""Functions that make the numbers behind figures: the tidy rows of one experiment in, small tables by regime and generation out.

Every function takes the tidy rows of one experiment (see `tables.of_experiment`), and its regimes in the order of the legend. Generation 0
belongs to all regimes, so each of them gets its rows.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pandas as pd

from heirloom.artefacts import kinds
from heirloom.report import expected_curves
from heirloom.report.intervals import FEW, on_logarithm
from heirloom.specs.experiment import Experiment
from heirloom.specs.regime import Regime
from heirloom.theory import Curve

EACH_SEED = "seed "
"""Begins the names of columns that hold the values of one seed."""


def with_origin(rows: pd.DataFrame, regimes: Iterable[str]) -> pd.DataFrame:
    """Return the rows with generation 0 given to every regime, ordered by regime (as listed), generation and metric."""
    origin = rows[rows["regime"] == kinds.ORIGIN]
    parts = [pd.concat([origin.assign(regime=regime), rows[rows["regime"] == regime]]) for regime in regimes]
    return pd.concat(parts, ignore_index=True)


def over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the centre (`intervals.centre`), least and greatest value over seeds: regime, generation, metric, mean, low, high, seeds."""
    keys = ["regime", "generation", "metric"]
    logs = np.log(rows["value"].where(rows["value"] > 0))
    groups = rows.assign(log=logs).groupby(keys, sort=False)
    values = groups["value"]
    table = values.agg(mean="mean", low="min", high="max", seeds="size").assign(log=groups["log"].mean()).reset_index()
    is_logarithmic = table["metric"].map(on_logarithm).astype(bool) & (table["low"] > 0) & (table["seeds"] > 1)
    return table.assign(mean=table["mean"].where(~is_logarithmic, np.exp(table["log"]))).drop(columns="log")


def curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what `over_seeds` returns, and with 2 to 9 seeds a column per seed (``seed 0``, …): so few have a line each."""
    keys = ["regime", "generation", "metric"]
    means = over_seeds(rows)
    if not 1 < means["seeds"].max() < FEW:
        return means
    wide = rows.pivot_table(index=keys, columns="seed", values="value")
    by_seed = wide.add_prefix(EACH_SEED).reset_index()
    return means.merge(by_seed, how="left", on=keys)


def by_regime(rows: pd.DataFrame, metrics: Collection[str], regimes: Iterable[str]) -> pd.DataFrame:
    """Return the `curves` of some metrics by regime and generation."""
    return curves(with_origin(rows[rows["metric"].isin(metrics)], regimes))


def beside_theory(measure: str, rows: pd.DataFrame, experiment: Experiment, regimes: Mapping[str, Regime]) -> pd.DataFrame:
    """Return a measure against its closed form: `estimates`, and ``expected`` (NaN where none is known).

    Parameters
    ----------
    regimes
        The declarations of the experiment's arms.
    """
    table = estimates(rows, regimes, measure)
    forms = {name: expected_curves.curves(experiment, regime).get(measure) for name, regime in regimes.items()}
    pairs = zip(table["regime"], table["generation"], strict=True)
    return table.assign(expected=[_at(forms[regime], generation) for regime, generation in pairs])


def _at(form: Curve | None, generation: int) -> float:
    return math.nan if form is None else float(form[generation])


def spread(rows: pd.DataFrame, regimes: Iterable[str], measure: str) -> pd.DataFrame:
    """Return a measure's median and 5 % and 95 % quantiles: regime, generation, median, low, high.

    Over replicas, averaged over seeds; with one replica over seeds.
    """
    arms = with_origin(rows, regimes)
    index = ["regime", "generation"]
    measured = arms[arms["metric"] == measure]
    if len(measured):
        values = measured.groupby(index, sort=False)["value"]
        over_seeds = {"median": values.median(), "low": values.quantile(0.05), "high": values.quantile(0.95)}
        return pd.DataFrame(over_seeds).reset_index()
    over_replicas = {}
    for column, statistic in {"median": "median", "low": "q05", "high": "q95"}.items():
        summary = arms[arms["metric"] == f"{measure}.{statistic}"]
        over_replicas[column] = summary.groupby(index, sort=False)["value"].mean()
    return pd.DataFrame(over_replicas).reset_index()


def estimates(rows: pd.DataFrame, regimes: Iterable[str], measure: str) -> pd.DataFrame:
    """Return a measure summarised over replicas and then seeds: regime, generation, mean, se, median.

    The mean and the median are averaged over S seeds, and se is sqrt(sum of se²) / S, since seeds are independent. With
    one replica mean and median are those of the seeds, and se is theirs (NaN for one seed).
    """
    arms = with_origin(rows, regimes)
    index = ["regime", "generation"]
    keys = arms[index].drop_duplicates().set_index(index)
    measured = arms[arms["metric"] == measure]
    if len(measured):
        values = measured.groupby(index)["value"]
        summary = pd.DataFrame({"mean": values.mean(), "se": values.sem(), "median": values.median()})
    else:
        means = arms[arms["metric"] == f"{measure}.mean"].groupby(index)["value"]
        errors = arms[arms["metric"] == f"{measure}.se"].groupby(index)["value"]
        medians = arms[arms["metric"] == f"{measure}.median"].groupby(index)["value"]
        summary = pd.DataFrame({"mean": means.mean(), "se": errors.apply(_pooled), "median": medians.mean()})
    return keys.join(summary, how="inner").reset_index()


def _pooled(errors: pd.Series[float]) -> float:
    return float(np.sqrt((errors**2).sum()) / len(errors))
