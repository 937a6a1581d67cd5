"""What a kind of figure is, and what a figure can be of: one experiment, or all variants of a grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heirloom.report.looks import Look
from heirloom.specs.experiment import Experiment
from heirloom.specs.regime import Regime
from heirloom.specs.vector_source import NormalSource

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

Artefacts = Mapping[str, tuple[str, int]]
"""Path of an artefact → its regime and generation."""


@dataclass(frozen=True)
class Subject:
    """The subject of a figure: an experiment, or all variants of a grid.

    Attributes
    ----------
    name
        The experiment's name in the expanded config, or that of a grid, which its variants share.
    experiments
        The experiment alone, or the variants, by their names in the expanded config.
    regimes
        The declarations of its arms, in the order of the legend.
    looks
        The look of each arm.
    """

    name: str
    experiments: Mapping[str, Experiment]
    regimes: Mapping[str, Regime]
    looks: Mapping[str, Look]

    @property
    def is_grid(self) -> bool:
        """Whether it is all variants of a grid."""
        return self.name not in self.experiments

    @property
    def experiment(self) -> Experiment:
        """The experiment that it is; no grid has one.

        Raises
        ------
        KeyError
            If it is a grid.
        """
        return self.experiments[self.name]


def metrics(numbers: pd.DataFrame) -> list[str]:
    """Return the metric of each row of some numbers."""
    return numbers["metric"].tolist()


@dataclass(frozen=True)
class Curve:
    """The curve of a figure that onsets of collapse are marked on.

    Attributes
    ----------
    column
        The column of the numbers with its height: of replicas the median, since medians are compared (`onset`).
    measures
        Returns the measure of each row of the numbers.
    """

    column: str
    measures: Callable[[pd.DataFrame], list[str]] = metrics


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    The Snakefile imports the modules of this package at every start, so functions import pandas and Altair where they use them.

    Attributes
    ----------
    name
        Its name in files, on the page and in `heirloom.plot.figure`: that of the module that declares it.
    caption
        What it shows, in one line.
    explanation
        How to read it, in reStructuredText: what Snakemake's report says beside it.
    applies
        Returns whether a subject has it.
    numbers
        Returns the table that is drawn, from a subject and the tidy rows of its experiments.
    draw
        Returns the chart of a subject and its numbers.
    is_of_grids
        Whether it is of the variants of a grid, and not of one experiment.
    stands_alone
        Whether it is shown in place of all other figures of its grid and of the variants.
    needs_every_generation
        Whether its numbers sum over generations, so that the page, which draws fewer where there are many, must not leave any out.
    is_explored
        Whether the page's explorer of measures shows the same curves, so that the page links its files and does not draw it again.
    curve
        Where onsets of collapse are marked, of an experiment; None where nothing is marked.
    artefacts
        Returns the artefacts that it shows themselves; None for a kind that shows measures.
    """

    name: str
    caption: str
    explanation: str
    applies: Callable[[Subject], bool]
    numbers: Callable[[Subject, pd.DataFrame], pd.DataFrame]
    draw: Callable[[Subject, pd.DataFrame], alt.TopLevelMixin]
    is_of_grids: bool = False
    stands_alone: bool = False
    needs_every_generation: bool = False
    is_explored: bool = False
    curve: Curve | None = None
    artefacts: Callable[[Subject], Artefacts] | None = None

    @property
    def label(self) -> str:
        """Its name in words, as a menu shows it."""
        return self.name.replace("_", " ")


def is_text(subject: Subject) -> bool:
    """Return whether the rows of an experiment are text."""
    return subject.experiment.is_text


def is_images(subject: Subject) -> bool:
    """Return whether the rows of an experiment are images."""
    return subject.experiment.family.is_images


def is_read_by_models(subject: Subject) -> bool:
    """Return whether Heirloom's own models of an experiment say how likely text is."""
    return is_text(subject) and not _is_by_programs(subject)


def is_encoded_by_models(subject: Subject) -> bool:
    """Return whether Heirloom's own models of an experiment encode images."""
    return is_images(subject) and not _is_by_programs(subject)


def _is_by_programs(subject: Subject) -> bool:
    return "programs" in subject.experiment.family.abilities


def are_gaussians_of_sizes(subject: Subject) -> bool:
    """Return whether the variants of a grid are one-dimensional Gaussians of several sizes."""
    variants = subject.experiments.values()
    sizes = {variant.rows for variant in variants}
    return all(map(_is_gaussian_of_the_line, variants)) and len(sizes) > 1


def _is_gaussian_of_the_line(experiment: Experiment) -> bool:
    source = experiment.source
    return experiment.family.divisor is not None and isinstance(source, NormalSource) and source.dim == 1
