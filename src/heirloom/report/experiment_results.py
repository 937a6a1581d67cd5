"""One experiment of a finished run, as the sections of a report ask for it: its rows, its arms, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from heirloom import controls
from heirloom.config import Config
from heirloom.report import onset, tables
from heirloom.report.generations import CURVE_POINTS
from heirloom.report.looks import Look, looks
from heirloom.specs.experiment import Experiment
from heirloom.specs.regime import Regime
from heirloom.stats.spacing import evenly_spaced

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ExperimentResults:
    """The results of one experiment; derived values are computed when they are first asked for.

    Attributes
    ----------
    key
        Its name in the expanded config.
    rows
        Its tidy rows (`tables.of_experiment`).
    """

    key: str
    config: Config
    rows: pd.DataFrame

    @property
    def experiment(self) -> Experiment:
        """Its declaration in the config."""
        return self.config.experiments[self.key]

    @property
    def name(self) -> str:
        """Its name in the config file: that of the grid for a variant."""
        return self.experiment.variant_of or self.key

    @property
    def regimes(self) -> dict[str, Regime]:
        """The declarations of its arms, in the order of the legend."""
        return {name: self.config.regimes[name] for name in self.experiment.regimes}

    @property
    def looks(self) -> dict[str, Look]:
        """The look of each arm."""
        all_looks = looks(self.config.regimes)
        return {name: all_looks[name] for name in self.experiment.regimes}

    @cached_property
    def onsets(self) -> pd.DataFrame:
        """The onsets of collapse that the run has written (`onset.load`)."""
        return onset.load(self.rows, self.experiment, self.config)

    @cached_property
    def curve_rows(self) -> pd.DataFrame:
        """The rows of as many generations as a curve can show, those of onsets among them."""
        generations = {*evenly_spaced(range(self.experiment.generations + 1), CURVE_POINTS), *self.onsets["onset"].dropna()}
        return self.rows[self.rows["generation"].isin(generations)]

    @cached_property
    def missing_controls(self) -> Mapping[str, str]:
        """Each arm without a control of as many rows, with the words that say what to add (`controls.missing_controls`)."""
        return controls.missing_controls(self.key, self.config)

    @property
    def unknown_controls(self) -> list[str]:
        """A line where nobody can tell whether its controls redraw (`controls.unchecked_controls`)."""
        return controls.unchecked_controls(self.key, self.config)

    @cached_property
    def constant_control(self) -> str | None:
        """The control whose generations are equally large; None if there is none (`controls.constant_control`)."""
        return controls.constant_control(self.experiment, self.config)


def of_config(frame: pd.DataFrame, config: Config, keys: Iterable[str] | None = None) -> dict[str, ExperimentResults]:
    """Return the results of experiments by their names in the expanded config.

    Parameters
    ----------
    frame
        The tidy table (`tables.load`).
    keys
        The names of the experiments; all of the config if none are given.

    Raises
    ------
    HeirloomError
        If the table has no measures of an experiment.
    """
    names = config.experiments if keys is None else keys
    return {key: ExperimentResults(key, config, tables.of_experiment(frame, key, config.experiments[key])) for key in names}
