"""Measures of groups: which group each row belongs to, real or synthetic, and what every generation still has of it.

A group is read from the row itself, by one rule for all rows. So it goes through mixing with the row, and no step has to carry it.

Legend of shapes: R replicas, N rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heirloom.data.dataset import Dataset
from heirloom.families.base import Sets
from heirloom.judges.measures import MEASURES
from heirloom.measures import groups, mixtures, replicas
from heirloom.measures.groups import Labels
from heirloom.specs.groups import ColumnGroups, QuantileGroups

FEWEST_ROWS = 10
"""Rows of a group that each set needs before the family measures the group by itself."""

Rule = str | ColumnGroups | QuantileGroups


class Grouping(NamedTuple):
    """The names of the groups, and the function that gives each row the number of its group, shape (R, N), or -1."""

    names: list[str]
    labels: Callable[[Dataset], Labels]


def grouping(rule: Rule, original: Dataset, law: Mapping[str, Any] | None) -> Grouping:
    """Return the groups that a rule makes of rows.

    A component of a mixture is known by identity: a row belongs to the component of the true law that most likely drew it (Bayes). Values
    of a column are those of the original rows; a row with another value belongs to no group. Quantiles are those of the original rows.

    Parameters
    ----------
    original
        The rows that the origin was trained on, of all replicas.
    law
        The true law, where it is known.
    """
    match rule:
        case ColumnGroups(column=name):
            return _by_column(name, original)
        case QuantileGroups(measure=measure, quantiles=quantiles):
            numbers_of = MEASURES[measure]
            bounds = np.quantile(numbers_of(original), quantiles)
            return Grouping(rule.names, lambda rows: np.searchsorted(bounds, numbers_of(rows), side="left"))
    truth = mixtures.truth(law)
    names = [f"component_{k}" for k in range(truth.weights.shape[1])]
    return Grouping(names, lambda rows: mixtures.log_joint(truth, rows.by_replica()).argmax(axis=0))


def measure(parts: Grouping, sets: Sets, train: Dataset, describe: Callable[[Sets], dict[str, float]]) -> dict[str, float]:
    """Return what is left of each group, as ``group.NAME.measure``.

    ``share`` and ``alive`` are of the generation's synthetic rows, ``trained`` is the group's share of the training set. Of vectors there
    are moments (`measures.groups`). Of text and tables there is every measure of the family, asked of the group's rows alone, where each
    set has `FEWEST_ROWS` rows of it.

    Parameters
    ----------
    train
        The training set.
    describe
        The measures of a generation, given its sets.
    """
    labels_RN, trained_RN = parts.labels(sets.sample), parts.labels(train)
    has_vectors = "x" in sets.sample.pieces[0].columns
    measured: dict[str, float] = {}
    for group, name in enumerate(parts.names):
        share_R = groups.share(labels_RN, group)
        values = {"share": share_R, "alive": (share_R > 0).astype(np.float64), "trained": groups.share(trained_RN, group)}
        if has_vectors:
            values |= groups.moments(sets.sample.by_replica(), labels_RN, group)
        measured |= replicas.summarise_each({f"{groups.PREFIX}{name}.{key}": value_R for key, value_R in values.items()})
        if not has_vectors:
            own_sets = _of_group(sets, parts, group)
            own_measures = describe(own_sets) if own_sets else {}
            measured |= {f"{groups.PREFIX}{name}.{key}": value for key, value in own_measures.items()}
    return measured


def _of_group(sets: Sets, parts: Grouping, group: int) -> Sets | None:
    """Return a group's rows of every set; None where one has too few of them."""
    whole_sets = {"sample": sets.sample, "scored": sets.scored, "held_out": sets.held_out, "original": sets.original}
    own_sets = {}
    for name, rows in whole_sets.items():
        places = np.flatnonzero(parts.labels(rows)[0] == group)
        if len(places) < FEWEST_ROWS:
            return None
        own_sets[name] = rows.take(places)
    return Sets(**own_sets)


def _by_column(name: str, original: Dataset) -> Grouping:
    values = pc.unique(_texts(original, name)).sort()
    names = values.to_pylist()

    def labels(rows: Dataset) -> Labels:
        places = pc.index_in(_texts(rows, name), values)
        return np.asarray(pc.fill_null(places, -1).to_numpy()).astype(np.int64)[None]

    return Grouping(names, labels)


def _texts(rows: Dataset, name: str) -> pa.ChunkedArray:
    """Return a column of names as text."""
    column = rows.table([name])[name]
    return pc.cast(column, pa.string())
