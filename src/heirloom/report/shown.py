"""What is shown of an experiment where there is room for a few numbers: metrics and generations, with one number per arm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from heirloom.artefacts import kinds
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

SHOWN = {
    "test_perplexity": "test perplexity",
    "origin_perplexity.median": "origin perplexity",
    "distinct_3": "distinct 3-grams",
    "token_entropy": "entropy (nats)",
    "tail_survival.17-64": "rare words alive",
    "covariance_trace": "variance, mean",
    "covariance_trace.median": "variance, median",
    "log_determinant": "log determinant",
    "mean_squared_error": "mean's sq. error",
    "squared_l2": "squared L2",
    "squared_l2_origin": "squared L2 to gen. 0",
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
    "ancestry.depth_mean": "depth",
}
"""Metric, or the measure whose mean over replicas is shown → its name for the reader."""


def generations(experiment: Experiment) -> list[int]:
    """Return the generations that are shown: 0, 1 and the last."""
    return sorted({0, 1, experiment.generations})


def metrics(own: pd.DataFrame) -> Iterator[str]:
    """Yield the metrics of `SHOWN` that an experiment has, by its tidy rows."""
    later = set(own.loc[own["generation"] > 0, "metric"])
    yield from (metric for metric in SHOWN if later & {metric, f"{metric}.mean"})


def values(own: pd.DataFrame, metric: str, regime: str, generation: int) -> pd.Series[float]:
    """Return a metric, or the measure's mean over replicas, of each seed; generation 0 is the origin's."""
    here = own[(own["regime"] == (regime if generation else kinds.ORIGIN)) & (own["generation"] == generation)]
    return here.loc[here["metric"].isin([metric, f"{metric}.mean"])].set_index("seed")["value"].sort_index()
