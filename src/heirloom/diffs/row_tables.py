"""The rows behind the counts: removed, added, changed and near-duplicate rows as tables, read when they are asked for.

``row_a`` and ``row_b`` are positions in A and in B, counted from 0. Columns stand as they do in the files, also those that the
comparison left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from heirloom.artefacts.files import replacing
from heirloom.data import arrow_columns
from heirloom.diffs import cells
from heirloom.diffs.cells import Ints
from heirloom.diffs.common import Common
from heirloom.diffs.edits import Span, spans
from heirloom.diffs.origin import take
from heirloom.diffs.sides import MAX_BATCH_BYTES, Side
from heirloom.diffs.tolerance import differ
from heirloom.diffs.view import View
from heirloom.errors import HeirloomError
from heirloom.stats.samples import Floats

NAMES = ("removed", "added", "changed", "near")
MAX_PAIRS = 1 << 16
"""Pairs that are read at a time."""

_SPANS = pa.list_(pa.struct([(name, pa.int64()) for name in Span._fields]))
_CELLS = pa.list_(pa.string())
_NO_ROWS: Ints = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Rows of A beside rows of B: positions of shape (P,), what became of them, and how similar near-duplicates are, shapes (P,)."""

    a: Ints
    b: Ints
    changes: tuple[str, ...] = ()
    similarity: Floats | None = None


def no_pairs() -> Pairs:
    """Return no pair."""
    return Pairs(_NO_ROWS, _NO_ROWS)


@dataclass(frozen=True, eq=False)
class RowTables:
    """The rows of two sides that are not alike; a side is None where there is none to compare with."""

    a: Side | None
    b: Side | None
    removed: Ints = field(default_factory=lambda: _NO_ROWS)
    added: Ints = field(default_factory=lambda: _NO_ROWS)
    changed: Pairs = field(default_factory=no_pairs)
    near: Pairs = field(default_factory=no_pairs)
    shared: Common | None = None
    tolerance: float = 0.0

    def schema(self, name: str) -> pa.Schema:
        """Return the columns of a table.

        Raises
        ------
        HeirloomError
            If there is no table of that name.
        """
        match name:
            case "removed":
                return _with_rows("row_a", self.a)
            case "added":
                return _with_rows("row_b", self.b)
            case "changed" | "near":
                about = ("change", pa.string()) if name == "changed" else ("similarity", pa.float64())
                records = [("before", pa.struct(_fields(self.a or self.b))), ("after", pa.struct(_fields(self.b or self.a)))]
                return pa.schema([("row_a", pa.int64()), ("row_b", pa.int64()), about, *records, ("cells", _CELLS), ("spans", _SPANS)])
        raise HeirloomError(f"{name!r} is no table of a diff; there are {', '.join(NAMES)}")

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a table in order, a bounded number at a time."""
        schema = self.schema(name)
        match name:
            case "removed" if self.a:
                yield from _rows(self.a, self.removed, schema)
            case "added" if self.b:
                yield from _rows(self.b, self.added, schema)
            case "changed":
                yield from self._pairs(self.changed, schema)
            case "near":
                yield from self._pairs(self.near, schema)

    def table(self, name: str) -> pa.Table:
        """Return a whole table in memory."""
        return pa.Table.from_batches(self.batches(name), self.schema(name))

    def write(self, folder: Path) -> None:
        """Write every table as ``<name>.parquet``, also one without a row."""
        import pyarrow.parquet as pq

        folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            with replacing(folder / f"{name}.parquet") as temporary, pq.ParquetWriter(temporary, self.schema(name)) as writer:
                for batch in self.batches(name):
                    writer.write_batch(batch)

    def _pairs(self, pairs: Pairs, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        if self.a is None or self.b is None:
            return
        width = min(_rows_at_a_time(self.a), _rows_at_a_time(self.b))
        for start in range(0, len(pairs.a), width):
            part = slice(start, start + width)
            before, after = _records(self.a, pairs.a[part]), _records(self.b, pairs.b[part])
            about = pairs.changes[part] if pairs.similarity is None else pairs.similarity[part]
            positions = map(pa.array, (pairs.a[part], pairs.b[part], about))
            columns = (*positions, before, after, self._cells(before, after), self._spans(before, after))
            yield pa.RecordBatch.from_arrays(list(columns), schema=schema)

    def _cells(self, before: pa.StructArray, after: pa.StructArray) -> pa.Array:
        """Return the names of the compared columns whose cells differ, of each pair."""
        assert self.a is not None
        assert self.b is not None
        assert self.shared is not None
        names = dict.fromkeys((*self.shared.data, *self.shared.others))
        differing: list[list[str]] = [[] for _ in range(len(before))]
        for name in names:
            cells_a, cells_b = _column(self.a, before, name), _column(self.b, after, name)
            for row in np.flatnonzero(differ(cells_a, cells_b, self.tolerance)).tolist():
                differing[row].append(self.a.view.stored_name(name))
        return pa.array(differing, _CELLS)

    def _spans(self, before: pa.StructArray, after: pa.StructArray) -> pa.Array:
        """Return where the content of each pair differs: characters of text, or positions of tokens."""
        content = self.shared.data[-1:] if self.shared else ()
        if self.a is None or self.b is None or content not in (("text",), ("tokens",)):
            return pa.nulls(len(before), _SPANS)
        rows_a, rows_b = _content(_column(self.a, before, content[0])), _content(_column(self.b, after, content[0]))
        rows = (spans(row_a, row_b) for row_a, row_b in zip(rows_a, rows_b, strict=True))
        return pa.array([[span._asdict() for span in row] for row in rows], _SPANS)


def one_sided(a: Side | None, b: Side | None) -> RowTables:
    """Return the tables of a part that one side lacks: all of its rows are removed, or added."""
    removed = np.arange(a.num_rows) if a else _NO_ROWS
    added = np.arange(b.num_rows) if b else _NO_ROWS
    return RowTables(a, b, removed, added)


def _column(side: Side, records: pa.StructArray, name: str) -> pa.Array:
    """Return a column of rows as the comparison reads it."""
    stored_name = side.view.stored_name(name)
    stored = pa.RecordBatch.from_arrays([records.field(stored_name)], [stored_name])
    return side.view.batch(stored, [name]).column(0)


def _content(column: pa.Array) -> Sequence[str | list[int]]:
    if arrow_columns.is_list_of_numbers(column.type):
        return [row.tolist() for row in cells.ragged(column).rows()]
    texts: list[str] = cells.strings(column)[0].to_pylist()
    return texts


def _rows(side: Side, rows: Ints, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield all columns of the rows at ascending positions, a batch of the file at a time."""
    start = 0
    stored = _stored(side)
    for batch in stored.batches(stored.schema.names):
        low, high = np.searchsorted(rows, (start, start + batch.num_rows))
        if low < high:
            taken = arrow_columns.movable(batch).take(pa.array(rows[low:high] - start))
            yield pa.RecordBatch.from_arrays([pa.array(rows[low:high]), *map(_storable, taken.columns)], schema=schema)
        start += batch.num_rows


