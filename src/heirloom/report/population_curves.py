"""Measures of populations by generation: means over members, or of each where members differ in kind, beside their closed forms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from heirloom import theory
from heirloom.report import expected_curves, tables
from heirloom.report.numbers import with_origin
from heirloom.specs.experiment import Experiment
from heirloom.variants import VARIANT_MARK

if TYPE_CHECKING:
    from heirloom.report.figures.kind import Subject

FOUNDERS, DIVERSITY, EFFECTIVE_SIZE = "ancestry.founders", "diversity.mean", "effective_size"
WORDS = {FOUNDERS: "founders, effective number", DIVERSITY: "diversity, mean over replicas", EFFECTIVE_SIZE: "effective size, rows"}
"""Metric → the title of its axis, where that is not its name."""
_MEMBER = "member"


def curves(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the curves of each population of a grid.

    Parameters
    ----------
    rows
        The tidy rows of the grid.

    Returns
    -------
    series, regime, generation, metric, value, expected (NaN where no closed form is known); where diversity is measured, with the
    effective size that it has decayed with since generation 0 (NaN where it has not)
    """
    metrics = _metrics(rows)
    parts = [part for key, experiment in subject.experiments.items() for part in _of_member(subject, key, experiment, rows, metrics)]
    by_member = pd.concat(parts, ignore_index=True)
    keys = ["series", "regime", "metric", "generation"]
    means = by_member.groupby(keys, sort=False)[["value", "expected"]].mean().reset_index()
    sizes = [_effective_sizes(group) for _, group in means[means["metric"] == DIVERSITY].groupby(["series", "regime"], sort=False)]
    return pd.concat([means, *sizes], ignore_index=True)


def series(key: str, experiment: Experiment) -> str:
    """Return what a member's curve is called: its population's point of the grid, and where members differ in kind its own name, too."""
    membership = experiment.membership
    if membership is None:
        return "_".join(label for axis, label in experiment.point.items() if axis != _MEMBER) or key
    population = membership.prefix.partition(VARIANT_MARK)[2].rstrip("_")
    parts = [population] if membership.has_copies else [population, membership.seat.name]
    return " ".join(filter(None, parts)) or _MEMBER


def _metrics(rows: pd.DataFrame) -> list[str]:
    """Return the metrics that are drawn: the first headline that is measured, and the founders."""
    measured = set(rows["metric"])
    headlines = [metric for metric in ("test_perplexity", DIVERSITY, "covariance_trace.mean", *tables.HEADLINES) if metric in measured]
    return [*headlines[:1], FOUNDERS]


def _of_member(subject: Subject, key: str, experiment: Experiment, rows: pd.DataFrame, metrics: list[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows of a member, a table for each regime and metric."""
    variant_rows = rows[rows["variant"] == tables.names(key, experiment)[1]]
    for regime, declaration in subject.regimes.items():
        forms = expected_curves.curves(experiment, declaration)
        regime_rows = with_origin(variant_rows, [regime])
        for metric in metrics:
            part = regime_rows[regime_rows["metric"] == metric]
            form = forms.get(metric.removesuffix(".mean"))
            expected = [math.nan if form is None else float(form[generation]) for generation in part["generation"]]
            yield part[["generation", "value"]].assign(series=series(key, experiment), regime=regime, metric=metric, expected=expected)


def _effective_sizes(diversity: pd.DataFrame) -> pd.DataFrame:
    """Return the effective size at each generation after 0, from a population's mean diversity by generation."""
    rows = diversity.sort_values("generation")
    later_rows = rows[rows["generation"] > 0].assign(metric=EFFECTIVE_SIZE)
    for column in ("value", "expected"):
        first = float(rows[column].iloc[0])
        pairs = zip(later_rows[column], later_rows["generation"], strict=True)
        later_rows[column] = [_size(first, float(last), int(generation)) for last, generation in pairs]
    return later_rows


def _size(first: float, last: float, generations: int) -> float:
    """Return the effective size, NaN where diversity has not decayed."""
    return theory.population.size_from_decay(first, last, generations) if 0 < last < first else math.nan
