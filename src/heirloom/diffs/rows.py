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

NO_PROMPT = -1


@dataclass(frozen=True)
class Table:
    """What the matching needs of each row: its hash, its number of tokens, its prompt, its origin and its depth; shapes (N,)."""

    hashes: Hashes
    lengths: Ints
    prompts: Ints
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
    extra = [name for name in ("parent", "kind", "depth") if side.has(name)]
    length_of = "tokens" if side.has("tokens") else data[0]
    parts = [_part(batch, data, length_of) for batch in side.batches(list(dict.fromkeys([*data, length_of, *extra])))]
    if not parts:
        return Table(np.empty(0, np.uint64), *(np.empty(0, np.int64) for _ in range(4)))
    columns = zip(*parts, strict=True)
    return Table(*(np.concatenate(column) for column in columns))


def match(a: Table, b: Table, *, same_prompts: bool) -> Matched:
    """Return every row's status; rows are paired by prompt only where both sides answer the same prompts."""
    kept_a, kept_b = matching.kept(a.hashes, b.hashes)
    none = (np.empty(0, np.int64), np.empty(0, np.int64))
    return Matched(kept_a, kept_b, matching.pairs(a.prompts, b.prompts, ~kept_a, ~kept_b) if same_prompts else none)


def repeated(table: Table) -> int:
    """Return how many rows equal an earlier row of the same side."""
    return int(len(table.hashes) - len(np.unique(table.hashes)))


def groups(a: Table, b: Table, matched: Matched) -> Iterator[Group]:
    """Yield the counts by origin and by depth, where the columns are there."""
    status_a, status_b = _status(matched.kept_a, matched.edited[0]), _status(matched.kept_b, matched.edited[1])
    for by, values_a, values_b in (("kind", a.kinds, b.kinds), ("depth", a.depths, b.depths)):
        for value in sorted({*_present(values_a), *_present(values_b)}):
            counts_a = np.bincount(status_a[values_a == value], minlength=3).tolist()
            counts_b = np.bincount(status_b[values_b == value], minlength=3).tolist()
            yield Group(by, str(value), *counts_a, *counts_b)


def same_prompts(a: Side, b: Side) -> bool:
    """Return whether prompt ids mean the same rows on both sides: the prompts' fingerprints where known, else experiment and seed."""
    made = [side.place.manifest or {} for side in (a, b)]
    prompts = [manifest.get("inputs", {}).get("prompts") for manifest in made]
    if all(prompts):
        return bool(prompts[0] == prompts[1])
    return _family_tree(a) == _family_tree(b)


def _family_tree(side: Side) -> tuple[Any, ...]:
    from heirloom import paths
    from heirloom.lineage import folders

    found = folders.keys(side.place.recorded or "", paths.LINEAGE) or {}
    return found.get("experiment"), found.get("seed")


def _status(kept: NDArray[np.bool_], edited: Ints) -> Ints:
    status = np.where(kept, 0, 2)
    status[edited] = 1
    return status


def _present(values: NDArray[Any]) -> list[Any]:
    return [value for value in np.unique(values).tolist() if value not in ("", -1)]


def _part(batch: pa.RecordBatch, data: Sequence[str], length_of: str) -> tuple[NDArray[Any], ...]:
    rows, names = batch.num_rows, batch.schema.names
    measured = batch.column(names.index(length_of))
    nested = pa.types.is_nested(measured.type)
    lengths = pc.list_value_length(measured) if nested else pc.add(pc.count_substring_regex(measured.cast(pa.large_binary()), r"\s+"), 1)
    return (
        cells.row_hashes(batch.select(list(data))),
        pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False).astype(np.int64),
        _numbers(batch, "parent", NO_PROMPT) if "parent" in names else np.full(rows, NO_PROMPT),
        pc.fill_null(batch.column(names.index("kind")).cast(pa.string()), "").to_numpy(zero_copy_only=False).astype("U9")
        if "kind" in names
        else np.full(rows, "", "U1"),
        _numbers(batch, "depth", -1) if "depth" in names else np.full(rows, -1),
    )


def _numbers(batch: pa.RecordBatch, name: str, missing: int) -> Ints:
    column = batch.column(batch.schema.names.index(name))
    values = pc.fill_null(column, missing).to_numpy(zero_copy_only=False)
    return np.asarray(np.rint(values), np.int64)
