"""Files of rows that programs of the user's are handed: what rows say, and not where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heirloom.data.columns import PROMPT, PROMPT_TEXT, STOPPED
from heirloom.data.dataset import Dataset

_PAIRS = {PROMPT_TEXT: "prompt", "text": "completion", STOPPED: "stopped"}


def write_rows(rows: Dataset, file: Path) -> None:
    """Write what rows say, batch by batch, and not where they come from."""
    batches = contents(rows)
    first_batch = next(batches)
    with pq.ParquetWriter(file, first_batch.schema, compression="none") as writer:
        writer.write_batch(first_batch)
        for batch in batches:
            writer.write_batch(batch)


def contents(rows: Dataset) -> Iterator[pa.RecordBatch]:
    """Yield what rows say, batch by batch, under the names that programs know."""
    names = _names(rows)
    for batch in rows.batches(list(names)):
        named_batch = batch.select(list(names)).rename_columns(list(names.values()))
        yield named_batch.cast(pa.schema([pa.field(field.name, _type(field)) for field in named_batch.schema]))


def write_prompts(prompts: Iterable[pa.Array], file: Path) -> None:
    """Write the prompts that are to be continued or answered, in order, as the column ``prompt`` of texts."""
    schema = pa.schema([pa.field("prompt", pa.string())])
    with pq.ParquetWriter(file, schema, compression="none") as writer:
        for texts in prompts:
            writer.write_batch(pa.record_batch([texts.cast(pa.string())], schema=schema))


def _names(rows: Dataset) -> Mapping[str, str]:
    """Return the columns that say something, each with its name in the file."""
    columns = rows.pieces[0].columns
    if PROMPT in columns:
        return _PAIRS
    for name in ("x", "text"):
        if name in columns:
            return {name: name}
    from heirloom.data import cells  # tables alone pay for the import

    return {name: name for name in cells.names(rows)}


def _type(field: pa.Field) -> pa.DataType:
    """Return the plain type of a column in a file: numbers of 64 bits, of images bytes, and text."""
    if pa.types.is_dictionary(field.type):
        return field.type.value_type
    if not pa.types.is_nested(field.type):
        return field.type
    return pa.list_(pa.uint8() if field.type.value_type == pa.uint8() else pa.float64())
