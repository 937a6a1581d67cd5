"""Which generations are shown where there is no room for all of them."""

from __future__ import annotations

import numpy as np

from heirloom.artefacts import kinds
from heirloom.specs.experiment import Experiment

CURVE_POINTS = 97
"""Generations of a curve, evenly spaced: 96 is divisible by 6, so that the seven curves of a histogram are among them."""


def spaced(last: int, most: int) -> list[int]:
    """Return 0 … last, or ``most`` numbers spread evenly over them, both ends among them."""
    return sorted({round(place) for place in np.linspace(0, last, min(last + 1, most)).tolist()})


def kept(experiment: Experiment, most: int) -> list[int]:
    """Return the generations from 1 on whose datasets are kept on disk, or ``most`` of them spread evenly, first and last among them."""
    kept_on_disk = experiment.kept_generations
    return [kept_on_disk[place] for place in spaced(len(kept_on_disk) - 1, most)] if kept_on_disk else []


def synthetic(key: str, experiment: Experiment, regime: str, generation: int) -> str:
    """Return the path of a synthetic set of an experiment's first seed."""
    return kinds.SYNTHETIC.path(key, regime, experiment.seeds[0], generation)
