"""Which error source costs what: a grid whose axes are sources, read one source at a time and all at once.

A grid is read so if every axis is named after a source (`SOURCES`). An axis's first label is the source at work, its last label is the
source switched off, and labels between are other settings of it. All first labels together are the baseline. A setting's part is what its
label gains with all other axes as in the baseline. All last labels together gain more or less than the sum, because sources interact.
Variants share their random numbers, so that gains are differences within a seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from heirloom.artefacts.kinds import ORIGIN
from heirloom.config import Config
from heirloom.report import tables
from heirloom.report.intervals import interval
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

SOURCES = ("statistical", "expressivity", "approximation", "computational", "decoding")
"""The error sources of Shumailov et al. 2024 (computational: finite precision, which they name as a fourth), and decoding, which they
leave out."""

MEASURES = {
    "test_perplexity": 1,
    "wasserstein2_squared": 1,
    "wasserstein2_squared.median": 1,
    "squared_l2": 1,
    "squared_l2.median": 1,
    "test_elbo": -1,
}
"""What is attributed, the first that an experiment measures: 1 where less of it is better, -1 where more is."""

LIFETIME = "generations_until_absorbed"
"""What is attributed instead where every replica of every variant is absorbed in the end: the mean generation of that. More is better."""

COLUMNS = ("experiment", "regime", "measure", "source", "setting", "loss", "gain", "low", "high", "estimand", "seeds")


class Grid(NamedTuple):
    """A grid over error sources.

    Attributes
    ----------
    labels
        Source → its labels, from at work to switched off.
    variants
        The labels of each variant, in the order of sources → the variant's name.
    """

    labels: Mapping[str, tuple[str, ...]]
    variants: Mapping[tuple[str, ...], str]


def is_over_sources(variant: Experiment) -> bool:
    """Return whether the axes of a variant's grid are error sources."""
    return set(variant.point) <= set(SOURCES)


def grids(config: Config) -> dict[str, Grid]:
    """Return the grids over error sources of a config, by the name of their experiment."""
    families: dict[str, dict[str, Experiment]] = {}
    for key, experiment in config.experiments.items():
        if experiment.variant_of and is_over_sources(experiment):
            families.setdefault(experiment.variant_of, {})[key] = experiment
    return {name: grid(variants) for name, variants in families.items()}


def grid(variants: Mapping[str, Experiment]) -> Grid:
    """Return a grid over error sources from its variants, by their names in the expanded config."""
    points = {tables.names(key, experiment)[1]: experiment.point for key, experiment in variants.items()}
    labels = {axis: _labels(axis, points.values()) for axis in next(iter(points.values()))}
    variant_names = {tuple(point.values()): name for name, point in points.items()}
    return Grid(labels, variant_names)


def _labels(axis: str, points: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """Return the different labels of an axis, in their order."""
    return tuple(dict.fromkeys(point[axis] for point in points))


def table(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return the attribution of every grid over error sources (`of_grid`).

    Parameters
    ----------
    frame
        Tidy rows (`tables.gather`).
    """
    import pandas as pd

    parts = [of_grid(name, grid, frame[frame["experiment"] == name]) for name, grid in grids(config).items()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame([], columns=list(COLUMNS))


def of_grid(name: str, grid: Grid, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the attribution of a grid, with the columns `COLUMNS`.

    ``loss`` is the mean over seeds of the measure at the last generation, or of `LIFETIME`; ``gain`` by how much it is better than in the
    baseline, with its interval over seeds (`intervals.interval`). A row is the baseline (no source), one setting of one source, or ``all``
    sources switched off.

    Parameters
    ----------
    rows
        The tidy rows of its variants.
    """
    import pandas as pd

    measure, values, sign = _attributed_measure(rows[rows["regime"] != ORIGIN])
    lines: list[tuple[object, ...]] = []
    for regime, arm in values.groupby("regime"):
        losses = arm.pivot_table(index="seed", columns="variant", values="value")
        lines += [(name, regime, measure, *line) for line in _of_arm(losses, grid, sign)]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _attributed_measure(rows: pd.DataFrame) -> tuple[str, pd.DataFrame, int]:
    """Return the measure that is attributed, a value of it for each regime, variant and seed, and 1 if less of it is better, or -1.

    The mean generation of absorption is the sum of the shares not yet absorbed, generation 0 included.
    """
    last_rows = rows[rows["generation"] == rows["generation"].max()]
    absorbed_rows = rows[rows["metric"] == "absorbed.mean"]
    absorbed_at_last = last_rows.loc[last_rows["metric"] == "absorbed.mean", "value"]
    if len(absorbed_rows) and (absorbed_at_last == 1).all():
        return LIFETIME, _lifetimes(absorbed_rows), -1
    default = next(iter(MEASURES))
    measure = next((measure for measure in MEASURES if (last_rows["metric"] == measure).any()), default)
    return measure, last_rows[last_rows["metric"] == measure], MEASURES[measure]


def _lifetimes(absorbed: pd.DataFrame) -> pd.DataFrame:
    """Return the mean generation of absorption by regime, variant and seed, from the rows of absorbed shares."""
    alive = absorbed.assign(value=1 - absorbed["value"])
    sums = alive.groupby(["regime", "variant", "seed"])["value"].sum()
    return sums.add(1).reset_index()


def _of_arm(losses: pd.DataFrame, grid: Grid, sign: int) -> Iterator[tuple[object, ...]]:
    """Yield (source, setting, loss, gain, low, high, estimand, seeds); ``losses`` has one row per seed and one column per variant."""
    baseline_point = tuple(labels[0] for labels in grid.labels.values())
    baseline = losses[grid.variants[baseline_point]]
    yield "", "", float(baseline.mean()), np.nan, np.nan, np.nan, "", len(baseline)
    for source, setting, point in _settings(grid.labels):
        loss = losses[grid.variants[point]]
        gains = sign * (baseline - loss)
        gain = interval(gains.to_numpy())
        yield source, setting, float(loss.mean()), gain.centre, gain.low, gain.high, gain.estimand, len(loss)


def _settings(labels: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (source, label, point) of each other label alone, and of all last labels together."""
    baseline = {axis: settings[0] for axis, settings in labels.items()}
    for source, settings in labels.items():
        for label in settings[1:]:
            point = baseline | {source: label}
            yield source, label, tuple(point.values())
    if len(labels) > 1:
        yield "all", "", tuple(settings[-1] for settings in labels.values())
