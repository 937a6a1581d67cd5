"""Two sides whose rows are matched, and which cells of the matched rows differ; some columns are read at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom.diffs import rows, tolerance, values
from heirloom.diffs.cells import Hashes, Ints
from heirloom.diffs.common import Common
from heirloom.diffs.origin import take
from heirloom.diffs.sides import Side

MAX_HASHES = 1 << 24
"""Cells of one side whose hashes are held at a time."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Pairing:
    """Two sides whose rows are matched: the pairs that are not equal in every cell, and how many rows have a partner at all."""

    a: Side
    b: Side
    shared: Common
    table_a: rows.Table
    table_b: rows.Table
    matching: rows.Matching
    tolerance: float

    @property
    def by_key(self) -> bool:
        """Whether the user has said which columns name a row."""
        return bool(self.shared.keys)

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns whose cells are compared pair by pair; rows that are matched by their content are equal in that."""
        columns = (*self.shared.data, *self.shared.others) if self.by_key else self.shared.others
        return tuple(name for name in columns if name not in self.shared.keys)

    @property
    def unequal(self) -> tuple[Ints, Ints]:
        """Positions of the pairs in which some cell differs; of a table's rows those that were paired by key or by place."""
        return self.matching.changed if self.shared.data and not self.by_key else self.matching.edited

    @property
    def num_matched(self) -> int:
        """Rows with a partner."""
        num_kept = int(self.matching.kept_a.sum())
        if self.shared.data and not self.by_key:
            return num_kept
        edited_a, _ = self.matching.edited
        return num_kept + len(edited_a)

    def differing_cells(self) -> Iterator[tuple[str, Flags]]:
        """Yield each compared column, and in which of the unequal pairs its cells differ by more than the tolerance, shape (P,)."""
        rows_a, rows_b = self.unequal
        width = max(1, MAX_HASHES // max(1, len(rows_a)))
        for start in range(0, len(self.compared), width):
            names = self.compared[start : start + width]
            hashes_a, hashes_b = hashes_at(self.a, rows_a, names), hashes_at(self.b, rows_b, names)
            for name in names:
                yield name, self._by_tolerance(name, hashes_a[name] != hashes_b[name])

    def _by_tolerance(self, name: str, differs: Flags) -> Flags:
        """Return which cells differ by more than the tolerance, of those that differ at all."""
        if not (self.tolerance and differs.any() and tolerance.has_numbers(self.a.schema.field(name).type)):
            return differs
        rows_a, rows_b = self.unequal
        cells_a, cells_b = cells_at(self.a, rows_a[differs], name), cells_at(self.b, rows_b[differs], name)
        is_far = differs.copy()
        is_far[differs] = tolerance.differ(cells_a, cells_b, self.tolerance)
        return is_far


def tolerant(pairing: Pairing) -> rows.Matching:
    """Return the matching with those unequal pairs taken as equal whose cells all differ by no more than the tolerance."""
    rows_a, rows_b = pairing.unequal
    if not pairing.tolerance or not len(rows_a):
        return pairing.matching
    differs = np.zeros(len(rows_a), bool)
    for _, cells_differ in pairing.differing_cells():
        differs |= cells_differ
    remaining = rows_a[differs], rows_b[differs]
    if pairing.shared.data and not pairing.by_key:
        return replace(pairing.matching, changed=remaining)
    kept_a, kept_b = pairing.matching.kept_a.copy(), pairing.matching.kept_b.copy()
    kept_a[rows_a[~differs]], kept_b[rows_b[~differs]] = True, True
    return replace(pairing.matching, kept_a=kept_a, kept_b=kept_b, edited=remaining)


def hashes_at(side: Side, positions: Ints, names: Sequence[str]) -> dict[str, Hashes]:
    """Return column → the hashes of its cells at some positions, in the order asked for, each of shape (P,)."""
    ascending, inverse = np.unique(positions, return_inverse=True)
    parts: dict[str, list[Hashes]] = {name: [np.empty(0, np.uint64)] for name in names}
    for batch in take(side, ascending, list(names)):
        for name, column in zip(names, batch.columns, strict=True):
            parts[name].append(values.hashes(column))
    return {name: np.concatenate(hashes)[inverse] for name, hashes in parts.items()}


def cells_at(side: Side, positions: Ints, name: str) -> pa.Array:
    """Return the cells of a column at some positions, in the order asked for."""
    ascending, inverse = np.unique(positions, return_inverse=True)
    parts = [batch.column(0) for batch in take(side, ascending, [name])]
    if not parts:
        return pa.array([], side.schema.field(name).type)
    return pa.concat_arrays(parts).take(pa.array(inverse))
