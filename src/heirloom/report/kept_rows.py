"""Which sets a figure of rows shows: some generations of each arm, of the first seed, as far as they are kept on disk."""

from __future__ import annotations

from heirloom.artefacts import kinds
from heirloom.specs.experiment import Experiment
from heirloom.specs.vector_source import MixtureSource, NormalSource
from heirloom.stats.spacing import evenly_spaced

MAX_PANELS = 7
"""Generations of an arm whose vectors are shown."""


def generations(experiment: Experiment, most: int) -> list[int]:
    """Return the generations that are shown: 0, where the real rows stand, and of the others kept at most so many in all, evenly spaced."""
    return evenly_spaced([0, *experiment.kept_generations], most)


def sets(key: str, experiment: Experiment, most: int) -> dict[tuple[str, int], str]:
    """Return the sets that are shown, of the first seed, by regime and generation: the origin's real rows, and synthetic sets."""
    seed = experiment.seeds[0]
    return {
        (regime, generation): (kinds.SYNTHETIC if generation else kinds.TRAIN).path(key, regime, seed, generation)
        for regime in experiment.regimes
        for generation in generations(experiment, most)
    }


def vectors(key: str, experiment: Experiment) -> dict[tuple[str, int], str]:
    """Return the `sets` of vectors that are shown, `MAX_PANELS` generations of a regime at most."""
    return sets(key, experiment, MAX_PANELS)


def has_vectors(experiment: Experiment, dim: int) -> bool:
    """Return whether generations of vectors with so many dimensions are on disk."""
    source = experiment.source
    is_kept = experiment.has_rows and bool(experiment.kept_generations)
    return is_kept and experiment.family.is_density and isinstance(source, NormalSource | MixtureSource) and source.dim == dim
