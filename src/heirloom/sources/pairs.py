"""Prompts and completions out of files, a folder or a hub: a record is a document, spelled as JSON until its tokens are made.

A record is a row of two columns, or a conversation; of the Wikipedia sample it is a paragraph, of which several pairs are made
(`wikipedia_pairs`). Records are divided into train, valid and test whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

from heirloom.errors import HeirloomError, short
from heirloom.runtime import child
from heirloom.sources import data_faults, faults, files, hub, wikipedia_pairs
from heirloom.sources.data_layouts import Dataset
from heirloom.sources.group_values import Values
from heirloom.sources.text import Counts, Document
from heirloom.specs.pairs import Pairs
from heirloom.specs.source import AnyTextSource, FilesSource, WikipediaSource

KEY = "source.text.pairs"
_SUFFIXES = (".jsonl", ".json", ".parquet")
_BATCH = 1024  # rows read at a time

Record = tuple[str, Mapping[str, Any]]
"""File and line or row, and column → value."""
Grouped = tuple[str, Mapping[str, Any], str | None]
"""A record with its group, where a column tells it."""


def preflight(spec: AnyTextSource) -> None:
    """Check what is seen without reading on: suffixes, the columns of Parquet files, and the first line of JSON.

    Raises
    ------
    HeirloomError
        With the file and the column.
    """
    assert spec.text.pairs is not None
    if isinstance(spec, WikipediaSource):
        return
    for file in (files if isinstance(spec, FilesSource) else hub).source_files(spec):
        if file.place.suffix in _SUFFIXES:
            _check_columns(file.place, spec.text.pairs)
        elif isinstance(spec, FilesSource):
            raise HeirloomError(f"source.paths: {file.place}: pairs are read from {', '.join(_SUFFIXES)}")


def documents(spec: AnyTextSource, counts: Counts) -> Iterator[Document]:
    """Yield the records of a source as documents, whose text is JSON: ``pairs`` (lists of prompt and completion) or ``messages``.

    Raises
    ------
    HeirloomError
        If a column is missing, a text is none, or a pair has no prompt or no completion; with the file and the line or row.
    """
    pairs = spec.text.pairs
    assert pairs is not None
    for split, records in _records_by_split(spec, pairs):
        for place, record, group in islice(records, spec.max_documents):
            counts["read"] += 1
            yield Document(place, json.dumps(record, ensure_ascii=False), split, group)


def _records_by_split(spec: AnyTextSource, pairs: Pairs) -> Iterator[tuple[str | None, Iterator[Grouped]]]:
    if isinstance(spec, WikipediaSource):
        yield None, ((place, record, None) for place, record in wikipedia_pairs.records(spec))
        return
    values = Values(spec.group_column)
    if isinstance(spec, FilesSource):
        for split, paths in files.paths_by_split(spec):
            rows = (row for path in paths for row in _rows_of(path, pairs, values))
            yield split, (_checked(row, pairs) for row in rows)
    else:
        with hub.reading(spec) as (dataset, load):
            for split, name in hub.splits(spec).items():
                yield split, (_checked(row, pairs) for row in _rows_of_split(dataset, load(name), name, pairs, values))


def _checked(grouped: Grouped, pairs: Pairs) -> Grouped:
    """Return a row as a record: its pair, or its messages, which are looked at where they are written out."""
    place, row, group = grouped
    if pairs.messages is not None:
        return place, {"messages": row[pairs.messages]}, group
    prompt, completion = (row[name] for name in pairs.columns)
    for what, text in (("prompt", prompt), ("completion", completion)):
        if text is not None and not isinstance(text, str):
            raise HeirloomError(f"{KEY}.{what}: {place}: expected text, got {short(repr(text), 80)}")
        if text is None or not text.strip():
            raise HeirloomError(f"{KEY}.{what}: {place}: a pair without {what}; leave that row out")
    return place, {"pairs": [[prompt, completion]]}, group


def _rows_of(path: Path, pairs: Pairs, values: Values) -> Iterator[Grouped]:
    """Yield the rows of a local file."""
    child.opening(path)
    if path.suffix == ".parquet":
        yield from _parquet_rows(path, pairs, values)
        return
    for place, row in data_faults.json_rows(path):
        _check_names(row, pairs, place)
        yield place, row, values.of_row(row, place)


def _parquet_rows(path: Path, pairs: Pairs, values: Values) -> Iterator[Grouped]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number, columns = 0, [*dict.fromkeys([*pairs.columns, *values.columns])]
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(_BATCH, columns=columns):
                groups = values.of_batch(batch, str(path), number + 1)
                for row, group in zip(_plain_rows(batch, pairs, str(path), number + 1), groups, strict=True):
                    number += 1
                    yield f"{path.name}:{number}", row, group
    except (OSError, pa.ArrowException) as error:
        raise faults.damaged_parquet(path, columns, error) from None


def _rows_of_split(dataset: Dataset, rows: Any, split: str, pairs: Pairs, values: Values) -> Iterator[Grouped]:
    """Yield the rows of a split that `datasets` has opened."""
    place = f"{dataset.name}, split {split!r}"
    _check_names(dict.fromkeys(rows.features), pairs, f"{place},")
    values.check(rows.features.arrow_schema, place)
    number, columns = 0, [*dict.fromkeys([*pairs.columns, *values.columns])]
    for table in rows.select_columns(columns).with_format("arrow").iter(_BATCH):
        for batch in table.to_batches():
            groups = values.of_batch(batch, place, number + 1)
            for row, group in zip(_plain_rows(batch, pairs, place, number + 1), groups, strict=True):
                number += 1
                yield f"{split}:{number}", row, group


def _plain_rows(batch: Any, pairs: Pairs, place: str, first_row: int) -> Iterator[Mapping[str, Any]]:
    """Yield rows of Arrow as Python, whatever Arrow type their text has."""
    from heirloom.data import arrow_columns

    columns: dict[str, list[Any]] = {}
    for name in pairs.columns:
        column = batch.column(batch.schema.get_field_index(name))
        is_text = pairs.messages is None
        values = arrow_columns.texts(column, f"{KEY}: {place}: {name!r}", first_row) if is_text else arrow_columns.bare_values(column)
        columns[name] = values.to_pylist()
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def _check_columns(path: Path, pairs: Pairs) -> None:
    """Refuse a file whose footer, or first line, lacks a column."""
    if path.stat().st_size == 0:
        raise HeirloomError(f"{KEY}: {path} is empty")
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        faults.check_parquet(path, None, KEY)
        names = dict.fromkeys(pq.read_schema(path).names)
        _check_names(names, pairs, str(path))
    elif path.suffix == ".jsonl" or path.stat().st_size <= data_faults.MOST_JSON_BYTES:
        place, row = next(iter(data_faults.json_rows(path)), (str(path), None))
        _check_names(row, pairs, place)


def _check_names(row: Any, pairs: Pairs, place: str) -> None:
    """Refuse a row without one of the columns."""
    if not isinstance(row, dict):
        raise HeirloomError(f"{KEY}: {place}: a {type(row).__name__}; each row must be an object")
    for name in pairs.columns:
        if name not in row:
            raise HeirloomError(f"{KEY}: {place} has no column {name!r}; it has {short(', '.join(map(str, row)), 300)}")


def spelled(text: str) -> Mapping[str, Sequence[Any]]:
    """Return a record from the text of its document."""
    return cast("Mapping[str, Sequence[Any]]", json.loads(text))
