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
        document = np.maximum(np.searchsorted(self.first_rows, rows, "right") - 1, 0)
        first_row, num_rows = self.first_rows[document], self.num_rows[document]
        is_inside = (rows >= first_row) & (rows < first_row + num_rows)
        return np.where(is_inside, self.hashes[document], UNKNOWN)


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
        unit = (self.unit,) if self.unit else ()
        indexed = _INDEXED if self.documents else ()
        return (*self.row, *unit, *indexed)


def belonging(side: Side, other: Side) -> Belonging:
    """Return what a side tells of its rows; a row is named only by columns that the other side has as well.

    Raises
    ------
    HeirloomError
        If an index of documents is damaged or is not as it was recorded.
    """
    return Belonging(_row_columns(side, other), _unit_column(side, other), _documents(side), _pool(side))


def _row_columns(side: Side, other: Side) -> tuple[str, ...]:
    """Return the columns that name a row and that both sides have."""
    if has_lineage(side) and has_lineage(other):
        return (*_LINEAGE_ID, "replica") if side.has("replica") and other.has("replica") else _LINEAGE_ID
    return (ID_COLUMN,) if side.has(ID_COLUMN) and other.has(ID_COLUMN) else ()


def _unit_column(side: Side, other: Side) -> str | None:
    """Return the first column of units that both sides have, else the first that this side has."""
    columns = [name for name in UNIT_COLUMNS if side.has(name)]
    shared_columns = [name for name in columns if other.has(name)]
    return next(iter([*shared_columns, *columns]), None)


def _documents(side: Side) -> Documents | None:
    """Return the documents of Heirloom's own real text, where their index is on disk."""
    if not (side.has("tokens") and has_lineage(side)):
        return None
    index, split = _index(side)
    if index is None or not index.is_file():
        return None
    import pyarrow.parquet as pq

    table = pq.read_table(reading.any_file(index))
    in_split = pc.equal(table["split"], split)
    has_rows = pc.greater(table["num_rows"], 0)
    documents = table.filter(pc.and_(in_split, has_rows)).sort_by("first_row")
    first_rows, num_rows, numbers = (documents[name].to_numpy() for name in ("first_row", "num_rows", "document"))
    corpus = np.uint64(int(reading.sha256(index)[:16], 16))
    return Documents(first_rows, num_rows, values.mixed(numbers.view(np.uint64) ^ corpus))


def row_names(batch: pa.RecordBatch, belonging: Belonging) -> Hashes:
    """Return a hash of each row's name by the columns that name rows, unknown where the cell is null, shape (N,)."""
    names = values.record_hashes(batch.select(list(belonging.row)))
    if belonging.pool and "model" in belonging.row:  # the model's fingerprint names the rows that a model wrote
        is_real = _mask(batch.column("model").is_null())
        names = np.where(is_real, values.mixed(names ^ np.uint64(belonging.pool)), names)
    return _unknown_where_null(names, batch.column(belonging.row[0]))


def units(batch: pa.RecordBatch, belonging: Belonging) -> Hashes:
    """Return what each row is a part of: the cell of the column that says so, or the document of a real row or of its prompt."""
    if belonging.unit:
        column = batch.column(belonging.unit)
        return _unknown_where_null(values.mixed(values.hashes(column)), column)
    assert belonging.documents is not None
    prompts = batch.column("parent")
    source_rows = pc.coalesce(prompts, batch.column("row")).to_numpy(zero_copy_only=False)
    has_source = _is_real(batch) | _mask(prompts.is_valid())
    return np.where(has_source, belonging.documents.of(source_rows), UNKNOWN)


def _is_real(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    kinds = arrow_columns.raw_text(batch.column("kind"), "column kind")
    return _mask(pc.fill_null(pc.equal(kinds, b"real"), False))


def _unknown_where_null(hashes: Hashes, column: pa.Array) -> Hashes:
    return np.where(_mask(column.is_valid()), hashes, UNKNOWN)


def _mask(flags: pa.BooleanArray) -> NDArray[np.bool_]:
    return np.asarray(flags.to_numpy(zero_copy_only=False))


def has_lineage(side: Side) -> bool:
    """Return whether a side has the columns that name Heirloom's rows."""
    return side.has(*_LINEAGE_ID, *_ANCESTRY, "kind", "parent")


def _pool(side: Side) -> int:
    """Return the seed whose own pool a side's real rows come from; 0 where seeds share one, and where nothing is known."""
    paths = [side.path_here, *(source.path for source in side.inputs("pool"))]
    for wildcards in map(kinds.SEED_FOLDER.wildcards, paths):
        if wildcards:
            return int(wildcards["seed"])
    return 0


def _index(side: Side) -> tuple[Path | None, str]:
    """Return where the documents' index lies and the split whose rows have these ids: rows of a lineage come from the training split."""
    lineage = kinds.LINEAGE.wildcards(side.path_here)
    if lineage is not None:
        return Path(kinds.DOCUMENTS.path(lineage["experiment"])), "train"
    index = side.path.parent / kinds.DOCUMENTS.file if side.path.is_file() else None
    split, *_ = side.path.name.split(".")
    return index, split
