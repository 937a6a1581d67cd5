"""Which columns are not alike: of tables that others wrote every column is data, and each is compared by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from heirloom.data import arrow_columns
from heirloom.diffs import matching, rows, shown, values
from heirloom.diffs.cells import Hashes, Ints
from heirloom.diffs.pairing import Pairing, cells_at
from heirloom.diffs.row_result import Column
from heirloom.diffs.sides import Side

_MAX_CHARACTERS = 60
_MAX_SHOWN = 50
"""Columns whose cells are shown."""


def compare(pairing: Pairing, examples: int) -> tuple[Column, ...]:
    """Return the columns that are not alike, those that both sides have first; one column is read at a time.

    Of two files that Heirloom wrote there are none, but of tables: what stands beside their content is no data.

    Parameters
    ----------
    examples
        Cells to show, of each column.
    """
    if pairing.a.is_ours and pairing.b.is_ours and pairing.shared.data and not pairing.by_key:
        return ()
    unpaired = [] if pairing.by_key else [_content(pairing, name) for name in pairing.shared.data]
    columns = [*unpaired, *_paired(pairing, examples), *_one_sided(pairing)]
    unlike = (column for column in columns if not column.is_same or column.type_a != column.type_b)
    return tuple(replace(column, is_empty=column.is_same and _is_empty(pairing, column)) for column in unlike)


def _is_empty(pairing: Pairing, column: Column) -> bool:
    """Return whether neither side has a value in a column; reading ends at the first one."""
    cells = (batch.column(0) for side in (pairing.a, pairing.b) for batch in side.batches([column.name]))
    return all(batch.null_count == len(batch) for batch in cells)


def _content(pairing: Pairing, name: str) -> Column:
    return Column(name, _type(pairing.a, name), _type(pairing.b, name), matched=pairing.num_matched)


def _paired(pairing: Pairing, examples: int) -> Iterator[Column]:
    """Yield how each column that both sides have differs, in the pairs of rows or, where there are no pairs, by itself."""
    rows_a, _ = pairing.unequal
    has_pairs = pairing.by_key or bool(pairing.shared.data) or len(rows_a)
    if not has_pairs and not (pairing.matching.kept_a.all() and pairing.matching.kept_b.all()):
        yield from (_by_itself(pairing, name) for name in pairing.compared)
        return
    num_shown = 0
    for name, cells_differ in pairing.differing_cells():
        pairs = np.flatnonzero(cells_differ)
        num_shown += bool(len(pairs))
        sentences = _examples(pairing, name, pairs[:examples]) if num_shown <= _MAX_SHOWN else ()
        types = _type(pairing.a, name), _type(pairing.b, name)
        yield Column(name, *types, differs=len(pairs), matched=pairing.num_matched, examples=sentences)


def _examples(pairing: Pairing, name: str, pairs: Ints) -> tuple[str, ...]:
    """Return the cells of a column in some of the unequal pairs, before and after."""
    if not len(pairs):
        return ()
    rows_a, rows_b = pairing.unequal
    cells_a, cells_b = _cells(pairing.a, rows_a[pairs], name), _cells(pairing.b, rows_b[pairs], name)
    return tuple(f"{cell_a} → {cell_b}" for cell_a, cell_b in zip(cells_a, cells_b, strict=True))


def _by_itself(pairing: Pairing, name: str) -> Column:
    """Return how many cells of a column have no equal cell on the other side, whatever rows they stand in."""
    kept_a, kept_b = matching.kept(_column_hashes(pairing.a, name), _column_hashes(pairing.b, name))
    types = _type(pairing.a, name), _type(pairing.b, name)
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


def _cells(side: Side, rows: Ints, name: str) -> list[str]:
    """Return the cells at some positions as text short enough to be shown."""
    return [f"{value!s:.{_MAX_CHARACTERS}}" for value in shown.values(cells_at(side, rows, name))]


def _type(side: Side, name: str) -> str:
    return str(side.stored_type(name))
