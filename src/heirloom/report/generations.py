"""Which generations a page or a figure shows where there is no room for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.artefacts import kinds
from heirloom.specs.experiment import Experiment
from heirloom.stats.spacing import evenly_spaced

if TYPE_CHECKING:
    import pandas as pd

CURVE_POINTS = 97
"""Generations of a curve, evenly spaced: 96 is divisible by 6, so that the seven curves of a histogram are among them."""


PAGE_GENERATIONS = 8
"""Generations of whose rows the page shows something."""


def shared_generations(rows: pd.DataFrame, experiment: Experiment) -> list[int]:
    """Return the generations from 1 on that every lineage of an experiment has: fewer than all where a chain stops before.

    Parameters
    ----------
    rows
        The experiment's tidy rows.
    """
    last = experiment.generations
    if experiment.until is not None:
        last = int(rows[rows["generation"] > 0].groupby(["regime", "seed"])["generation"].max().min())
    return list(range(1, last + 1))


def kept_generations(experiment: Experiment, most: int) -> list[int]:
    """Return the generations from 1 on whose datasets stay on disk, or ``most`` of them spread evenly, first and last among them."""
    return evenly_spaced(experiment.kept_generations, most)


def vanishing_unit(experiment: Experiment) -> str | None:
    """Return what an experiment's rows are made of that can die: words or types; None if neither, or if no rows are drawn."""
    return experiment.family.unit if experiment.has_rows else None


def synthetic_path(key: str, experiment: Experiment, regime: str, generation: int) -> str:
    """Return the path of a synthetic set of an experiment's first seed."""
    return kinds.SYNTHETIC.path(key, regime, experiment.seeds[0], generation)
