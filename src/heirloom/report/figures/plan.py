"""Which figures a config has, what they show, and their files.

Imported by the Snakefile at every start, so that pandas and Altair are imported only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heirloom.config import Config
from heirloom.report.figures import captions
from heirloom.report.figures.kind import Artefacts, Kind, Subject
from heirloom.report.figures.kinds import KINDS
from heirloom.report.looks import Look, looks
from heirloom.specs.experiment import Experiment
from heirloom.workflow.jobs import target

SUFFIXES = ("svg", "png", "pdf", "csv")


@dataclass(frozen=True)
class Figure:
    """A kind of figure of a subject."""

    kind: Kind
    subject: Subject

    def file(self, suffix: str) -> str:
        """Return the name of the figure's file with a suffix of `SUFFIXES`, in the folder of figures."""
        return f"{self.subject.name}_{self.kind.name}.{suffix}"

    @property
    def caption(self) -> str:
        """What the figure shows, in one line."""
        return f"{self.subject.name}: {self.kind.caption}"

    @property
    def artefacts(self) -> Artefacts:
        """The artefacts that it shows themselves, and not their measures."""
        return self.kind.artefacts(self.subject) if self.kind.artefacts else {}

    def can_be_drawn(self) -> bool:
        """Return whether the artefacts that it shows are on disk; one of measures needs none."""
        return all(Path(path).exists() for path in self.artefacts)

    def report_flag(self) -> dict[str, Any]:
        """Return how ``snakemake --report`` shows the figure: arguments of its ``report`` flag."""
        return {"caption": captions.file(self.kind), "category": self.subject.name, "labels": {"figure": self.kind.label}}


def figures(config: Config) -> list[Figure]:
    """Return every figure that a config has: of experiments, then of grids, both in the order of the config."""
    experiments, grids = _subjects(config)
    stand_ins = {grid.name for grid in grids if _replaces_its_variants(grid)}
    other_experiments = [subject for subject in experiments if subject.experiment.variant_of not in stand_ins]
    return [Figure(kind, subject) for subject in (*other_experiments, *grids) for kind in _kinds(subject)]


def files(config: Config, *suffixes: str) -> list[str]:
    """Return the paths of a config's figures with the given suffixes."""
    return [f"{config.results.figures}/{figure.file(suffix)}" for figure in figures(config) for suffix in suffixes]


def artefacts(config: Config) -> dict[str, str]:
    """Return the artefacts that figures show themselves, and not their measures: path to the artefact that its job makes.

    Snapshots of a chain come with its trajectory; other artefacts have jobs of their own.
    """
    return {path: target(config, path) for figure in figures(config) for path in figure.artefacts}


def _subjects(config: Config) -> tuple[list[Subject], list[Subject]]:
    """Return every experiment of the expanded config, and every grid."""
    variants: dict[str, dict[str, Experiment]] = {}
    for key, experiment in config.experiments.items():
        if experiment.variant_of:
            variants.setdefault(experiment.variant_of, {})[key] = experiment
    all_looks = looks(config.regimes)
    experiments = [_subject(key, {key: experiment}, config, all_looks) for key, experiment in config.experiments.items()]
    return experiments, [_subject(name, grid, config, all_looks) for name, grid in variants.items()]


def _subject(name: str, experiments: Mapping[str, Experiment], config: Config, all_looks: Mapping[str, Look]) -> Subject:
    arms = dict.fromkeys(regime for experiment in experiments.values() for regime in experiment.regimes)
    regimes = {arm: config.regimes[arm] for arm in arms}
    return Subject(name, experiments, regimes, {arm: all_looks[arm] for arm in arms})


def _replaces_its_variants(grid: Subject) -> bool:
    """Return whether a grid has a figure that stands alone."""
    return any(kind.stands_alone for kind in _kinds(grid))


def _kinds(subject: Subject) -> list[Kind]:
    """Return the kinds of figures that a subject has; one that stands alone is the only one."""
    kinds = [kind for kind in KINDS if kind.is_of_grids == subject.is_grid and kind.applies(subject)]
    return [kind for kind in kinds if kind.stands_alone] or kinds
