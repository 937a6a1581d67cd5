"""Ancestry: how much of a dataset is real, and how many models lie between its rows and a human.

A real row has depth 0; a synthetic row 1 + the mean depth of the rows that its writer was trained on (and 1 + the maximum). All rows that
one model wrote share its depth, so counts by generation of birth say everything exactly. What a model inherits through the weights that
its training starts from is not counted: depth speaks of rows.

In a population the rows of one generation have several writers, so a birth is a generation and a member. Each writer also has the shares of
the members among its first ancestors. The first ancestor of a row is the earliest model on a line that goes from the row to its writer, to
a row that this was trained on, drawn evenly, and so on; the line ends at a model where a real row is drawn.

Legend of shapes: R replicas, K births, M members.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom.data.arrow import as_matrix, numbers
from heirloom.data.columns import FIRST_ANCESTORS, MEMBER

COLUMNS = ("born", "depth", "depth_max", "parent", MEMBER, FIRST_ANCESTORS)


@dataclass(frozen=True)
class Writer:
    """Who wrote a synthetic set.

    Parameters
    ----------
    model
        Fingerprint of the checkpoint.
    depth, depth_max
        Depth of its rows: an entry a replica, shape (R,).
    member
        Its place in its population, from 0; None outside of one.
    first
        Shares of the members among its first ancestors, shape (R, M), which add up to 1; None outside of a population.
    """

    model: str
    depth: NDArray[np.float64]
    depth_max: NDArray[np.int32]
    member: int | None = None
    first: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Tally:
    """The rows of a dataset, counted by their birth.

    Parameters
    ----------
    born
        Births, ascending, shape (K,); 0 is real. A birth is the generation, or in a population of M members M times it plus the
        writer's place among them.
    counts
        Rows, shape (R, K).
    depth, depth_max
        Depth of these rows, shape (R, K).
    prompted
        Rows that continue a real prompt, over all replicas.
    first
        Shares of the members among the first ancestors of these rows, shape (R, K, M), zeros of real rows; None outside of a population.
    """

    born: NDArray[np.int64]
    counts: NDArray[np.int64]
    depth: NDArray[np.float64]
    depth_max: NDArray[np.int32]
    prompted: int
    first: NDArray[np.float64] | None = None

    @property
    def mean_depth(self) -> NDArray[np.float64]:
        """Mean depth of each replica's rows, shape (R,)."""
        mean: NDArray[np.float64] = (self.counts * self.depth).sum(axis=1) / self.counts.sum(axis=1)
        return mean

    @property
    def deepest(self) -> NDArray[np.int32]:
        """Largest depth among each replica's rows, shape (R,)."""
        largest: NDArray[np.int32] = np.where(self.counts > 0, self.depth_max, 0).max(axis=1)
        return largest

    @property
    def first_ancestors(self) -> NDArray[np.float64]:
        """Shares of the rows by the member whose model is their first ancestor, shape (R, M); real rows have none."""
        assert self.first is not None
        sums: NDArray[np.float64] = (self.counts[:, :, None] * self.first).sum(axis=1)
        return sums / self.counts.sum(axis=1, keepdims=True)

    def founders(self, member: int) -> NDArray[np.float64]:
        """Return the shares of the members among the first ancestors of a member's model that is trained on these rows, shape (R, M).

        Where a line comes to a real row, the model itself is its first ancestor.
        """
        founders = self.first_ancestors
        founders[:, member] += 1.0 - founders.sum(axis=1)
        return founders

    def writer(self, model: str, member: int | None = None) -> Writer:
        """Return what a model trained on these rows is as a writer, in a population that of a member."""
        first = None if member is None else self.founders(member)
        return Writer(model, 1.0 + self.mean_depth, (1 + self.deepest).astype(np.int32), member, first)


def tally(batches: Iterable[pa.RecordBatch]) -> Tally:
    """Return the tally of rows with the columns `COLUMNS` that they have, and ``replica`` where there is one, reading batch by batch."""
    return merge([_batch_tally(batch) for batch in batches if batch.num_rows])


def merge(tallies: Sequence[Tally]) -> Tally:
    """Return the tally of all rows together."""
    born = np.concatenate([part.born for part in tallies])
    prompted = sum(part.prompted for part in tallies)
    sizes = {len(part.counts) for part in tallies}
    if (np.diff(born) > 0).all() and len(sizes) == 1:  # no generation in two parts, as in most mixtures
        counts = np.concatenate([part.counts for part in tallies], axis=1)
        depth = np.concatenate([part.depth for part in tallies], axis=1)
        depth_max = np.concatenate([part.depth_max for part in tallies], axis=1)
        shares = [part.first for part in tallies if part.first is not None]
        return Tally(born, counts, depth, depth_max, prompted, np.concatenate(shares, axis=1) if shares else None)
    born = np.unique(born)
    shape = max(sizes), len(born)
    first = None if tallies[0].first is None else np.zeros((*shape, tallies[0].first.shape[2]))
    counts = np.zeros(shape, np.int64)
    depth = np.zeros(shape)
    depth_max = np.zeros(shape, np.int32)
    for part in tallies:
        cells = np.ix_(np.arange(len(part.counts)), np.searchsorted(born, part.born))
        counts[cells] += part.counts
        depth[cells] = np.maximum(depth[cells], part.depth)
        depth_max[cells] = np.maximum(depth_max[cells], part.depth_max)
        if first is not None and part.first is not None:
            first[cells] = np.maximum(first[cells], part.first)
    return Tally(born, counts, depth, depth_max, prompted, first)


