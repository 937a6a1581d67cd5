"""Which error source costs what: a grid whose axes are sources, read one source at a time and all at once.

A grid is read so if every axis is named after a source (`SOURCES`). An axis's first label is the source at work, its last label the source
switched off, and labels between are other settings of it. All first labels together are the baseline. What is gained by one other label,
the rest as in the baseline, is that setting's part; what all last labels gain together is more or less than the sum, because sources
interact. Variants share their random numbers, so that gains are differences within a seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    axes = next(iter(points.values()))
    labels = {axis: tuple(dict.fromkeys(point[axis] for point in points.values())) for axis in axes}
    return Grid(labels, {tuple(point.values()): name for name, point in points.items()})


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

    measure, values, sign = _measured(rows[rows["regime"] != ORIGIN])
    lines: list[tuple[object, ...]] = []
    for regime, arm in values.groupby("regime"):
        losses = arm.pivot_table(index="seed", columns="variant", values="value")
        lines += [(name, regime, measure, *line) for line in _of_arm(losses, grid, sign)]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _measured(rows: pd.DataFrame) -> tuple[str, pd.DataFrame, int]:
    """Return the measure that is attributed, a value of it for each regime, variant and seed, and 1 if less of it is better, or -1.

    The mean generation of absorption is the sum of the shares not yet absorbed, generation 0 included.
    """
    last = rows[rows["generation"] == rows["generation"].max()]
    alive = rows[rows["metric"] == "absorbed.mean"]
    if len(alive) and (last.loc[last["metric"] == "absorbed.mean", "value"] == 1).all():
        keys = ["regime", "variant", "seed"]
        return LIFETIME, alive.assign(value=1 - alive["value"]).groupby(keys)["value"].sum().add(1).reset_index(), -1
    measure = next((measure for measure in MEASURES if (last["metric"] == measure).any()), next(iter(MEASURES)))
    return measure, last[last["metric"] == measure], MEASURES[measure]


def _of_arm(losses: pd.DataFrame, grid: Grid, sign: int) -> Iterator[tuple[object, ...]]:
    """Yield (source, setting, loss, gain, low, high, estimand, seeds); ``losses`` has a row a seed and a column a variant."""
    baseline = losses[grid.variants[tuple(labels[0] for labels in grid.labels.values())]]
    yield "", "", float(baseline.mean()), np.nan, np.nan, np.nan, "", len(baseline)
    for source, setting, point in _settings(grid.labels):
        loss = losses[grid.variants[point]]
        gain = interval((sign * (baseline - loss)).to_numpy())
        yield source, setting, float(loss.mean()), gain.centre, gain.low, gain.high, gain.estimand, len(loss)


def _settings(labels: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (source, label, point) of each other label alone, and of all last labels together."""
    for source, settings in labels.items():
        for label in settings[1:]:
            yield source, label, tuple(label if axis == source else others[0] for axis, others in labels.items())
    if len(labels) > 1:
        yield "all", "", tuple(settings[-1] for settings in labels.values())
