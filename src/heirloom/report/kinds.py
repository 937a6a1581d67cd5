"""The kinds of figures: what each shows, in one line, and which experiments and grids have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from heirloom.report.attribution import SOURCES
from heirloom.specs.experiment import Experiment
from heirloom.specs.vector_source import MixtureSource, NormalSource

PLANE = 2


class Kind(NamedTuple):
    """A kind of figure: what it shows, in one line, and which experiments have it."""

    caption: str
    applies: Callable[[Experiment], bool]


class GridKind(NamedTuple):
    """A kind of figure over all variants of a grid: what it shows, in one line, and which grids have it."""

    caption: str
    applies: Callable[[Sequence[Experiment]], bool]


def _is_text(experiment: Experiment) -> bool:
    return experiment.is_text


def _has_rows(experiment: Experiment) -> bool:
    return experiment.has_rows


def _has_variance(experiment: Experiment) -> bool:
    return experiment.family.is_density


def _is_images(experiment: Experiment) -> bool:
    return experiment.family.is_images


def _has_headlines(experiment: Experiment) -> bool:
    return bool(experiment.family.headlines)


def _is_mixture(experiment: Experiment) -> bool:
    return experiment.family.has_components


def _is_alone_and_mixture(experiment: Experiment) -> bool:
    return _is_mixture(experiment) and experiment.variant_of is None


def _has_kept_vectors(experiment: Experiment, dim: int) -> bool:
    """Return whether generations of vectors with so many dimensions are on disk."""
    source = experiment.source
    kept = experiment.has_rows and bool(experiment.kept_generations)
    return kept and _has_variance(experiment) and isinstance(source, NormalSource | MixtureSource) and source.dim == dim


def _is_line(experiment: Experiment) -> bool:
    return _has_kept_vectors(experiment, 1)


def _is_plane(experiment: Experiment) -> bool:
    return _has_kept_vectors(experiment, PLANE)


def _are_gaussians_of_many_sizes(variants: Sequence[Experiment]) -> bool:
    one_dimensional = all(
        one.family.divisor is not None and isinstance(one.source, NormalSource) and one.source.dim == 1 for one in variants
    )
    return one_dimensional and len({one.rows for one in variants}) > 1


def _are_error_sources(variants: Sequence[Experiment]) -> bool:
    return all(set(one.point) <= set(SOURCES) for one in variants)


def _are_mixtures(variants: Sequence[Experiment]) -> bool:
    return all(map(_is_mixture, variants))


KINDS: Mapping[str, Kind] = {
    "test_perplexity": Kind("Perplexity of each generation's model on held-out real text, by regime.", _is_text),
    "synthetic_perplexity": Kind("Histogram of each generation's text by its perplexity under generation 0, by regime.", _is_text),
    "tail_survival": Kind("Share of the real text's words that still occur in the synthetic text, by frequency and regime.", _is_text),
    "diversity": Kind("Distinct 3-grams and token entropy of each generation's text, by regime.", _is_text),
    "ancestry": Kind("Share of real rows, and models since a human, in each generation's training set, by regime.", _has_rows),
    "variance": Kind("Total variance of the fitted density by regime, against the closed form where there is one.", _has_variance),
    "latent": Kind("Spread of each generation's images under generation 0's encoder, and ELBO of real images, by regime.", _is_images),
    "grid": Kind("The first hundred images of each generation, by regime; generation 0: real images.", _is_images),
    "beside_theory": Kind("Headline measures by regime, against the closed form where there is one.", _has_headlines),
    "scatter": Kind("Rows of each generation in the plane, and the components fitted, by regime; generation 0: real rows.", _is_plane),
    "density": Kind("Density of each generation's rows on the line, by regime; generation 0: real rows.", _is_line),
    "distance": Kind("Squared L2 distance of the fitted mixture to that of generation 0, by regime.", _is_alone_and_mixture),
}

OF_ROWS = ("grid", "scatter", "density")
"""Kinds that show rows themselves, and are drawn from datasets and not from measures."""

GRID_KINDS: Mapping[str, GridKind] = {
    "attribution": GridKind(
        "What another setting of each error source gains at the last generation, one at a time and all.", _are_error_sources
    ),
    "error_by_rows": GridKind(
        "Error of the first fit's mean and standard deviation by rows, against the closed form.", _are_gaussians_of_many_sizes
    ),
    "error_by_generation": GridKind(
        "Error of mean and standard deviation by generation, rows and regime, against the closed form.", _are_gaussians_of_many_sizes
    ),
    "distances": GridKind("Squared L2 distance of the fitted mixture to that of generation 0, by variant of the grid.", _are_mixtures),
}


def grid_kinds(variants: Sequence[Experiment]) -> list[str]:
    """Return the kinds of figures that a grid has; of error sources the attribution alone."""
    found = [kind for kind, own in GRID_KINDS.items() if own.applies(variants)]
    return ["attribution"] if "attribution" in found else found