def figures(rows: Tally, distinct_real: int) -> dict[str, float]:
    """Return the ancestry figures of a generation's training set by name.

    Parameters
    ----------
    distinct_real
        Different real rows among them, over all replicas.

    Returns
    -------
    ``ancestry.real_row_share`` (0 to 1); ``depth_mean`` and ``depth_max``, models since a human; ``distinct_real_rows`` a replica.
    """
    return {
        "ancestry.real_row_share": _num_real(rows) / int(rows.counts.sum()),
        "ancestry.depth_mean": float(rows.mean_depth.mean()),
        "ancestry.depth_max": float(rows.deepest.max()),
        "ancestry.distinct_real_rows": distinct_real / len(rows.counts),
    }


def population_figures(rows: Tally, member: int, members: Sequence[str]) -> dict[str, float]:
    """Return the figures of a member's training set in a population, means over replicas.

    Parameters
    ----------
    member
        Its place among the members.
    members
        Their names.

    Returns
    -------
    ``ancestry.written_by.NAME`` and ``ancestry.first_ancestor.NAME``, shares of the rows (0 to 1); ``ancestry.founders``, the effective
    number of first ancestors of the model, 1 / sum of their squared shares (the inverse of Simpson's index): 1 to M.
    """
    first_ancestors = rows.first_ancestors.mean(axis=0).tolist()
    figures: dict[str, float] = {}
    for number, name in enumerate(members):
        is_writers = (rows.born > 0) & (rows.born % len(members) == number)
        figures[f"ancestry.written_by.{name}"] = int(rows.counts[:, is_writers].sum()) / int(rows.counts.sum())
        figures[f"ancestry.first_ancestor.{name}"] = first_ancestors[number]
    effective_number = 1.0 / (rows.founders(member) ** 2).sum(axis=1)
    return figures | {"ancestry.founders": float(effective_number.mean())}


def token_figures(rows: Tally, prompt_share: float = 1.0) -> dict[str, float]:
    """Return which share of a training set's tokens humans wrote, of blocks.

    Parameters
    ----------
    prompt_share
        Tokens of a prompt / tokens of a row.

    Returns
    -------
    ``ancestry.real_token_share`` of the tokens that are trained on: rows are equally long, so it equals the share of rows. And
    ``ancestry.real_token_share_prompted``, when every row that continues a real prompt is counted with it.
    """
    real, total = _num_real(rows), int(rows.counts.sum())
    prompted = rows.prompted if prompt_share == 1.0 else rows.prompted * prompt_share
    return {
        "ancestry.real_token_share": real / total,
        "ancestry.real_token_share_prompted": (real + prompted) / (total + prompted),
    }


def count_distinct_real(batches: Iterable[pa.RecordBatch]) -> int:
    """Return how many different real rows there are, over all replicas, given the columns ``born``, ``row`` and ``replica`` if any.

    Holds a byte for each row of the real pool up to the last that occurs, in each replica: ids of real rows are their places there.
    """
    is_present_RN = np.zeros((1, 1), bool)
    for batch in batches:
        is_real = numbers(batch.column("born")) == 0
        if is_real.any():
            replica, row = _replica(batch)[is_real], numbers(batch.column("row"))[is_real]
            is_present_RN = _enlarged(is_present_RN, int(replica.max()) + 1, int(row.max()) + 1)
            is_present_RN[replica, row] = True
    return int(np.count_nonzero(is_present_RN))


def _enlarged(array: NDArray[np.bool_], num_rows: int, num_columns: int) -> NDArray[np.bool_]:
    """Return an array that has at least so many rows and columns, zeros where it is new; the same one if it has them.

    A side that is too short is at least doubled, so that few copies are made; one that is long enough stays as it is.
    """
    old_rows, old_columns = array.shape
    shape = _grown(old_rows, num_rows), _grown(old_columns, num_columns)
    if shape == array.shape:
        return array
    enlarged = np.zeros(shape, bool)
    enlarged[:old_rows, :old_columns] = array
    return enlarged


def _grown(length: int, needed: int) -> int:
    return length if needed <= length else max(needed, 2 * length)


def _num_real(rows: Tally) -> int:
    return int(rows.counts[:, rows.born == 0].sum())


def _batch_tally(batch: pa.RecordBatch) -> Tally:
    replica = _replica(batch)
    generations = numbers(batch.column("born")).astype(np.int64)
    first_NM = as_matrix(batch.column(FIRST_ANCESTORS)) if MEMBER in batch.schema.names else None
    if first_NM is not None:
        member = numbers(batch.column(MEMBER)).astype(np.int64)
        generations = np.where(member < 0, 0, generations * first_NM.shape[1] + member)
    is_present = np.bincount(generations) > 0
    born = np.flatnonzero(is_present)
    places = np.cumsum(is_present) - 1  # no sort: half of a chain's time would go there
    num_replicas = int(replica.max()) + 1
    cell = replica * len(born) + places[generations]
    size = num_replicas * len(born)
    depth, depth_max = np.zeros(size), np.zeros(size, np.int32)
    depth[cell] = numbers(batch.column("depth"))  # equal within a cell, so whichever row comes last says it
    depth_max[cell] = numbers(batch.column("depth_max"))
    shape = num_replicas, len(born)
    counts = np.bincount(cell, minlength=size).reshape(shape)
    prompted = batch.num_rows - batch.column("parent").null_count
    first = None if first_NM is None else np.zeros((*shape, first_NM.shape[1]))
    if first is not None:
        first.reshape(size, -1)[cell] = first_NM
    return Tally(born, counts, depth.reshape(shape), depth_max.reshape(shape), prompted, first)


def _replica(batch: pa.RecordBatch) -> NDArray[np.int64]:
    if "replica" not in batch.schema.names:
        return np.zeros(batch.num_rows, np.int64)
    return numbers(batch.column("replica")).astype(np.int64)
