"""What programs of the user's are handed, and what they hand back: files of rows and of measures, checked before they are taken.

Legend of shapes: N rows, D dimensions.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heirloom.data import arrow
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError, short

MEASURES = "family.measure.command: {measures}"
"""How messages name the file of measures."""

_COLUMN = "x"
_SYNTHETIC = "family.sample.command: {synthetic}"
_MEASURE_NAME = re.compile("[a-z][a-z0-9_]{0,63}")


def write_rows(rows: Dataset, file: Path) -> None:
    """Write what rows say, and not where they come from."""
    batches = rows.batches([_COLUMN])
    schema = pa.schema([pa.field(_COLUMN, pa.list_(pa.float64()))])
    with pq.ParquetWriter(file, schema, compression="none") as writer:
        for batch in batches:
            writer.write_batch(batch.cast(schema))


def read_rows(file: Path, num_rows: int, row_numbers: int | None) -> Iterator[NDArray[np.float64]]:
    """Yield the rows of a file that a program wrote, batch by batch, each as an array of shape (1, N, D).

    Raises
    ------
    HeirloomError
        If there is no such file, it is no Parquet, or its rows are not as declared: columns, count, numbers per row, values.
    """
    try:
        parquet = pq.ParquetFile(file)
    except FileNotFoundError:
        raise HeirloomError(f"{_SYNTHETIC} was not written, though the command ended well") from None
    except pa.ArrowInvalid as error:
        raise HeirloomError(f"{_SYNTHETIC} is no Parquet file: {error}") from None
    with parquet:
        _check_columns(parquet.schema_arrow)
        if parquet.metadata.num_rows != num_rows:
            raise HeirloomError(f"{_SYNTHETIC} has {parquet.metadata.num_rows:,} rows; {num_rows:,} were asked for")
        for batch in parquet.iter_batches():
            yield _numbers(batch.column(0), row_numbers)[None]


def _check_columns(schema: pa.Schema) -> None:
    """Refuse other columns than the one of lists of numbers."""
    if schema.names == [_COLUMN]:
        (kind,) = schema.types
        if pa.types.is_list(kind) and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
            return
    columns = ", ".join(f"{column.name} ({column.type})" for column in schema)
    raise HeirloomError(f"{_SYNTHETIC} has the columns {short(columns, 200)}; allowed is one column {_COLUMN} of lists of numbers")


def _numbers(column: pa.ListArray, row_numbers: int | None) -> NDArray[np.float64]:
    """Return the lists of a column as an array of shape (N, D)."""
    lengths = set(column.value_lengths().unique().to_pylist())
    expected = {row_numbers} if row_numbers else lengths - {None}
    if lengths != expected or len(lengths) != 1:
        amounts = ", ".join(sorted("no list" if length is None else f"{length:,}" for length in lengths)[:3])
        raise HeirloomError(f"{_SYNTHETIC} has rows of {amounts} numbers; each must have {row_numbers or 'as many as the others'}")
    values = column.flatten().cast(pa.float64())
    if values.null_count or not np.isfinite(arrow.numbers(values)).all():
        raise HeirloomError(f"{_SYNTHETIC} has numbers that are missing or not finite; all must be finite")
    return arrow.numbers(values).reshape(len(column), -1)


def read_measures(file: Path) -> dict[str, float]:
    """Return the measures that a program wrote.

    Raises
    ------
    HeirloomError
        If there is no such file, or it is no JSON object of names and finite numbers.
    """
    if not file.is_file():
        raise HeirloomError(f"{MEASURES} was not written, though the command ended well")
    try:
        measures = json.loads(file.read_bytes())
    except ValueError as error:
        raise HeirloomError(f"{MEASURES} is no JSON: {error}") from None
    if not isinstance(measures, dict):
        raise HeirloomError(f"{MEASURES} is {short(repr(measures))}; it must be an object of names and numbers")
    for name, value in measures.items():
        if not _MEASURE_NAME.fullmatch(name):
            raise HeirloomError(f"{MEASURES} has the name {short(repr(name))}; allowed are a-z, 0-9 and _, a letter first")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise HeirloomError(f"{MEASURES} has {name}: {short(repr(value))}; allowed are finite numbers")
    return {name: float(value) for name, value in measures.items()}
