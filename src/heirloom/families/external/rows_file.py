"""Files of rows that programs of the user's have written, checked batch by batch before they are taken.

Legend of shapes: N rows, D numbers of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heirloom.data import arrow, arrow_columns, cells
from heirloom.errors import HeirloomError, short
from heirloom.families.external import lineages
from heirloom.specs.external import ExternalSampling, Rows

_VECTORS = "one column x of lists of numbers"
_IMAGES = "one column x of lists of whole numbers from 0 to 255"
_TEXT = "one column text"
_PAIRS = "a column completion of texts, and perhaps stopped, of booleans"

Written: TypeAlias = "NDArray[np.float64] | NDArray[np.uint8] | pa.Table"
"""Rows that a program has written: vectors or images, shape (1, N, D), or the columns of a table, of texts, or of completions."""


def read_rows(file: Path, num_rows: int, settings: ExternalSampling) -> Iterator[Written]:
    """Yield the rows of a file that a program wrote, batch by batch.

    Raises
    ------
    HeirloomError
        If there is no such file, it is no Parquet, or its rows are not as declared: columns, count, numbers per row, values.
    """
    try:
        parquet = pq.ParquetFile(file)
    except FileNotFoundError:
        raise HeirloomError(f"{_file()} was not written, though the command ended well") from None
    except pa.ArrowInvalid as error:
        raise HeirloomError(f"{_file()} is no Parquet file: {error}") from None
    with parquet:
        _check_columns(parquet.schema_arrow, settings)
        if parquet.metadata.num_rows != num_rows:
            raise HeirloomError(f"{_file()} has {parquet.metadata.num_rows:,} rows; {num_rows:,} were asked for")
        first_row = 1
        for batch in parquet.iter_batches():
            table = pa.Table.from_batches([batch])
            if settings.rows == "table":
                yield cells.checked(table, settings.columns, _file(), first_row)
            else:
                yield _READERS[settings.rows](table, settings)
            first_row += batch.num_rows


def _file() -> str:
    """Return how messages name the file."""
    return f"{lineages.command_key('sample')}: {{synthetic}}"


def _check_columns(schema: pa.Schema, settings: ExternalSampling) -> None:
    """Refuse other columns than those that are declared."""
    if not _is_as_declared(schema, settings):
        columns = ", ".join(f"{column.name} ({column.type})" for column in schema)
        raise HeirloomError(f"{_file()} has the columns {short(columns, 200)}; allowed is {_declared(settings)}")


def _is_as_declared(schema: pa.Schema, settings: ExternalSampling) -> bool:
    names = set(schema.names)
    if len(names) < len(schema.names):
        return False
    match settings.rows:
        case "vectors" | "images":
            only_whole = settings.rows == "images"
            return names == {"x"} and arrow_columns.is_list_of_numbers(schema.field("x").type, only_whole=only_whole)
        case "text":
            return names == {"text"} and arrow_columns.is_text(schema.field("text").type)
        case "pairs":
            is_stopped = "stopped" not in names or pa.types.is_boolean(schema.field("stopped").type)
            has_names = {"completion"} <= names <= {"completion", "stopped"}
            return has_names and is_stopped and arrow_columns.is_text(schema.field("completion").type)
        case "table":
            return names == settings.columns.keys()


def _declared(settings: ExternalSampling) -> str:
    columns = ", ".join(f"{name} ({kind})" for name, kind in settings.columns.items())
    words = {"vectors": _VECTORS, "images": _IMAGES, "text": _TEXT, "pairs": _PAIRS, "table": columns}
    return words[settings.rows]


def _vectors(table: pa.Table, settings: ExternalSampling) -> NDArray[np.float64]:
    values = _flat(table, settings.row_numbers).cast(pa.float64())
    if values.null_count or not np.isfinite(arrow.numbers(values)).all():
        raise HeirloomError(f"{_file()} has numbers that are missing or not finite; all must be finite")
    return arrow.numbers(values).reshape(1, table.num_rows, -1)


def _images(table: pa.Table, settings: ExternalSampling) -> NDArray[np.uint8]:
    values = _flat(table, settings.row_numbers)
    try:
        pixels = values.cast(pa.uint8())
    except pa.ArrowInvalid:
        raise HeirloomError(f"{_file()} has pixels below 0 or above 255; allowed are whole numbers from 0 to 255") from None
    if pixels.null_count:
        raise HeirloomError(f"{_file()} has pixels that are missing")
    return arrow.numbers(pixels).reshape(1, table.num_rows, -1)


def _flat(table: pa.Table, row_numbers: int | None) -> pa.Array:
    """Return the numbers of all lists, which must have as many each."""
    column = arrow_columns.bare_values(table["x"].combine_chunks())
    lengths = set(pc.list_value_length(column).unique().to_pylist())
    expected = {row_numbers} if row_numbers else lengths - {None}
    if lengths != expected or len(lengths) != 1:
        amounts = ", ".join(sorted("no list" if length is None else f"{length:,}" for length in lengths)[:3])
        raise HeirloomError(f"{_file()} has rows of {amounts} numbers; each must have {row_numbers or 'as many as the others'}")
    return column.flatten()


def _texts(table: pa.Table, settings: ExternalSampling) -> pa.Table:
    texts = _text_column(table, "text")
    if _are_empty(texts).any():
        raise HeirloomError(f"{_file()} has texts that are empty; each must have a character")
    return pa.table({"text": texts})


def _completions(table: pa.Table, settings: ExternalSampling) -> pa.Table:
    texts = _text_column(table, "completion")
    stopped = np.ones(table.num_rows, bool)
    if "stopped" in table.column_names:
        column = table["stopped"].combine_chunks()
        if column.null_count:
            raise HeirloomError(f"{_file()} has values of stopped that are missing")
        stopped = arrow.truths(column)
    if (_are_empty(texts) & ~stopped).any():
        raise HeirloomError(f"{_file()} has completions that are empty and have not stopped; nothing was written")
    return pa.table({"completion": texts, "stopped": pa.array(stopped.tolist(), pa.bool_())})


def _are_empty(texts: pa.StringArray) -> NDArray[np.bool_]:
    """Return which texts have no character, shape (N,)."""
    return arrow.numbers(pc.binary_length(texts)) == 0


def _text_column(table: pa.Table, name: str) -> pa.Array:
    values = arrow_columns.texts(table[name].combine_chunks(), f"{_file()}: column {name!r}")
    if values.null_count:
        raise HeirloomError(f"{_file()} has {values.null_count:,} rows without {name}; every row must have one")
    return values.cast(pa.string())


_READERS: Mapping[Rows, Callable[[pa.Table, ExternalSampling], Written]] = {
    "vectors": _vectors,
    "images": _images,
    "text": _texts,
    "pairs": _completions,
}