def _records(side: Side, rows: Ints) -> pa.StructArray:
    """Return the rows at some positions, in the order asked for, as structs."""
    ascending, inverse = np.unique(rows, return_inverse=True)
    stored = _stored(side)
    names = stored.schema.names
    batches = take(stored, ascending, names)
    columns = [pa.concat_arrays([_storable(batch.column(number)) for batch in batches]) for number in range(len(names))]
    return pa.StructArray.from_arrays([column.take(pa.array(inverse)) for column in columns], fields=_fields(side))


def _stored(side: Side) -> Side:
    """Return a side as its files hold it: no column is left out, and none is read as another type."""
    return replace(side, view=View(max_cell_bytes=side.view.max_cell_bytes))


def _rows_at_a_time(side: Side) -> int:
    row_bytes = side.row_bytes
    return max(1, min(MAX_PAIRS, MAX_BATCH_BYTES // row_bytes))


def _with_rows(position: str, side: Side | None) -> pa.Schema:
    return pa.schema([pa.field(position, pa.int64()), *_fields(side)])


def _fields(side: Side | None) -> list[pa.Field]:
    schema = _stored(side).schema if side else ()
    return [pa.field(one.name, _storable(pa.array([], one.type)).type) for one in schema]


def _storable(column: pa.Array) -> pa.Array:
    """Return a column in a layout that Parquet can hold: without views and run lengths."""
    return arrow_columns.movable(pa.RecordBatch.from_arrays([column], [""])).column(0)
