"""Which columns are not alike: of tables that others wrote every column is data, and each is compared by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heirloom.data import arrow_columns
from heirloom.diffs import matching, rows, values
from heirloom.diffs.cells import Hashes, Ints
from heirloom.diffs.common import Common
from heirloom.diffs.origin import take
from heirloom.diffs.row_result import Column
from heirloom.diffs.sides import Side

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Pairing:
    """Two sides whose rows are matched: the pairs that are not equal in every cell, and how many rows have a partner at all."""

    a: Side
    b: Side
    shared: Common
    table_a: rows.Table
    table_b: rows.Table
    matched: rows.Matched

    @property
    def unequal(self) -> tuple[Ints, Ints]:
        """Positions of the pairs in which some cell differs; of a table's rows those that were paired by their place."""
        return self.matched.changed if self.shared.data else self.matched.edited

    @property
    def num_matched(self) -> int:
        """Rows with a partner."""
        return int(self.matched.kept_a.sum()) + (0 if self.shared.data else len(self.matched.edited[0]))


def compare(pairing: Pairing, examples: int) -> tuple[Column, ...]:
    """Return the columns that are not alike, those that both sides have first; one column is read at a time.

    Of two files that Heirloom wrote there are none: what stands beside their content is no data.

    Parameters
    ----------
    examples
        Cells to show, of each column.
    """
    if pairing.a.is_ours and pairing.b.is_ours:
        return ()
    shared = pairing.shared
    found = [_of_both(pairing, name, examples) for name in shared.others]
    content = (_content(pairing, name) for name in shared.data)
    renamed = dict(_renamed(pairing))
    left = (Column(name, _type(pairing.a, name), None) for name in shared.only_a if name not in renamed)
    come = (Column(name, None, _type(pairing.b, name)) for name in shared.only_b if name not in renamed.values())
    named = (Column(name, _type(pairing.a, name), _type(pairing.b, other), other) for name, other in renamed.items())
    every = [*content, *found, *named, *left, *come]
    return tuple(one for one in every if not one.is_same or one.type_a != one.type_b)


def _content(pairing: Pairing, name: str) -> Column:
    return Column(name, _type(pairing.a, name), _type(pairing.b, name), matched=pairing.num_matched)


def _of_both(pairing: Pairing, name: str, examples: int) -> Column:
    types = _type(pairing.a, name), _type(pairing.b, name)
    at_a, at_b = pairing.unequal
    if len(at_a):
        unequal = np.flatnonzero(_at(pairing.a, at_a, name) != _at(pairing.b, at_b, name))
        shown = unequal[:examples]
        pairs = zip(_cells(pairing.a, at_a[shown], name), _cells(pairing.b, at_b[shown], name), strict=True)
        told = tuple(f"{one} → {other}" for one, other in pairs)
        return Column(name, *types, differs=len(unequal), matched=pairing.num_matched, examples=told)
    if pairing.shared.data or (pairing.matched.kept_a.all() and pairing.matched.kept_b.all()):
        return Column(name, *types, matched=pairing.num_matched)
    kept_a, kept_b = matching.kept(_whole(pairing.a, name), _whole(pairing.b, name))
    return Column(name, *types, values_a=int((~kept_a).sum()), values_b=int((~kept_b).sum()))


def _renamed(pairing: Pairing) -> Iterator[tuple[str, str]]:
    """Yield pairs of columns that only one side has each, and that hold the same values in the same rows."""
    free = {_key(pairing.b, pairing.table_b, pairing.matched.kept_b, name): name for name in pairing.shared.only_b}
    for name in pairing.shared.only_a if pairing.matched.kept_a.any() else ():
        other = free.pop(_key(pairing.a, pairing.table_a, pairing.matched.kept_a, name), None)
        if other is not None:
            yield name, other


def _key(side: Side, table: rows.Table, kept: NDArray[np.bool_], name: str) -> tuple[str | None, int]:
    """Return what is equal for columns of the same sort that hold the same values in the same rows, whatever the rows' order."""
    cells = values.mixed(table.hashes[kept]) + _whole(side, name)[kept]
    return arrow_columns.shape(side.schema.field(name).type), int(values.mixed(cells).sum(dtype=np.uint64))


def _whole(side: Side, name: str) -> Hashes:
    return np.concatenate([np.empty(0, np.uint64), *(values.hashes(batch.column(0)) for batch in side.batches([name]))])


def _at(side: Side, at: Ints, name: str) -> Hashes:
    """Return the hashes of the cells at some positions, in the order asked for."""
    ordered, back = np.unique(at, return_inverse=True)
    parts = [values.hashes(batch.column(0)) for batch in take(side, ordered, [name])]
    return np.concatenate([np.empty(0, np.uint64), *parts])[back]


def _cells(side: Side, at: Ints, name: str) -> list[str]:
    """Return the cells at some positions as text short enough to be shown."""
    ordered, back = np.unique(at, return_inverse=True)
    shown = [f"{value!s:.{_SHOWN_CHARACTERS}}" for batch in take(side, ordered, [name]) for value in batch.column(0).to_pylist()]
    return [shown[position] for position in back]


def _type(side: Side, name: str) -> str:
    return str(side.schema.field(name).type)
