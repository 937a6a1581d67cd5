"""Units: lineages of an arm that are compared with the control's lineages of the same real rows, seed by seed or replicas by replicas.

Shapes: U units, G generations.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom import reading
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.measures.replicas import MAX_UNITS, size_of_unit
from heirloom.report.flips import FEWEST
from heirloom.report.generations import shared_generations
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

Rows = Mapping[Any, "pd.DataFrame"]
"""An arm's rows by metric."""


class Units(NamedTuple):
    """Lineages of an arm that could be exchanged with the control's if the arm equalled it: they share real rows and origin.

    Attributes
    ----------
    rows
        regime, generation, metric, unit, value.
    names
        The units, in order.
    generations
        The generations that are compared.
    words
        The number of units and their kind.
    """

    rows: pd.DataFrame
    names: list[int]
    generations: list[int]
    words: str


def of_experiment(rows: pd.DataFrame, experiment: Experiment, replicas: pd.DataFrame | None) -> Units:
    """Return the seeds as units; if they are too few and there are replicas, the groups of replicas."""
    seeds = experiment.seeds
    if len(seeds) >= FEWEST or replicas is None or replicas.empty:
        words = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
        return Units(rows.assign(unit=rows["seed"]), seeds, shared_generations(rows, experiment), words)
    groups = replicas.assign(unit=replicas["seed"] * MAX_UNITS + replicas["unit"])
    names = sorted(groups["unit"].unique().tolist())
    generations = sorted({*groups["generation"].tolist()} & {*shared_generations(rows, experiment)})
    size = size_of_unit(experiment.num_replicas)
    words = f"{len(names)} groups of {size} replicas" if size > 1 else f"{len(names)} replicas"
    return Units(groups, names, generations, words)


def of_replicas(experiment: Experiment, config: Config) -> pd.DataFrame | None:
    """Return the units of replicas that the chains of an experiment have written, regime, seed, generation, metric, unit and value.

    None where there are none, or where the seeds are enough by themselves.

    Raises
    ------
    HeirloomError
        If a file is not as it was recorded.
    """
    import pandas as pd

    if not experiment.is_chain or experiment.num_replicas == 1 or len(experiment.seeds) >= FEWEST:
        return None
    key = config.key_of(experiment)
    parts = []
    for regime, seed in itertools.product(experiment.regimes, experiment.seeds):
        file = Path(kinds.REPLICAS.path(key, regime, seed))
        if file.exists():
            part = pd.read_parquet(reading.artefact(file))
            parts.append(part.assign(regime=regime, seed=seed))
    return pd.concat(parts) if parts else None


def by_metric(units: Units, regime: str) -> Rows:
    """Return an arm's rows by metric."""
    return dict(list(units.rows[units.rows["regime"] == regime].groupby("metric")))


def differences(arm: pd.DataFrame, control: pd.DataFrame, units: Units, *, positive: bool) -> NDArray[np.float64]:
    """Return arm minus control in the same unit, shape (U, G); for a positive measure, the difference of logarithms."""
    arm_UG, control_UG = curves(arm, units), curves(control, units)
    if positive and (arm_UG > 0).all() and (control_UG > 0).all():
        arm_UG, control_UG = np.log(arm_UG), np.log(control_UG)
    with np.errstate(invalid="ignore"):
        return np.asarray(arm_UG - control_UG)


def curves(rows: pd.DataFrame, units: Units) -> NDArray[np.float64]:
    """Return a metric's values by unit and generation, shape (U, G); NaN where there is none."""
    by_generation = rows.pivot(index="unit", columns="generation", values="value")
    return by_generation.reindex(index=units.names, columns=units.generations).to_numpy(dtype=np.float64)
