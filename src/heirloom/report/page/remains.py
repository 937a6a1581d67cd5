"""What is left of few and named things in each generation: the modes of a mixture, the classes of images, the tails of a law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heirloom import reading
from heirloom.report import by_arm, kept_rows
from heirloom.specs.experiment import Experiment
from heirloom.specs.vector_source import MixtureSource
from heirloom.stats.spacing import evenly_spaced

if TYPE_CHECKING:
    import pandas as pd

MAX_GENERATIONS = 8
TAILS = {"tail_mass_95": "outer 5 %", "tail_mass_97.5": "outer 2.5 %", "tail_mass_99": "outer 1 %"}
CLASSES = "class_share."

Cell = dict[str, str]


def context(key: str, experiment: Experiment, own: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the tables of an experiment: ``[{"what", "generations", "arms": [{"name", "rows": [{"name", "cells"}]}]}]``.

    Parameters
    ----------
    own
        The tidy rows of the experiment.
    """
    classes = {name: name.removeprefix(CLASSES) for name in sorted(set(own["metric"]), key=_number_of) if name.startswith(CLASSES)}
    tails = {name: words for name, words in TAILS.items() if own["metric"].isin([name, f"{name}.mean"]).any()}
    found = [
        _modes(key, experiment),
        _measured(
            "images whose nearest real image is of each class", {name: name.removeprefix(CLASSES) for name in classes}, own, experiment
        ),
        _measured("rows in the tails of the true law, where so many are expected", tails, own, experiment),
    ]
    return [table for table in found if table]


def datasets(key: str, experiment: Experiment) -> dict[tuple[str, int], str]:
    """Return the sets whose modes are counted, by regime and generation, 0 being the real rows; none unless the truth has several modes."""
    source = experiment.source
    if not isinstance(source, MixtureSource) or len(source.weights) == 1 or not experiment.has_rows:
        return {}
    sets = kept_rows.vectors(key, experiment)
    return sets if any(generation for _, generation in sets) else {}


def occupancy(x_RND: NDArray[np.float64], source: MixtureSource) -> NDArray[np.float64]:
    """Return the share of each replica's rows whose likeliest component of the true mixture is k, shape (R, K).

    Parameters
    ----------
    x_RND
        Rows, of shape (R, N, D).
    """
    from heirloom.measures import mixtures
    from heirloom.sources import mixture

    law = mixtures.truth(mixture.law(source))
    likeliest_RN = mixtures.log_joint(law, x_RND).argmax(axis=0)
    return np.stack([(likeliest_RN == k).mean(axis=1) for k in range(len(source.weights))], axis=1)


def _modes(key: str, experiment: Experiment) -> dict[str, Any] | None:
    """Return the share of rows in each mode; None unless the truth has several, and sets are here."""
    source, sets = experiment.source, datasets(key, experiment)
    if not sets or not isinstance(source, MixtureSource) or not all(Path(path).is_file() for path in sets.values()):
        return None
    known = {place: occupancy(reading.dataset(path).by_replica(), source) for place, path in sets.items()}
    generations = sorted({generation for _, generation in known})
    cells = {regime: {g: [_cell(*share) for share in _over_chains(known[regime, g])] for g in generations} for regime in experiment.regimes}
    names = [f"{place}, at {_spelled(mean)}" for place, mean in enumerate(source.means, 1)]
    return _table("rows in each mode of the true mixture", names, cells)


def _over_chains(share_RK: NDArray[np.float64]) -> list[tuple[float, int, int]]:
    """Return each mode's mean share, in how many chains it has no row, and how many chains there are."""
    return [(float(share_R.mean()), int((share_R == 0).sum()), len(share_R)) for share_R in share_RK.T]


def _measured(what: str, metrics: Mapping[str, str], own: pd.DataFrame, experiment: Experiment) -> dict[str, Any] | None:
    """Return a table of measures that are shares, mean over seeds and replicas; None where there are none."""
    if not metrics:
        return None
    known = by_arm.tables(own[own["metric"].isin([name + suffix for name in metrics for suffix in ("", ".mean")])])
    cells: dict[str, dict[int, list[Cell]]] = {}
    for regime in experiment.regimes:
        curves = {name: by_arm.joined(known, name if (name, regime) in known else f"{name}.mean", regime) for name in metrics}
        means = {name: curve.mean(axis=1) for name, curve in curves.items() if curve is not None}
        if len(means) == len(metrics):
            generations = sorted(set.intersection(*(set(mean.index) for mean in means.values())))
            shown = evenly_spaced(generations, MAX_GENERATIONS)
            cells[regime] = {g: [_cell(float(mean[g])) for mean in means.values()] for g in shown}
    return _table(what, list(metrics.values()), cells) if cells else None


def _table(what: str, names: Sequence[str], cells: Mapping[str, Mapping[int, list[Cell]]]) -> dict[str, Any]:
    """Return a table of what each arm has (regime → generation → a cell a name): a row a name, a column a generation."""
    arms = []
    for regime, by_generation in cells.items():
        rows = [{"name": name, "cells": [row[place] for row in by_generation.values()]} for place, name in enumerate(names)]
        arms.append({"name": regime, "rows": rows})
    return {"what": what, "generations": list(next(iter(cells.values()))), "arms": arms}


def _cell(share: float, gone: int = 0, chains: int = 1) -> Cell:
    """Return a share in words, and of several chains in how many there is nothing left."""
    if not share:
        return {"share": "", "gone": "gone"}
    return {"share": f"{100 * share:.3g} %", "gone": f"gone in {gone} of {chains}" if gone else ""}


def _spelled(mean: Sequence[float]) -> str:
    return f"({', '.join(f'{number:g}' for number in mean)})"


def _number_of(metric: str) -> int:
    digits = metric.removeprefix(CLASSES)
    return int(digits) if digits.isdecimal() else 0
