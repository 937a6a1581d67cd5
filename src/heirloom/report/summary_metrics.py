"""The metrics and generations of an experiment that stand where there is room for a few numbers, with one number per arm."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from heirloom.artefacts import kinds
from heirloom.report import intervals, measure_words
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

LABELS = {
    "test_perplexity": "test perplexity",
    "origin_perplexity.median": "origin perplexity",
    "distinct_3": "distinct 3-grams",
    "token_entropy": "entropy (nats)",
    "tail_survival.17-64": "rare words alive",
    "stop_rate": "rows that stop",
    "completion_tokens.mean": "tokens of a completion",
    "test_exact_match": "answers exact",
    "test_token_f1": "answers' words (F1)",
    "covariance_trace": "variance, mean",
    "covariance_trace.median": "variance, median",
    "log_determinant": "log determinant",
    "mean_squared_error": "mean's sq. error",
    "squared_l2": "squared L2",
    "squared_l2_origin": "squared L2 to gen. 0",
    "correlation_distance": "correlations' distance",
    "types": "types alive",
    "diversity": "diversity",
    "survival.1": "seen once, alive",
    "lost_mass": "mass of the lost",
    "absorbed": "absorbed",
    "probability": "probability",
    "variance": "variance",
    "fixed_at_1": "all ones",
    "rate": "rate",
    "squared_error": "squared error",
    "latent_spread": "latent spread",
    "test_elbo": "test ELBO (nats)",
    "pixel_variance": "pixel variance",
    "class_entropy": "class entropy",
    "ancestry.real_row_share": "real rows",
    "share_estimate.synthetic": "synthetic, estimated",
    "ancestry.depth_mean": "depth",
    "ancestry.founders": "founders",
}
"""Metric, or the measure whose mean over replicas is shown → its name for the reader."""


def generations(experiment: Experiment) -> list[int]:
    """Return the generations 0, 1 and the last."""
    return sorted({0, 1, experiment.generations})


def metrics(rows: pd.DataFrame, experiment: Experiment) -> Iterator[str]:
    """Yield the metrics of `LABELS` that an experiment has, by its tidy rows, and then the user's own (`own`)."""
    measured = set(rows.loc[rows["generation"] > 0, "metric"])
    for metric in LABELS:
        if not measured.isdisjoint(_names(metric)):
            yield metric
    yield from own(measured, experiment)


def own(measured: Iterable[str], experiment: Experiment) -> list[str]:
    """Return the metrics of the user's own: those of `measures` in config, of the family's program, and of the family's package.

    Heirloom has no words for them. A metric of `measures` is called ``NAME.…``; the others have no dot but that of a mean over replicas.
    """
    names = {metric: metric.removesuffix(".mean") for metric in measured if measure_words.of_metric(metric).group == measure_words.OTHERS}
    return sorted({name for metric, name in names.items() if "." not in name or metric.partition(".")[0] in experiment.measures})


def narrowed(rows: pd.DataFrame, metrics: Collection[str], generations: Collection[int]) -> pd.DataFrame:
    """Return the tidy rows in which `values` finds these metrics at these generations, a few of many."""
    names = [name for metric in metrics for name in _names(metric)]
    return rows[rows["generation"].isin(generations) & rows["metric"].isin(names)]


def values(rows: pd.DataFrame, metric: str, regime: str, generation: int) -> pd.Series[float]:
    """Return a metric, or the measure's mean over replicas, of each seed; generation 0 is the origin's."""
    arm = regime if generation else kinds.ORIGIN
    is_metric = rows["metric"].isin(_names(metric))
    place = rows[(rows["regime"] == arm) & (rows["generation"] == generation) & is_metric]
    return place.set_index("seed")["value"].sort_index()


def centre(rows: pd.DataFrame, metric: str, regime: str, generation: int) -> float:
    """Return the centre of `values` over seeds, as `intervals.centre` has it."""
    is_of_replicas = not (rows["metric"] == metric).any()
    return intervals.centre(f"{metric}.mean" if is_of_replicas else metric, values(rows, metric, regime, generation))


def four_digits(value: float) -> str:
    """Return four decimals of a number below ten, so that columns line up and stay narrow, and four digits of a larger one."""
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"


def _names(metric: str) -> list[str]:
    """Return what a metric may be called in the rows: its own name, or that of its mean over replicas."""
    return [metric, f"{metric}.mean"]
