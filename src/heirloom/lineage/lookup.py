"""Lookup: one row out of a Parquet file, or counts over it, reading no more columns and row groups than that takes.

Statistics of row groups leave little to read, so that the rest is counted in plain Python: Arrow's bridge to NumPy loads pandas, which
takes longer than the whole command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_NOT_SHOWN = frozenset({"tokens", "prompt"})


def row_at(path: Path, position: int) -> dict[str, Any]:
    """Return the row at a position, counted from 0: all columns but the tokens, which the columns of text show.

    Raises
    ------
    HeirloomError
        If the file has fewer rows.
    """
    with _opened(path) as file:
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
    """Return the position of the row with an id; if there are several (a row that was drawn twice), that of the first.

    Parameters
    ----------
    born
        The generation of its birth, 0 for a real row; any if None.

    Raises
    ------
    HeirloomError
        If the file has no such row.
    """
    with _opened(path) as file:
        key = _key(file, row, born, replica)
        first = 0
        for group in range(file.num_row_groups):
            columns = _columns(file.metadata.row_group(group))
            if all(_may_hold(columns[name], value) for name, value in key.items()):
                position = _position_in_group(file, group, key)
                if position is not None:
                    return first + position
            first += file.metadata.row_group(group).num_rows
    born_in = "" if born is None else f" born in generation {born}"
    raise HeirloomError(f"{path}: no row {row}{born_in}{f' of replica {replica}' if replica else ''}")


def _opened(path: Path) -> pq.ParquetFile:
    import pyarrow.parquet as pq  # which a trace of artefacts does without

    return pq.ParquetFile(path)


def _key(file: pq.ParquetFile, row: int, born: int | None, replica: int) -> dict[str, int]:
    """Return column → value of a row's key, without the columns that the file does not have."""
    key = {"row": row, "born": born, "replica": replica}
    return {name: value for name, value in key.items() if value is not None and name in file.schema_arrow.names}


def _position_in_group(file: pq.ParquetFile, group: int, key: Mapping[str, int]) -> int | None:
    """Return the position in a row group of the first row with a key; None where the group has none."""
    table = file.read_row_group(group, list(key))
    rows = list(zip(*(table[name].to_pylist() for name in key), strict=True))
    values = tuple(key.values())
    return rows.index(values) if values in rows else None


def writers(path: Path) -> Counter[tuple[int, str | None]]:
    """Return (generation of birth, fingerprint of the writer, None for a human) → number of rows, over all replicas.

    Row groups whose statistics say that all rows have one birth and one writer are not read.
    """
    counts: Counter[tuple[int, str | None]] = Counter()
    with _opened(path) as file:
        for group in range(file.num_row_groups):
            columns = _columns(file.metadata.row_group(group))
            born, has_one_birth = _only_value(columns["born"])
            writer, has_one_writer = _only_value(columns["model"])
            if has_one_birth and has_one_writer:
                counts[born, writer] += columns["born"].num_values
            else:
                table = file.read_row_group(group, ["born", "model"])
                counts.update(zip(table["born"].to_pylist(), table["model"].to_pylist(), strict=True))
    return counts


def document_of(path: Path, split: str, row: int) -> dict[str, Any] | None:
    """Return the line of a ``documents.parquet`` whose document has the row with this id, in one split."""
    with _opened(path) as file:
        lines = file.read().to_pylist()
    return next((line for line in lines if line["split"] == split and 0 <= row - line["first_row"] < line["num_rows"]), None)


def may_hold(file: pq.ParquetFile, group: int, column: str, value: int) -> bool:
    """Return whether the statistics of a row group allow for a value in a column."""
    return _may_hold(_columns(file.metadata.row_group(group))[column], value)


def _may_hold(column: Any, value: int) -> bool:
    """Return whether a column chunk's statistics allow for a value."""
    statistics = column.statistics
    return statistics is None or not statistics.has_min_max or bool(statistics.min <= value <= statistics.max)


def _only_value(column: Any) -> tuple[Any, bool]:
    """Return the value that all rows of a column chunk have, and whether its statistics say that there is such a value."""
    statistics = column.statistics
    if statistics is None or statistics.null_count is None:
        return None, False
    if statistics.null_count == column.num_values:
        return None, True
    is_constant = statistics.has_min_max and statistics.min == statistics.max and not statistics.null_count
    return (statistics.min, True) if is_constant else (None, False)


def _columns(group: Any) -> dict[str, Any]:
    return {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}
