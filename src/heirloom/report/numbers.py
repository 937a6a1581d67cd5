"""The numbers behind each figure: one experiment's measures in, the small table that is drawn out.

Every function takes the tidy rows of one experiment (see `tables.of_experiment`) and its regimes in the order of the
config. Generation 0 belongs to all regimes, so each of them gets its rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.report import expected
from heirloom.report.intervals import FEW
from heirloom.specs.experiment import Experiment
from heirloom.stats.spacing import evenly_spaced

HISTOGRAM = "origin_perplexity_histogram."
SURVIVAL, DRIFT = "tail_survival.", "tail_survival_drift."
DIVERSITY = ("distinct_3", "token_entropy")
ANCESTRY = ("ancestry.real_row_share", "ancestry.depth_mean")
LATENT = ("latent_spread", "test_elbo")
EACH_SEED = "seed "
"""Begins the names of columns that hold the values of one seed."""

MAX_CURVES = 7


def joined(own: pd.DataFrame, regimes: Sequence[str]) -> pd.DataFrame:
    """Return the rows with generation 0 given to every regime, ordered by regime (as listed), generation and metric."""
    origin = own[own["regime"] == kinds.ORIGIN]
    parts = [pd.concat([origin.assign(regime=regime), own[own["regime"] == regime]]) for regime in regimes]
    return pd.concat(parts, ignore_index=True)


def over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """Return mean, least and greatest value over seeds: regime, generation, metric, mean, low, high, seeds."""
    grouped = rows.groupby(["regime", "generation", "metric"], sort=False)["value"]
    return grouped.agg(mean="mean", low="min", high="max", seeds="size").reset_index()


def curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what `over_seeds` does, and with 2 to 9 seeds a column each (``seed 0``, …): so few are shown one by one."""
    keys, shown = ["regime", "generation", "metric"], over_seeds(rows)
    if not 1 < shown["seeds"].max() < FEW:
        return shown
    each = rows.pivot_table(index=keys, columns="seed", values="value").add_prefix(EACH_SEED).reset_index()
    return shown.merge(each, how="left", on=keys)


def test_perplexity(own: pd.DataFrame, regimes: Sequence[str]) -> pd.DataFrame:
    """Return the perplexity on held-out real text by regime and generation."""
    return curves(joined(own[own["metric"] == "test_perplexity"], regimes))


def diversity(own: pd.DataFrame, regimes: Sequence[str]) -> pd.DataFrame:
    """Return distinct-3 and token entropy by regime and generation."""
    return curves(joined(own[own["metric"].isin(DIVERSITY)], regimes))


def ancestry(own: pd.DataFrame, regimes: Sequence[str]) -> pd.DataFrame:
    """Return the share of real rows and the mean depth of what each generation was trained on, by regime and generation."""
    return curves(joined(own[own["metric"].isin(ANCESTRY)], regimes))


def latent(own: pd.DataFrame, regimes: Sequence[str]) -> pd.DataFrame:
    """Return the latent spread of the images and the evidence lower bound on real ones by regime and generation."""
    return curves(joined(own[own["metric"].isin(LATENT)], regimes))


def tail_survival(own: pd.DataFrame, regimes: Sequence[str]) -> pd.DataFrame:
    """Return the share of word types still produced by regime, generation and frequency band, and ``drift``, what neutral drift leaves."""
    shown, drift = (over_seeds(joined(own[own["metric"].str.startswith(which)], regimes)) for which in (SURVIVAL, DRIFT))
    shown, drift = (rows.assign(band=rows["metric"].str.split(".", n=1).str[1]) for rows in (shown, drift))
    keys = ["regime", "generation", "band"]
    return shown.merge(drift[[*keys, "mean"]].rename(columns={"mean": "drift"}), how="left", on=keys).drop(columns="metric")


