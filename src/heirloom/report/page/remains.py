"""What is left of few and named things in each generation: the modes of a mixture, the classes of images, the tails of a law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heirloom import reading
from heirloom.report import by_arm, kept_rows
from heirloom.report.by_arm import ByArm
from heirloom.report.generations import PAGE_GENERATIONS
from heirloom.specs.experiment import Experiment
from heirloom.specs.vector_source import MixtureSource
from heirloom.stats.spacing import evenly_spaced

if TYPE_CHECKING:
    import pandas as pd

TAILS = {"tail_mass_95": "outer 5 %", "tail_mass_97.5": "outer 2.5 %", "tail_mass_99": "outer 1 %"}
CLASSES = "class_share."

Cell = dict[str, str]


def context(key: str, experiment: Experiment, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the tables of an experiment: ``[{"what", "generations", "arms": [{"name", "rows": [{"name", "cells"}]}]}]``.

    Parameters
    ----------
    rows
        The tidy rows of the experiment.
    """
    metrics = set(rows["metric"])
    class_metrics = sorted((name for name in metrics if name.startswith(CLASSES)), key=_class_number)
    classes = {name: name.removeprefix(CLASSES) for name in class_metrics}
    tails = {name: words for name, words in TAILS.items() if not metrics.isdisjoint([name, f"{name}.mean"])}
    candidates = [
        _modes(key, experiment),
        _shares("images whose nearest real image is of each class", classes, rows, experiment),
        _shares("rows in the tails of the true law, where so many are expected", tails, rows, experiment),
    ]
    return [table for table in candidates if table]


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
    generations = sorted({generation for _, generation in sets})
    cells = {}
    for regime in experiment.regimes:
        cells[regime] = {generation: _mode_cells(sets[regime, generation], source) for generation in generations}
    names = [f"{place}, at {_point(mean)}" for place, mean in enumerate(source.means, 1)]
    return _table("rows in each mode of the true mixture", names, cells)


def _mode_cells(path: str, source: MixtureSource) -> list[Cell]:
    """Return a cell for each mode of a set: its mean share over chains, and in how many of them it has no row."""
    share_RK = occupancy(reading.dataset(path).by_replica(), source)
    return [_cell(float(share_R.mean()), int((share_R == 0).sum()), len(share_R)) for share_R in share_RK.T]


def _shares(what: str, words: Mapping[str, str], rows: pd.DataFrame, experiment: Experiment) -> dict[str, Any] | None:
    """Return a table of measures that are shares, mean over seeds and replicas; None where there are none.

    Parameters
    ----------
    words
        Metric → name of its row.
    """
    if not words:
        return None
    metrics = [*words, *(f"{name}.mean" for name in words)]
    by_metric = by_arm.tables(rows[rows["metric"].isin(metrics)])
    cells: dict[str, Mapping[int, list[Cell]]] = {}
    for regime in experiment.regimes:
        curves = [_mean_curve(name, regime, by_metric) for name in words]
        complete = [curve for curve in curves if curve is not None]
        if len(complete) == len(words):
            cells[regime] = _share_cells(complete)
    return _table(what, list(words.values()), cells) if cells else None


def _mean_curve(name: str, regime: str, by_metric: ByArm) -> pd.Series | None:
    """Return a measure by generation, mean over seeds: the measure itself, or else its mean over replicas."""
    metric = name if (name, regime) in by_metric else f"{name}.mean"
    table = by_arm.with_origin(by_metric, metric, regime)
    return None if table is None else table.mean(axis=1)


def _share_cells(curves: Sequence[pd.Series]) -> dict[int, list[Cell]]:
    """Return a cell for each curve by generation, of generations that all curves have."""
    generations = sorted(set.intersection(*(set(curve.index) for curve in curves)))
    cells = {}
    for generation in evenly_spaced(generations, PAGE_GENERATIONS):
        cells[generation] = [_cell(float(curve[generation])) for curve in curves]
    return cells


def _table(what: str, names: Sequence[str], cells: Mapping[str, Mapping[int, list[Cell]]]) -> dict[str, Any]:
    """Return a table with one row per name and one column per generation.

    Parameters
    ----------
    cells
        Regime → generation → one cell per name.
    """
    arms = []
    for regime, by_generation in cells.items():
        rows = []
        for place, name in enumerate(names):
            rows.append({"name": name, "cells": [column[place] for column in by_generation.values()]})
        arms.append({"name": regime, "rows": rows})
    generations = list(next(iter(cells.values())))
    return {"what": what, "generations": generations, "arms": arms}


def _cell(share: float, num_empty: int = 0, num_chains: int = 1) -> Cell:
    """Return a share in words, and of several chains the number of those that have no such row."""
    if not share:
        return {"share": "", "gone": "gone"}
    return {"share": f"{100 * share:.3g} %", "gone": f"gone in {num_empty} of {num_chains}" if num_empty else ""}


def _point(mean: Sequence[float]) -> str:
    coordinates = ", ".join(f"{number:g}" for number in mean)
    return f"({coordinates})"


def _class_number(metric: str) -> int:
    digits = metric.removeprefix(CLASSES)
    return int(digits) if digits.isdecimal() else 0
