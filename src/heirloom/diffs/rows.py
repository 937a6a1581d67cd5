"""What left, what came, what was rewritten: every row of both sides gets one status, and the counts add up.

A row is kept if the other side has an equal one (as multisets), edited if the other side has another continuation of its
prompt, else removed or added. Equal means equal data columns; ids and ancestry do not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heirloom.diffs import cells, matching
from heirloom.diffs.cells import Hashes, Ints
from heirloom.diffs.result import Group
from heirloom.diffs.sides import Side
from heirloom.manifest import inputs
from heirloom.words import SPACED_PIECE

NO_UNIT = -1
UNKNOWN = -1
KINDS = ("real", "synthetic")


@dataclass(frozen=True)
class Table:
    """Of each row its hash, its number of tokens, its unit (the prompt of a text, the replica of a vector), origin, depth; shapes (N,)."""

    hashes: Hashes
    lengths: NDArray[np.int32]
    units: Ints
    kinds: NDArray[Any]
    depths: NDArray[Any]


@dataclass(frozen=True)
class Matched:
    """Status of each row: flags of shape (N,) and (M,), and positions (A, B) of the edited pairs."""

    kept_a: NDArray[np.bool_]
    kept_b: NDArray[np.bool_]
    edited: tuple[Ints, Ints]

    @property
    def open(self) -> tuple[Ints, Ints]:
        """Positions of the removed and of the added rows."""
        left = []
        for flags, pairs in ((self.kept_a, self.edited[0]), (self.kept_b, self.edited[1])):
            free = ~flags
            free[pairs] = False
            left.append(np.flatnonzero(free))
        return left[0], left[1]


def read(side: Side, data: Sequence[str]) -> Table:
    """Return the table of a side, its rows hashed over the data columns; one pass over the file."""
    unit = "replica" if "x" in data else "parent"
    extra = [name for name in (unit, "kind", "depth") if side.has(name)]
    length_of = "tokens" if side.has("tokens") else data[0]
    columns = list(dict.fromkeys([*data, length_of, *extra]))
    size = side.num_rows
    table = Table(
        np.empty(size, np.uint64), np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size, np.int8), np.empty(size, np.int16)
    )
    start = 0
    for batch in side.batches(columns):
        here = slice(start, start := start + batch.num_rows)
        table.hashes[here] = cells.row_hashes(batch.select(list(data)))
        table.lengths[here] = _lengths(_column(batch, length_of))
        table.units[here] = _numbers(batch, unit, NO_UNIT)
        table.kinds[here] = _kinds(batch)
        table.depths[here] = _numbers(batch, "depth", UNKNOWN)
    return table


def match(a: Table, b: Table, *, same_prompts: bool) -> Matched:
    """Return every row's status; rows are paired by prompt only where both sides answer the same prompts."""
    kept_a, kept_b = matching.kept(a.hashes, b.hashes)
    none = (np.empty(0, np.int64), np.empty(0, np.int64))
    return Matched(kept_a, kept_b, matching.pairs(a.units, b.units, ~kept_a, ~kept_b) if same_prompts else none)


def repeated(table: Table) -> int:
    """Return how many rows equal an earlier row of the same side."""
    ordered = np.sort(table.hashes)
    return int((ordered[1:] == ordered[:-1]).sum())


def groups(a: Table, b: Table, matched: Matched) -> Iterator[Group]:
    """Yield the counts by origin and by depth, where the columns are there."""
    status_a, status_b = _status(matched.kept_a, matched.edited[0]), _status(matched.kept_b, matched.edited[1])
    for by, values_a, values_b in (("kind", a.kinds, b.kinds), ("depth", a.depths, b.depths)):
        for value in sorted({*np.unique(values_a).tolist(), *np.unique(values_b).tolist()} - {UNKNOWN}):
            counts_a = np.bincount(status_a[values_a == value], minlength=3).tolist()
            counts_b = np.bincount(status_b[values_b == value], minlength=3).tolist()
            yield Group(by, KINDS[value] if by == "kind" else str(value), *counts_a, *counts_b)


def same_prompts(a: Side, b: Side) -> bool:
    """Return whether prompt ids mean the same rows on both sides: the prompts' fingerprints where known, else experiment and seed."""
    prompts = [inputs(side.place.manifest or {}, "prompts") for side in (a, b)]
    if all(prompts):
        return prompts[0][0].sha256 == prompts[1][0].sha256
    return _family_tree(a) == _family_tree(b)


def _family_tree(side: Side) -> tuple[Any, ...]:
    from heirloom import paths
    from heirloom.lineage import folders

    found = folders.keys(side.place.recorded or "", paths.LINEAGE) or {}
    return found.get("experiment"), found.get("seed")


def _status(kept: NDArray[np.bool_], edited: Ints) -> NDArray[np.int8]:
    status = np.where(kept, 0, 2).astype(np.int8)
    status[edited] = 1
    return status


def _lengths(column: pa.Array) -> NDArray[Any]:
    """Return tokens of each row, or pieces between white space (`words.SPACED_PIECE`) where there are no tokens."""
    if pa.types.is_nested(column.type):
        lengths = pc.list_value_length(column)
    else:
        lengths = pc.count_substring_regex(cells.strings(column)[0], SPACED_PIECE)
    return np.asarray(pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False))


def _kinds(batch: pa.RecordBatch) -> NDArray[Any]:
    column = _column(batch, "kind")
    if column is None:
        return np.full(batch.num_rows, UNKNOWN)
    found = pc.index_in(column.cast(pa.string()), pa.array(KINDS))
    return np.asarray(pc.fill_null(found, UNKNOWN).to_numpy(zero_copy_only=False))


def _numbers(batch: pa.RecordBatch, name: str, missing: int) -> NDArray[Any]:
    column = _column(batch, name)
    if column is None:
        return np.full(batch.num_rows, missing)
    return np.asarray(np.rint(pc.fill_null(column, missing).to_numpy(zero_copy_only=False)))


def _column(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    return batch.column(batch.schema.names.index(name)) if name in batch.schema.names else None