def synthetic_perplexity(own: pd.DataFrame, regimes: Sequence[str]) -> pd.DataFrame:
    """Return the histogram of row perplexity under generation 0: regime, generation, log10_from, perplexity, share.

    ``perplexity`` is the middle of a bin of a tenth of a decade on the log axis; shares are means over seeds. Bins that
    are empty at both ends for every curve are left out, and at most `MAX_CURVES` generations are kept, evenly spaced.
    """
    shown = over_seeds(joined(own[own["metric"].str.startswith(HISTOGRAM)], regimes))
    edges = shown["metric"].str.removeprefix(HISTOGRAM).astype(float)
    shown = shown.assign(log10_from=edges.where(np.isfinite(edges), -0.1), share=shown["mean"])
    used = shown.loc[shown["share"] > 0, "log10_from"]
    inside = shown["log10_from"].between(used.min() - 0.15, used.max() + 0.15)
    generations = evenly_spaced(range(int(shown["generation"].max()) + 1), MAX_CURVES)
    shown = shown[inside & shown["generation"].isin(generations)]
    shown = shown.assign(perplexity=10 ** (shown["log10_from"] + 0.05)).sort_values(["regime", "generation", "log10_from"])
    return shown[["regime", "generation", "log10_from", "perplexity", "share"]].reset_index(drop=True)


def variance(own: pd.DataFrame, regimes: Sequence[str], experiment: Experiment, config: Config) -> pd.DataFrame:
    """Return the fitted variance against its closed form: `estimates` of the covariance trace, and ``expected``."""
    return _beside("covariance_trace", own, regimes, experiment, config)


def beside_theory(own: pd.DataFrame, measures: Sequence[str], experiment: Experiment, config: Config) -> pd.DataFrame:
    """Return several measures against their closed forms: ``measure``, then `estimates`, and ``expected``."""
    parts = [_beside(measure, own, experiment.regimes, experiment, config).assign(measure=measure) for measure in measures]
    return pd.concat(parts, ignore_index=True)[["measure", *parts[0].columns[:-1]]]


def _beside(measure: str, own: pd.DataFrame, regimes: Sequence[str], experiment: Experiment, config: Config) -> pd.DataFrame:
    shown = estimates(own, regimes, measure)
    known = {regime: expected.curves(experiment, config.regimes[regime]).get(measure) for regime in regimes}
    pairs = zip(shown["regime"], shown["generation"], strict=True)
    return shown.assign(expected=[np.nan if (curve := known[regime]) is None else curve[generation] for regime, generation in pairs])


def distance(own: pd.DataFrame, regimes: Sequence[str]) -> pd.DataFrame:
    """Return the squared L2 distance to generation 0's density after it: regime, generation, median, low, high (`spread`)."""
    shown = spread(own, regimes, "squared_l2_origin")
    return shown[shown["generation"] > 0].reset_index(drop=True)


def spread(own: pd.DataFrame, regimes: Sequence[str], measure: str) -> pd.DataFrame:
    """Return a measure's median and 5 % and 95 % quantiles: regime, generation, median, low, high.

    Over replicas, averaged over seeds; with one replica over seeds.
    """
    rows = joined(own, regimes)
    index = ["regime", "generation"]
    if (rows["metric"] == measure).any():
        values = rows[rows["metric"] == measure].groupby(index, sort=False)["value"]
        return pd.DataFrame({"median": values.median(), "low": values.quantile(0.05), "high": values.quantile(0.95)}).reset_index()
    named = {"median": "median", "low": "q05", "high": "q95"}
    parts = {
        what: rows[rows["metric"] == f"{measure}.{metric}"].groupby(index, sort=False)["value"].mean() for what, metric in named.items()
    }
    return pd.DataFrame(parts).reset_index()


def estimates(own: pd.DataFrame, regimes: Sequence[str], measure: str) -> pd.DataFrame:
    """Return a measure summarised over replicas and then seeds: regime, generation, mean, se, median.

    The mean and the median are averaged over S seeds, and se is sqrt(sum of se²) / S, since seeds are independent. With
    one replica mean and median are those of the seeds, and se is theirs (NaN for one seed).
    """
    rows = joined(own, regimes)
    index = ["regime", "generation"]
    keys = rows[index].drop_duplicates().set_index(index)
    if (rows["metric"] == measure).any():
        values = rows[rows["metric"] == measure].groupby(index)["value"]
        over = pd.DataFrame({"mean": values.mean(), "se": values.sem(), "median": values.median()})
        return keys.join(over, how="inner").reset_index()
    parts = {what: rows[rows["metric"] == f"{measure}.{what}"].groupby(index)["value"] for what in ("mean", "se", "median")}
    summary = pd.DataFrame({"mean": parts["mean"].mean(), "se": parts["se"].apply(_pooled), "median": parts["median"].mean()})
    return keys.join(summary, how="inner").reset_index()


def _pooled(errors: pd.Series[float]) -> float:
    return float(np.sqrt((errors**2).sum()) / len(errors))
