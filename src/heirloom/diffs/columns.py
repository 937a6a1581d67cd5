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

_MAX_CHARACTERS = 60


@dataclass(frozen=True)
class Pairing:
    """Two sides whose rows are matched: the pairs that are not equal in every cell, and how many rows have a partner at all."""

    a: Side
    b: Side
    shared: Common
    table_a: rows.Table
    table_b: rows.Table
    matching: rows.Matching

    @property
    def unequal(self) -> tuple[Ints, Ints]:
        """Positions of the pairs in which some cell differs; of a table's rows those that were paired by their place."""
        return self.matching.changed if self.shared.data else self.matching.edited

    @property
    def num_matched(self) -> int:
        """Rows with a partner."""
        num_kept = int(self.matching.kept_a.sum())
        if self.shared.data:
            return num_kept
        edited_a, _ = self.matching.edited
        return num_kept + len(edited_a)


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
    content = [_content(pairing, name) for name in pairing.shared.data]
    others = [_shared_column(pairing, name, examples) for name in pairing.shared.others]
    columns = [*content, *others, *_one_sided(pairing)]
    return tuple(column for column in columns if not column.is_same or column.type_a != column.type_b)


def _content(pairing: Pairing, name: str) -> Column:
    return Column(name, _type(pairing.a, name), _type(pairing.b, name), matched=pairing.num_matched)


def _shared_column(pairing: Pairing, name: str, examples: int) -> Column:
    """Return how a column that both sides have differs."""
    types = _type(pairing.a, name), _type(pairing.b, name)
    rows_a, rows_b = pairing.unequal
    if len(rows_a):
        cells_differ = _hashes_at(pairing.a, rows_a, name) != _hashes_at(pairing.b, rows_b, name)
        pairs = np.flatnonzero(cells_differ)
        example_pairs = pairs[:examples]
        cells_a = _cells(pairing.a, rows_a[example_pairs], name)
        cells_b = _cells(pairing.b, rows_b[example_pairs], name)
        sentences = tuple(f"{cell_a} → {cell_b}" for cell_a, cell_b in zip(cells_a, cells_b, strict=True))
        return Column(name, *types, differs=len(pairs), matched=pairing.num_matched, examples=sentences)
    if pairing.shared.data or (pairing.matching.kept_a.all() and pairing.matching.kept_b.all()):
        return Column(name, *types, matched=pairing.num_matched)
    kept_a, kept_b = matching.kept(_column_hashes(pairing.a, name), _column_hashes(pairing.b, name))
    return Column(name, *types, values_a=int((~kept_a).sum()), values_b=int((~kept_b).sum()))


def _one_sided(pairing: Pairing) -> Iterator[Column]:
    """Yield the columns that were renamed, then those that only A has, then those that only B has."""
    renamed = dict(_renamed(pairing))
    for name_a, name_b in renamed.items():
        yield Column(name_a, _type(pairing.a, name_a), _type(pairing.b, name_b), name_b)
    for name in pairing.shared.only_a:
        if name not in renamed:
            yield Column(name, _type(pairing.a, name), None)
    for name in pairing.shared.only_b:
        if name not in renamed.values():
            yield Column(name, None, _type(pairing.b, name))


def _renamed(pairing: Pairing) -> Iterator[tuple[str, str]]:
    """Yield pairs of columns that only one side has each, and that hold the same values in the same rows."""
    matching = pairing.matching
    names_b = {_key(pairing.b, pairing.table_b, matching.kept_b, name): name for name in pairing.shared.only_b}
    if not matching.kept_a.any():
        return
    for name_a in pairing.shared.only_a:
        name_b = names_b.pop(_key(pairing.a, pairing.table_a, matching.kept_a, name_a), None)
        if name_b is not None:
            yield name_a, name_b


def _key(side: Side, table: rows.Table, is_kept: NDArray[np.bool_], name: str) -> tuple[str | None, int]:
    """Return what is equal for columns of the same sort that hold the same values in the same rows, whatever the rows' order."""
    cells = values.mixed(table.hashes[is_kept]) + _column_hashes(side, name)[is_kept]
    return arrow_columns.shape(side.schema.field(name).type), int(values.mixed(cells).sum(dtype=np.uint64))


def _column_hashes(side: Side, name: str) -> Hashes:
    parts = [values.hashes(batch.column(0)) for batch in side.batches([name])]
    return np.concatenate([np.empty(0, np.uint64), *parts])


def _hashes_at(side: Side, rows: Ints, name: str) -> Hashes:
    """Return the hashes of the cells at some positions, in the order asked for."""
    ascending_rows, inverse = np.unique(rows, return_inverse=True)
    parts = [values.hashes(batch.column(0)) for batch in take(side, ascending_rows, [name])]
    return np.concatenate([np.empty(0, np.uint64), *parts])[inverse]


def _cells(side: Side, rows: Ints, name: str) -> list[str]:
    """Return the cells at some positions as text short enough to be shown."""
    ascending_rows, inverse = np.unique(rows, return_inverse=True)
    texts: list[str] = []
    for batch in take(side, ascending_rows, [name]):
        texts += [f"{value!s:.{_MAX_CHARACTERS}}" for value in batch.column(0).to_pylist()]
    return [texts[position] for position in inverse]


def _type(side: Side, name: str) -> str:
    return str(side.schema.field(name).type)
