"""What is refused of a file: too many columns, two of one name, a type that is not read, a cell that is too large."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from heirloom.errors import HeirloomError, short

if TYPE_CHECKING:
    import pyarrow as pa

MAX_COLUMNS = 10_000
"""More are refused: each column is compared by itself."""


def check_columns(file: Path, schema: pa.Schema) -> None:
    """Refuse a file without columns, with two of one name, or with a type that is not read."""
    from heirloom.data import arrow_columns

    check_names(file, schema.names)
    for field in schema:
        arrow_columns.check(field, str(file))


def check_names(file: Path | str, names: Sequence[str]) -> None:
    """Refuse no column, too many, and two of one name."""
    if not names:
        raise HeirloomError(f"{file}: a file without a column is no dataset")
    if len(names) > MAX_COLUMNS:
        raise HeirloomError(f"{file}: {len(names):,} columns; allowed are {MAX_COLUMNS:,}")
    (name, times), *_ = Counter(names).most_common(1)
    if times > 1:
        raise HeirloomError(f"{file}: {times} columns are named {short(repr(name))}; rename all but one of them")


def check_cells(file: Path, rows: pa.RecordBatch, max_bytes: int) -> None:
    """Refuse a text, bytes or a list in one cell that takes more than some bytes."""
    if rows.nbytes <= max_bytes:
        return
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        most = _most_bytes_of_a_cell(column)
        if most > max_bytes:
            ways = f"leave it out by --ignore {short(name)}, or allow more by --max-cell-bytes {most}"
            raise HeirloomError(f"{file}: a cell of column {short(name)} has {most:,} bytes; allowed are {max_bytes:,}: {ways}")


def _most_bytes_of_a_cell(column: pa.Array) -> int:
    """Return the bytes of the longest text, bytes or list of numbers of a column; 0 where cells have one size."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return pc.max(pc.binary_length(column)).as_py() or 0
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        values = column.flatten()
        bytes_of_a_value = values.nbytes / max(1, len(values))
        return int((pc.max(pc.list_value_length(column)).as_py() or 0) * bytes_of_a_value)
    return 0


def read_errors() -> tuple[type[Exception], ...]:
    """Return what libraries raise at a file that they cannot read: its bytes, its names of columns, its values."""
    import csv

    import pyarrow as pa

    return OSError, csv.Error, pa.ArrowException, ValueError, KeyError, OverflowError, RecursionError, UnicodeError


def cause(error: BaseException) -> str:
    """Return what a library says of a file that it cannot read, in one line."""
    from heirloom.sources.faults import cause as cause_of  # which imports numpy: nothing that a readable side needs

    return cause_of(error)
