"""Which row a row is, and which document it is a part of, by lineage and columns, never by what a row holds.

Rows of equal content need not be the same row: of a law with few values most rows have an equal one in any sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heirloom import reading
from heirloom.artefacts import kinds
from heirloom.data import arrow_columns
from heirloom.diffs import values
from heirloom.diffs.cells import Hashes, Ints
from heirloom.diffs.sides import Side

UNKNOWN = np.uint64(0)

UNIT_COLUMNS = ("document", "url", "group")
"""Columns of a table that others wrote that name what a row is a part of; the first that both sides have counts."""

ID_COLUMN = "id"
_LINEAGE_ID = ("row", "model")
_INDEXED = ("row", "kind", "parent")
_ANCESTRY = ("born", "depth_max")


@dataclass(frozen=True)
class Documents:
    """The documents that the rows of one split were cut from, ascending: the first row of each, rows, and a hash."""

    first_rows: Ints
    num_rows: Ints
    hashes: Hashes

    def of(self, rows: Ints) -> Hashes:
        """Return the document of each row of the split by its id, unknown for ids outside, shape (N,)."""
        if not self.first_rows.size:
            return np.zeros(rows.size, np.uint64)
        at = np.maximum(np.searchsorted(self.first_rows, rows, "right") - 1, 0)
        inside = (rows >= self.first_rows[at]) & (rows < self.first_rows[at] + self.num_rows[at])
        return np.where(inside, self.hashes[at], UNKNOWN)


@dataclass(frozen=True)
class Belonging:
    """What a side tells of its rows: the columns that name a row, the one that names its document, the index of its documents.

    ``pool`` is the seed whose pool the real rows were drawn into: equal ids of two pools name different rows.
    """

    row: tuple[str, ...] = ()
    unit: str | None = None
    documents: Documents | None = None
    pool: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to read."""
        return (*self.row, *([self.unit] if self.unit else []), *(_INDEXED if self.documents else ()))


def belonging(side: Side, other: Side) -> Belonging:
    """Return what a side tells of its rows; a row is named only by columns that the other side has as well.

    Raises
    ------
    HeirloomError
        If an index of documents is damaged or is not as it was recorded.
    """
    units = [name for name in UNIT_COLUMNS if side.has(name)]
    unit = next((name for name in units if other.has(name)), units[0] if units else None)
    row: tuple[str, ...] = (ID_COLUMN,) if side.has(ID_COLUMN) and other.has(ID_COLUMN) else ()
    if tells_lineage(side) and tells_lineage(other):
        row = (*_LINEAGE_ID, *(("replica",) if side.has("replica") and other.has("replica") else ()))
    return Belonging(row, unit, _documents(side), _pool(side))


def _documents(side: Side) -> Documents | None:
    """Return the documents of Heirloom's own real text, where their index is on disk."""
    if not (side.has("tokens") and tells_lineage(side)):
        return None
    index, split = _index(side)
    if index is None or not index.is_file():
        return None
    import pyarrow.parquet as pq

    table = pq.read_table(reading.any_file(index))
    table = table.filter(pc.equal(table["split"], split)).sort_by("first_row")
    table = table.filter(pc.greater(table["num_rows"], 0))
    first_rows, num_rows, numbers = (table[name].to_numpy() for name in ("first_row", "num_rows", "document"))
    corpus = np.uint64(int(reading.sha256(index)[:16], 16))
    return Documents(first_rows, num_rows, values.mixed(numbers.view(np.uint64) ^ corpus))


def row_names(batch: pa.RecordBatch, told: Belonging) -> Hashes:
    """Return a hash of each row's name, unknown where no column names rows or the cell is null, shape (N,)."""
    if not told.row:
        return np.zeros(batch.num_rows, np.uint64)
    names = values.of_rows(batch.select(list(told.row)))
    if told.pool and "model" in told.row:  # a row that a model wrote is told by the model's fingerprint
        is_real = batch.column("model").is_null().to_numpy(zero_copy_only=False)
        names = np.where(is_real, values.mixed(names ^ np.uint64(told.pool)), names)
    return _where_known(names, batch.column(told.row[0]))


def units(batch: pa.RecordBatch, told: Belonging) -> Hashes:
    """Return what each row is a part of: the cell of the column that says so, or the document of a real row or of its prompt."""
    found = np.zeros(batch.num_rows, np.uint64)
    if told.documents:
        rows = pc.coalesce(batch.column("parent"), batch.column("row"))
        is_real = _real(batch) | batch.column("parent").is_valid().to_numpy(zero_copy_only=False)
        found = np.where(is_real, told.documents.of(rows.to_numpy(zero_copy_only=False)), UNKNOWN)
    if told.unit:
        column = batch.column(told.unit)
        found = _where_known(values.mixed(values.hashes(column)), column)
    return found


def _real(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    kinds = arrow_columns.raw_text(batch.column("kind"), "column kind")
    return np.asarray(pc.fill_null(pc.equal(kinds, b"real"), False).to_numpy(zero_copy_only=False))


def _where_known(hashes: Hashes, column: pa.Array) -> Hashes:
    return np.where(column.is_valid().to_numpy(zero_copy_only=False), hashes, UNKNOWN)


def tells_lineage(side: Side) -> bool:
    """Return whether a side has the columns that name Heirloom's rows."""
    return side.has(*_LINEAGE_ID, *_ANCESTRY, "kind", "parent")


def _pool(side: Side) -> int:
    """Return the seed whose own pool a side's real rows come from; 0 where seeds share one, and where nothing is known."""
    given = (one.path for one in side.inputs("pool"))
    known = (kinds.SEED_FOLDER.wildcards(path) for path in (side.path_here, *given))
    return next((int(wildcards["seed"]) for wildcards in known if wildcards), 0)


def _index(side: Side) -> tuple[Path | None, str]:
    """Return where the documents' index lies and the split whose rows have these ids: rows of a lineage come from the training split."""
    known = kinds.LINEAGE.wildcards(side.path_here)
    if known is not None:
        return Path(kinds.DOCUMENTS.path(known["experiment"])), "train"
    beside = side.path.parent / kinds.DOCUMENTS.file
    return (beside if side.path.is_file() else None), side.path.name.split(".")[0]
