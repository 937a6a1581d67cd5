"""Which sets a figure of rows shows: some generations of each arm, of the first seed, as far as they are on disk."""

from __future__ import annotations

from pathlib import Path

from heirloom.artefacts import kinds
from heirloom.specs.experiment import Experiment
from heirloom.specs.vector_source import MixtureSource, NormalSource
from heirloom.stats.spacing import evenly_spaced

MAX_PANELS = 7
"""Generations of an arm whose vectors are shown."""


def generations(experiment: Experiment, most: int) -> list[int]:
    """Return at most ``most`` generations, evenly spaced: 0, which stands for the real rows, and others whose rows stay on disk."""
    return evenly_spaced([0, *experiment.kept_generations], most)


def sets(key: str, experiment: Experiment, most: int) -> dict[tuple[str, int], str]:
    """Return the first seed's sets by regime and generation: the origin's real rows, and synthetic sets."""
    seed = experiment.seeds[0]
    paths = {}
    for regime in experiment.regimes:
        for generation in generations(experiment, most):
            kind = kinds.SYNTHETIC if generation else kinds.TRAIN
            paths[regime, generation] = kind.path(key, regime, seed, generation)
    return paths


def is_here(key: str, experiment: Experiment) -> bool:
    """Return whether a synthetic set of the first seed, of any arm, lies on disk."""
    seed, generations_kept = experiment.seeds[0], experiment.kept_generations
    places = (kinds.SYNTHETIC.path(key, regime, seed, generation) for regime in experiment.regimes for generation in generations_kept)
    return any(Path(place).is_file() for place in places)


def vectors(key: str, experiment: Experiment) -> dict[tuple[str, int], str]:
    """Return the `sets` of vectors, `MAX_PANELS` generations of a regime at most."""
    return sets(key, experiment, MAX_PANELS)


def has_vectors(experiment: Experiment, dim: int) -> bool:
    """Return whether generations of vectors with so many dimensions are on disk."""
    source = experiment.source
    if not isinstance(source, NormalSource | MixtureSource) or source.dim != dim:
        return False
    return experiment.has_rows and bool(experiment.kept_generations) and experiment.family.is_density
