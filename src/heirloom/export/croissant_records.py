"""What Croissant says of a dataset's bytes: its file with size and hash, and its columns as the fields of a record set.

The columns of ancestry are fields like all others, so that a reader of records has every column of a row. They stand a second time as
annotations of the record, mapped to the terms of W3C PROV and schema.org that mean the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from heirloom.artefacts.fingerprints import sha256_file

PARQUET = "application/x-parquet"
"""The media type of Parquet as readers of Croissant know it."""

_WORDS = {
    "replica": "Number of the replica, from 0.",
    "row": "Id of the row; with kind, born and replica it names a row within a lineage.",
    "prompt": "Token ids of what is given.",
    "prompt_text": "The decoded prompt.",
    "tokens": "Token ids of the row, the prompt's left out.",
    "text": "The decoded tokens.",
    "stopped": "Whether the end token is the last of the tokens.",
    "x": "The numbers of the row.",
    "weight": "How much the row counts in training, 1 on average.",
    "kind": "real, or synthetic where a model wrote the row.",
    "born": "The generation that made the row; 0 of a real row.",
    "depth": "Models between the row and a human, on average over its ancestry; 0 of a real row.",
    "depth_max": "Models between the row and a human, on the longest way; 0 of a real row.",
    "parent": "Row id of the prompt that the row continues, among the training rows of generation 0; null without a prompt.",
    "model": "Fingerprint (sha256) of the checkpoint that wrote the row; null of a real row.",
    "population_member": "Number, from 0, of the member of the population whose model wrote the row; -1 of a real row.",
    "first_ancestors": "Shares of the members of the population among the row's first ancestors; zeros of a real row.",
}
_TERMS = {
    "kind": "prov:type",
    "born": "prov:wasGeneratedBy",
    "parent": "prov:wasDerivedFrom",
    "model": "prov:wasAttributedTo",
}
"""Columns of ancestry that mean what a term of W3C PROV means."""


class File(NamedTuple):
    """A dataset in a folder: the name of its record set, its path inside the folder, and where its bytes lie."""

    name: str
    path: str
    place: Path


def file_object(file: File) -> dict[str, Any]:
    """Return the FileObject of a dataset, with its size in bytes and its sha256."""
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": Path(file.path).name,
        "contentUrl": file.path,
        "contentSize": f"{file.place.stat().st_size} B",
        "encodingFormat": PARQUET,
        "sha256": sha256_file(file.place),
    }


def record_set(file: File, description: str) -> dict[str, Any]:
    """Return the RecordSet of a dataset: a field per column, and an annotation per column of ancestry."""
    schema = pq.read_schema(file.place)
    fields = [_field(file, column, f"{file.name}/{column.name}") for column in schema]
    annotations = []
    for column in filter(lambda column: column.name in _TERMS, schema):
        annotation = _field(file, column, f"{file.name}/ancestry/{column.name}")
        annotations.append({**annotation, "equivalentProperty": _TERMS[column.name]})
    content = {"@type": "cr:RecordSet", "@id": file.name, "name": file.name, "description": description, "field": fields}
    return {**content, "annotation": annotations} if annotations else content


def _field(file: File, column: pa.Field, address: str) -> dict[str, Any]:
    is_fixed = pa.types.is_fixed_size_list(column.type)
    is_list = is_fixed or pa.types.is_list(column.type)
    content: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": address,
        "name": column.name,
        "description": _WORDS.get(column.name, column.name),
        "dataType": _data_type(column.type.value_type if is_list else column.type),
        "source": {"fileObject": {"@id": file.path}, "extract": {"column": column.name}},
    }
    if is_list:
        content |= {"isArray": True, "arrayShape": str(column.type.list_size if is_fixed else -1)}
    return content


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
