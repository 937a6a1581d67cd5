"""Lookup: one row out of a Parquet file, or counts over it, reading no more columns and row groups than that takes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from heirloom.errors import HeirloomError

_NOT_SHOWN = frozenset({"tokens"})


def row_at(path: Path, position: int) -> dict[str, Any]:
    """Return the row at a position, from 0: all columns but the tokens, which the text spells out.

    Raises
    ------
    HeirloomError
        If the file has fewer rows.
    """
    with pq.ParquetFile(path) as file:
        columns = [name for name in file.schema_arrow.names if name not in _NOT_SHOWN]
        first = 0
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if position < first + size:
                (row,) = file.read_row_group(group, columns).slice(position - first, 1).to_pylist()
                return dict(row)
            first += size
    raise HeirloomError(f"{path}: no row at position {position}; it has rows 0 to {first - 1}")


def position_of(path: Path, row: int, born: int | None = None, replica: int = 0) -> int:
    """Return where the row with an id stands; of several (a row drawn twice) the first.

    Parameters
    ----------
    born
        The generation of its birth, 0 for a real row; any if None.

    Raises
    ------
    HeirloomError
        If the file has no such row.
    """
    wanted = {"row": row, "born": born, "replica": replica}
    with pq.ParquetFile(path) as file:
        keys = [name for name in file.schema_arrow.names if wanted.get(name) is not None]
        first = 0
        for group in range(file.num_row_groups):
            if _may_hold(file.metadata.row_group(group), row):
                table = file.read_row_group(group, keys)
                found = np.flatnonzero(np.logical_and.reduce([table[key].to_numpy() == wanted[key] for key in keys]))
                if len(found):
                    return first + int(found[0])
            first += file.metadata.row_group(group).num_rows
    born_in = "" if born is None else f" born in generation {born}"
    raise HeirloomError(f"{path}: no row {row}{born_in}{f' of replica {replica}' if replica else ''}")


def writers(path: Path) -> Counter[tuple[int, str | None]]:
    """Return (generation of birth, fingerprint of the model that wrote it, None for a human) → rows of a dataset, over all replicas."""
    counts: Counter[tuple[int, str | None]] = Counter()
    with pq.ParquetFile(path, read_dictionary=["model"]) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, ["born", "model"])
            model = table["model"].combine_chunks()
            names = [*model.dictionary.to_pylist(), None]
            place = model.indices.fill_null(len(names) - 1).to_numpy()
            pairs, numbers = np.unique(table["born"].to_numpy().astype(np.int64) * len(names) + place, return_counts=True)
            for pair, number in zip(pairs.tolist(), numbers.tolist(), strict=True):
                counts[pair // len(names), names[pair % len(names)]] += number
    return counts


def document_of(path: Path, split: str, row: int) -> dict[str, Any] | None:
    """Return the line of a ``documents.parquet`` whose rows of a split have this id among them."""
    with pq.ParquetFile(path) as file:
        table = file.read()
    first = table["first_row"].to_numpy()
    inside = (first <= row) & (row < first + table["num_rows"].to_numpy())
    return next((line for line in table.filter(inside).to_pylist() if line["split"] == split), None)


def _may_hold(group: Any, row: int) -> bool:
    """Return whether a row group's statistics allow for a row id."""
    for column in map(group.column, range(group.num_columns)):
        if column.path_in_schema == "row" and column.is_stats_set and column.statistics.has_min_max:
            return bool(column.statistics.min <= row <= column.statistics.max)
    return True
