"""Measures of groups: which group each row belongs to, real or synthetic, and what every generation still has of it.

A group is read from the row itself, by one rule for all rows, or from the document of the real row that it is or continues. So it goes
through mixing with the row, and no step has to carry it.

Legend of shapes: R replicas, N rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heirloom.data.dataset import Dataset
from heirloom.families.base import Sets
from heirloom.judges.measures import MEASURES
from heirloom.measures import groups, mixtures, replicas
from heirloom.measures.groups import Labels
from heirloom.sources.splits import SPLITS
from heirloom.specs.groups import ColumnGroups, QuantileGroups
from heirloom.steps import document_index

FEWEST_ROWS = 10
"""Rows of a group that each set needs before the family measures the group by itself."""

_POOL, _, _HELD_OUT = SPLITS

Rule = str | ColumnGroups | QuantileGroups


class Grouping(NamedTuple):
    """The names of the groups, and the function that gives each row the number of its group, shape (R, N), or -1.

    Rows that follow their prompts have the group of these. So a synthetic set has the groups of its prompts, whatever the model has
    learnt, and a group is alive as long as a model is trained on it.
    """

    names: list[str]
    labels: Callable[[Dataset], Labels]
    follows_prompts: bool = False


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


def of_documents(index: str, sets: Sets) -> Grouping:
    """Return the groups that the documents of text have, as many as original rows are in.

    A real row has its document's group. A synthetic row has that of the original row which it continues; without one it is in no group.

    Parameters
    ----------
    index
        The index of documents.
    sets
        What is measured. Held-out rows are those of the set itself, whose ids count the rows of their own split.
    """
    groups_of = document_index.groups_of_rows(index)
    names = sorted({*groups_of[_POOL][_real_ids(sets.original)]})
    number_of = {name: number for number, name in enumerate(names)}
    labels_of = {split: np.array([number_of.get(name, -1) for name in groups], np.int64) for split, groups in groups_of.items()}

    def labels(rows: Dataset) -> Labels:
        ids = _real_ids(rows)
        labels_N = labels_of[_HELD_OUT if rows is sets.held_out else _POOL]
        return np.where(ids < 0, -1, labels_N[ids])[None]

    return Grouping(names, labels, follows_prompts=True)


def _real_ids(rows: Dataset) -> NDArray[np.int64]:
    """Return for each row the id of the real row that it is or continues, -1 for neither, shape (N,)."""
    batches = [pa.Table.from_batches([batch]) for batch in rows.batches(["row", "born", "parent"])]
    table = pa.concat_tables(batches)
    ids = pc.if_else(pc.equal(table["born"], 0), table["row"], table["parent"])
    return np.asarray(pc.fill_null(ids, -1).to_numpy(), np.int64)


def measure(parts: Grouping, sets: Sets, train: Dataset, describe: Callable[[Sets], dict[str, float]]) -> dict[str, float]:
    """Return what is left of each group, as ``group.NAME.measure``.

    ``share`` is of the generation's synthetic rows, ``trained`` is the group's share of the training set, and ``alive`` whether there is a
    row of it: a synthetic one, or where rows follow their prompts, one in the training set. Of vectors there are moments
    (`measures.groups`). Of text and tables there is every measure of the family, asked of the group's rows alone, where each set has
    `FEWEST_ROWS` rows of it.

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
        share_R, trained_R = groups.share(labels_RN, group), groups.share(trained_RN, group)
        alive_R = (trained_R if parts.follows_prompts else share_R) > 0
        values = {"share": share_R, "alive": alive_R.astype(np.float64), "trained": trained_R}
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
