"""Any text dataset that the ``datasets`` library opens: a hub id or a local folder of data files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from heirloom.errors import HeirloomError
from heirloom.sources import data_faults, data_files
from heirloom.sources.data_layouts import Dataset
from heirloom.sources.group_values import Values
from heirloom.sources.input_files import SourceFile, absence
from heirloom.sources.text import Counts, Document, Piece, split_at, with_text, without_nulls
from heirloom.specs.source import HubSource, HubSplits

_ROWS = 1024  # read at a time


def preflight(spec: HubSource) -> None:
    """Raise HeirloomError if ``dataset`` looks like a local folder and there is none, or its files cannot serve; the hub is not asked."""
    check_name(spec.dataset)
    for file in source_files(spec):
        data_faults.check_cheaply(file.place, spec.text_column if spec.text.pairs is None else None)


def check_rows(spec: HubSource) -> None:
    """Read the rows for what reading would stop at, or pass over.

    Raises
    ------
    HeirloomError
        With the file, its line or row, and what is wrong.
    """
    for _ in documents(spec, Counter()):
        pass


def check_name(dataset: str) -> None:
    """Raise HeirloomError if the name of a dataset looks like a local folder and there is none."""
    folder = Path(dataset)
    is_path = dataset.startswith((".", "/", "~")) or dataset.count("/") > 1
    is_tracked = Path(f"{folder}.dvc").is_file()
    if (is_path or is_tracked) and not folder.is_dir():
        hint = absence(folder).removeprefix(str(folder))
        raise HeirloomError(f"source.dataset: no such folder: {dataset} (a hub id has the form owner/name){hint}")


def text_bytes(spec: HubSource) -> None:
    """Return None: the size is not known before the download."""


def source_files(spec: HubSource) -> list[SourceFile]:
    """Return the files of a local folder that are read, in alphabetical order; none for a hub id."""
    folder = Path(spec.dataset)
    return data_files.local_files(folder, spec.config, splits(spec)) if folder.is_dir() else []


def is_here(spec: HubSource) -> bool:
    """Return whether the dataset is a folder on this machine."""
    return Path(spec.dataset).is_dir()


def fetch(spec: HubSource) -> tuple[HubSource, list[SourceFile]]:
    """Return the source with the commit that it is read at, and its files, fetched from the hub; none for a local folder."""
    if is_here(spec):
        return spec, []
    dataset = _dataset(spec)
    commit = dataset.folder.name
    return spec.model_copy(update={"revision": commit}), data_files.hub_files(dataset, splits(spec))


def documents(spec: HubSource, counts: Counts) -> Iterator[Document]:
    """Yield the documents of each split, in the dataset's order; rows lie on disk, not in memory.

    Raises
    ------
    HeirloomError
        If the dataset, its configuration or a split cannot be had, or a column is missing or holds something else.
    """
    values = Values(spec.group_column)
    with reading(spec) as (dataset, load):
        for split, name in splits(spec).items():
            data_files.check(dataset, name, spec.text_column)
            texts = without_nulls(_pieces(load(name), spec, values, name), counts)
            documents_of_split = _divided(texts, spec.document_separator, name)
            for document in islice(with_text(documents_of_split, spec, counts), spec.max_documents):
                yield replace(document, split=split)


@contextmanager
def reading(spec: HubSource) -> Iterator[tuple[Dataset, Callable[[str], Any]]]:
    """Yield the dataset, and what opens a split of it, as long as the context lasts."""
    dataset = _dataset(spec)
    with data_files.split_loader(dataset, spec.config) as load:
        yield dataset, load


def _dataset(spec: HubSource) -> Dataset:
    first_split = next(iter(splits(spec).values()))
    return data_files.locate(spec.dataset, spec.config, spec.revision, first_split)


def _divided(texts: Iterator[tuple[int, str, str | None]], separator: str | None, split: str) -> Iterator[Document]:
    """Return the documents of numbered rows: each row one, or rows joined and divided at the separator."""
    if separator is None:
        return (Document(f"{split}:{number}", text, group=group) for number, text, group in texts)
    return split_at((text.rstrip("\n") for _, text, _ in texts), separator, split)


def splits(spec: HubSource) -> dict[str | None, str]:
    """Return our split → the dataset's own; None where one split is divided."""
    return dict(spec.splits) if isinstance(spec.splits, HubSplits) else {None: spec.splits}


def _pieces(rows: Any, spec: HubSource, values: Values, split: str) -> Iterator[Piece]:
    """Yield the rows with their text and group, whatever Arrow types hold these."""
    from heirloom.data import arrow_columns

    place = f"source.text_column: {spec.dataset}, split {split!r}"
    if spec.text_column not in rows.features:
        raise HeirloomError(f"{place} has no column {spec.text_column!r}; it has {', '.join(rows.features)}")
    values.check(rows.features.arrow_schema, f"{spec.dataset}, split {split!r}")
    first_row, columns = 1, [*dict.fromkeys([spec.text_column, *values.columns])]
    with data_files.one_line_errors(spec.dataset, spec.config, split):
        for table in rows.select_columns(columns).with_format("arrow").iter(_ROWS):
            for batch in table.to_batches():
                texts = arrow_columns.texts(batch.column(spec.text_column), f"{place}: {spec.text_column!r}", first_row).to_pylist()
                groups = values.of_batch(batch, f"{spec.dataset}, split {split!r}", first_row)
                yield from map(Piece, range(first_row, first_row + batch.num_rows), texts, groups)
                first_row += batch.num_rows
