"""Which difference to the control the seeds of a config can tell from chance, by how far recorded controls have scattered."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from heirloom import controls
from heirloom.config import Config
from heirloom.measures.scales import is_positive
from heirloom.report import tables
from heirloom.report.intervals import LEVEL, t_quantile
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

POWER = 0.8
"""Chance that the interval of a difference of that size does not reach 0."""

FEWEST_NUMBERS = 3
"""Numbers of a control below which their scatter says nothing."""


_LARGEST = 700.0
"""Logarithm whose number a float still holds."""


class Resolution(NamedTuple):
    """The smallest difference of an arm to its control that its seeds resolve.

    Attributes
    ----------
    seeds
        Seeds of the config.
    deviation
        Standard deviation of a lineage of the control over seeds, in the measure's unit or of its logarithm.
    is_share
        Whether it is that of the logarithm.
    control_seeds
        Seeds of the control that the deviation is of; of one seed it is that of its generations.
    """

    experiment: str
    regime: str
    measure: str
    seeds: int
    deviation: float
    is_share: bool
    control_seeds: int

    def difference(self, num_seeds: int) -> float:
        """Return the difference that a number of seeds resolves, in the measure's unit or as a ratio minus 1; infinite with one seed."""
        size = smallest(self.deviation, num_seeds)
        return math.expm1(min(size, _LARGEST)) if self.is_share and math.isfinite(size) else size

    def words(self, num_seeds: int) -> str:
        """Return the difference that a number of seeds resolves, in words."""
        size = self.difference(num_seeds)
        if math.isinf(size):
            return "none"
        return f"{100 * size:.2g} %" if self.is_share else f"{size:.2g}"


def of_last_run(config: Config) -> list[Resolution]:
    """Return one row per arm whose control has been run, by the tidy table of the last run; none if there is no such table.

    Raises
    ------
    HeirloomError
        If the table does not have its recorded digest.
    """
    if not Path(config.results.metrics).is_file():
        return []
    return list(resolutions(config, tables.load(config.results)))


def resolutions(config: Config, frame: pd.DataFrame) -> Iterator[Resolution]:
    """Yield one row per arm that has a control in the tidy rows."""
    for key, experiment in config.experiments.items():
        name, variant = tables.names(key, experiment)
        rows = frame[(frame["experiment"] == name) & (frame["variant"] == variant)]
        has_one_seed = rows["seed"].nunique() == 1
        for regime in experiment.regimes:
            control = controls.control_of(regime, experiment, config)
            if has_one_seed and control not in {None, regime}:  # the generations of one that grows follow its size
                control = controls.constant_control(experiment, config)
            if control in {None, regime}:
                continue
            control_rows = rows[rows["regime"] == control]
            metrics = set(control_rows["metric"])
            measure = next((metric for metric in tables.HEADLINES if metric in metrics), None)
            if measure is not None:
                yield from _of_arm(key, regime, measure, experiment, control_rows[control_rows["metric"] == measure])


def smallest(deviation: float, num_seeds: int) -> float:
    """Return the difference of two arms of S seeds that is found with probability `POWER`: (t(0.975) + t(0.8)) sqrt(2) s / sqrt(S).

    Parameters
    ----------
    deviation
        Standard deviation of a lineage over seeds, the same in both arms, which are independent.
    """
    if num_seeds < 2:
        return math.inf
    quantiles = t_quantile((1 + LEVEL) / 2, num_seeds) + t_quantile(POWER, num_seeds)
    error = math.sqrt(2 / num_seeds) * deviation
    return quantiles * error


def _of_arm(key: str, regime: str, measure: str, experiment: Experiment, rows: pd.DataFrame) -> Iterator[Resolution]:
    later_rows = rows[rows["generation"] > 1]  # the model of generation 1's text is the same in every arm
    by_generation = later_rows.pivot(index="seed", columns="generation", values="value")
    values_SG = by_generation.to_numpy(dtype=np.float64)
    if values_SG.size < FEWEST_NUMBERS or not np.isfinite(values_SG).all():
        return
    positive = is_positive(measure) and bool((values_SG > 0).all())
    scatter_SG = np.log(values_SG) if positive else values_SG
    variances = scatter_SG.var(axis=1 if len(scatter_SG) == 1 else 0, ddof=1)
    deviation = math.sqrt(float(variances.mean()))
    num_seeds, num_recorded = len(experiment.seeds), len(values_SG)
    yield Resolution(key, regime, measure, num_seeds, deviation, positive, num_recorded)
