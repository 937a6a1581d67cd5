"""Files of rows that programs of the user's are handed: what rows say, and not where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heirloom.data.columns import PROMPT, PROMPT_TEXT, STOPPED
from heirloom.data.dataset import Dataset

_GROUP_ROWS = 1 << 14
_PAIRS = {PROMPT_TEXT: "prompt", "text": "completion", STOPPED: "stopped"}


def write_rows(rows: Dataset, file: Path) -> None:
    """Write what rows say, group by group, and not where they come from; equal rows give equal bytes, however they lie in memory."""
    groups = _groups(contents(rows))
    first_group = next(groups)
    with pq.ParquetWriter(file, first_group.schema, compression="none") as writer:
        writer.write_batch(first_group)
        for group in groups:
            writer.write_batch(group)


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield rows in batches of `_GROUP_ROWS`, of which the last may have fewer."""
    parts, num_rows = list[pa.RecordBatch](), 0
    for batch in batches:
        rest = batch
        while num_rows + rest.num_rows >= _GROUP_ROWS:
            wanted = _GROUP_ROWS - num_rows
            yield pa.concat_batches([*parts, rest.slice(0, wanted)])
            parts, num_rows, rest = [], 0, rest.slice(wanted)
        if rest.num_rows:
            parts.append(rest)
            num_rows += rest.num_rows
    if parts:
        yield pa.concat_batches(parts)


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
