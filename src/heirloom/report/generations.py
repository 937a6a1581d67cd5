"""Which generations a page or a figure shows where there is no room for all of them."""

from __future__ import annotations

from heirloom.artefacts import kinds
from heirloom.specs.experiment import Experiment
from heirloom.stats.spacing import evenly_spaced

CURVE_POINTS = 97
"""Generations of a curve, evenly spaced: 96 is divisible by 6, so that the seven curves of a histogram are among them."""


PAGE_GENERATIONS = 8
"""Generations of whose rows the page shows something."""


def kept_generations(experiment: Experiment, most: int) -> list[int]:
    """Return the generations from 1 on whose datasets stay on disk, or ``most`` of them spread evenly, first and last among them."""
    return evenly_spaced(experiment.kept_generations, most)


def vanishing_unit(experiment: Experiment) -> str | None:
    """Return what an experiment's rows are made of that can die: words or types; None if neither, or if no rows are drawn."""
    return experiment.family.unit if experiment.has_rows else None


def synthetic_path(key: str, experiment: Experiment, regime: str, generation: int) -> str:
    """Return the path of a synthetic set of an experiment's first seed."""
    return kinds.SYNTHETIC.path(key, regime, experiment.seeds[0], generation)
