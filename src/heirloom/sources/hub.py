"""Any text dataset that the ``datasets`` library opens: a hub id or a local folder of data files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from heirloom.errors import HeirloomError
from heirloom.sources.text import Document, split_at, with_text
from heirloom.specs.source import HubSource, HubSplits


def preflight(spec: HubSource) -> None:
    """Raise HeirloomError if ``dataset`` looks like a local folder and there is none; the hub is not asked."""
    check_name(spec.dataset)


def check_name(dataset: str) -> None:
    """Raise HeirloomError if the name of a dataset looks like a local folder and there is none."""
    looks_local = dataset.startswith((".", "/", "~")) or dataset.count("/") > 1
    if looks_local and not Path(dataset).is_dir():
        raise HeirloomError(f"source.dataset: no such folder: {dataset} (a hub id has the form owner/name)")


def text_bytes(spec: HubSource) -> None:
    """Return None: the size is not known before the download."""


def input_files(spec: HubSource) -> list[Path]:
    """Return the files of a local folder, in alphabetical order; none for a hub id."""
    return sorted(path for path in Path(spec.dataset).rglob("*") if path.is_file())


def documents(spec: HubSource) -> Iterator[Document]:
    """Yield the documents of each split, in the dataset's order; rows lie on disk, not in memory.

    Raises
    ------
    HeirloomError
        If the dataset, its configuration or a split cannot be had, or the text column is missing or holds no text.
    """
    splits: dict[str | None, str] = dict(spec.splits) if isinstance(spec.splits, HubSplits) else {None: spec.splits}
    for split, name in splits.items():
        rows = load(spec.dataset, spec.config, spec.revision, name)
        _check_column(rows, spec, name)
        texts = (row[spec.text_column] or "" for row in rows)
        if spec.document_separator is None:
            read: Iterator[Document] = (Document(f"{name}:{number}", text) for number, text in enumerate(texts, 1))
        else:
            read = split_at((text.rstrip("\n") for text in texts), spec.document_separator, name)
        for document in islice(with_text(read, spec), spec.max_documents):
            yield Document(document.title, document.text, split)


def load(dataset: str, config: str | None, revision: str | None, split: str) -> Any:
    """Return one split of a dataset on the hub or in a local folder.

    Raises
    ------
    HeirloomError
        If the dataset, its configuration or the split cannot be had.
    """
    import datasets

    given = dataset + (f" ({config})" if config else "")
    try:
        return datasets.load_dataset(dataset, config, split=split, revision=revision)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        reason = f"{' '.join(str(error).split())}; for files of your own, source: {{name: files, paths: …}}"
        raise HeirloomError(f"source.dataset: cannot load {given}, split {split!r}: {reason}") from error


def _check_column(rows: Any, spec: HubSource, split: str) -> None:
    from datasets import Value

    place = f"source.text_column: {spec.dataset}, split {split!r}"
    column = rows.features.get(spec.text_column)
    if column is None:
        raise HeirloomError(f"{place} has no column {spec.text_column!r}; it has {', '.join(rows.features)}")
    if column not in (Value("string"), Value("large_string")):
        raise HeirloomError(f"{place}: {spec.text_column!r} holds {column}, which is no text")
