"""The columns of a dataset: their plain types on disk, and which of them hold what a row says."""

from __future__ import annotations

import pyarrow as pa

WEIGHT = "weight"
MEMBER, FIRST_ANCESTORS = "population_member", "first_ancestors"
"""Columns that rows of a population have: whose model wrote the row, and the shares of the members among its first ancestors."""
PROMPT, PROMPT_TEXT, STOPPED = "prompt", "prompt_text", "stopped"
"""Columns that rows of a prompt and its completion have beside those of text."""

_IMAGES = pa.list_(pa.uint8())

_PLAIN = {
    "replica": pa.int32(),
    "row": pa.int64(),
    "x": pa.list_(pa.float64()),
    PROMPT: pa.list_(pa.int32()),
    PROMPT_TEXT: pa.string(),
    "tokens": pa.list_(pa.int32()),
    "text": pa.string(),
    STOPPED: pa.bool_(),
    "kind": pa.string(),
    "born": pa.int32(),
    "depth": pa.float64(),
    "depth_max": pa.int32(),
    "parent": pa.int64(),
    "model": pa.string(),
    MEMBER: pa.int32(),
    FIRST_ANCESTORS: pa.list_(pa.float64()),
    WEIGHT: pa.float64(),
}

CONTENT = (PROMPT, "tokens", "text", "x")
"""The columns that hold what a row says."""
BOOKKEEPING = frozenset(_PLAIN) - frozenset(CONTENT) - {PROMPT_TEXT, STOPPED}
"""The columns that Heirloom writes beside it; in files of others these names mean nothing in particular."""


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Spell dictionary columns as plain ones and lists without a size, as every Parquet reader returns them."""
    fields = [pa.field(field.name, _plain_type(field)) for field in batch.schema]
    return batch.cast(pa.schema(fields))


def _plain_type(field: pa.Field) -> pa.DataType:
    if field.name == "x" and field.type.value_type == pa.uint8():
        return _IMAGES
    if field.name in _PLAIN:
        return _PLAIN[field.name]
    return field.type.value_type if pa.types.is_dictionary(field.type) else field.type  # a column of a table
