"""Local text files: .txt, .jsonl, .json and .parquet, read line by line or batch by batch."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from heirloom.errors import HeirloomError
from heirloom.sources.splits import SPLITS
from heirloom.sources.text import Document, split_at, with_text
from heirloom.specs.source import FileSplits, FilesSource

PLAIN = (".txt", ".raw")
SUFFIXES = (*PLAIN, ".jsonl", ".json", ".parquet")


AMPLE_BYTES_A_TOKEN = 10
"""More bytes than a token of any prose has: byte-level BPE gives 3 to 5."""


def preflight(spec: FilesSource) -> None:
    """Raise HeirloomError for a missing or empty file, a glob without match, an unknown suffix, a missing column."""
    paths = input_files(spec)
    for path in paths:
        if path.stat().st_size == 0:
            raise HeirloomError(f"source.paths: {path} is empty")
        if path.suffix == ".parquet":
            _open_parquet(path, spec.text_column)
    one_document_each = spec.document_separator is None and not spec.lines and all(path.suffix in PLAIN for path in paths)
    if one_document_each and not isinstance(spec.paths, FileSplits) and len(paths) < len(SPLITS):
        raise HeirloomError(
            f"source.paths: {len(paths)} file(s) of one document each cannot be divided into train, valid and test; "
            "give more files, a document_separator, or paths as a mapping train / valid / test"
        )


def text_bytes(spec: FilesSource) -> int:
    """Return how many bytes the files have."""
    return sum(path.stat().st_size for path in input_files(spec))


def input_files(spec: FilesSource) -> list[Path]:
    """Return the files that are read: what the real data depend on."""
    return [path for _, paths in _files(spec) for path in paths]


def documents(spec: FilesSource) -> Iterator[Document]:
    """Yield the documents of all files, split by split, files in alphabetical order within each path or glob.

    Raises
    ------
    HeirloomError
        If a file is missing, is no UTF-8 or is not what its suffix says, or lacks the text column.
    """
    for split, paths in _files(spec):
        read = (document for path in paths for document in _read(path, spec))
        for document in islice(with_text(read, spec), spec.max_documents):
            yield Document(document.title, document.text, split)


def _files(spec: FilesSource) -> Iterator[tuple[str | None, list[Path]]]:
    if isinstance(spec.paths, FileSplits):
        for split in SPLITS:
            yield split, _matches(getattr(spec.paths, split), f"source.paths.{split}")
    else:
        yield None, _matches(spec.paths, "source.paths")


def _matches(patterns: Iterable[str], key: str) -> list[Path]:
    found: dict[Path, None] = {}  # ordered, each file once however many globs name it
    for pattern in patterns:
        found.update(dict.fromkeys(_match(pattern, key)))
    return list(found)


def _match(pattern: str, key: str) -> list[Path]:
    if Path(pattern).is_file():
        matches = [Path(pattern)]
    elif Path(pattern).is_dir():
        raise HeirloomError(f"{key}: {pattern} is a folder; name its files, as in {Path(pattern) / '*.txt'}")
    elif glob.has_magic(pattern):
        matches = sorted(path for path in map(Path, _glob(pattern)) if path.is_file())
        if not matches:
            raise HeirloomError(f"{key}: no file matches {pattern}")
    else:
        raise HeirloomError(f"{key}: no such file: {pattern}")
    for path in matches:
        if path.suffix not in SUFFIXES:
            raise HeirloomError(f"{key}: {path} has the suffix {path.suffix!r}; allowed are {', '.join(SUFFIXES)}")
    return matches


def _glob(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207  Path.glob refuses absolute patterns


def _read(path: Path, spec: FilesSource) -> Iterator[Document]:
    try:
        if path.suffix in PLAIN and spec.document_separator is None and not spec.lines:
            yield Document(path.stem, path.read_text(encoding="utf-8-sig"))
            return
        pieces = _pieces(path, spec)
        if spec.document_separator is None:
            yield from (Document(f"{path.name}:{number}", text) for number, text in pieces)
        else:
            yield from split_at((text.rstrip("\n") for _, text in pieces), spec.document_separator, path.stem)
    except UnicodeDecodeError as error:
        raise HeirloomError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error


def _pieces(path: Path, spec: FilesSource) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text of each line of a .txt file, and of each row of any other."""
    if path.suffix in PLAIN:
        with path.open(encoding="utf-8-sig") as lines:
            yield from enumerate(("" if spec.lines and line.isspace() else line for line in lines), 1)
    elif path.suffix == ".parquet":
        rows = (
            row
            for batch in _open_parquet(path, spec.text_column).iter_batches(1024, columns=[spec.text_column])
            for row in batch.to_pylist()
        )
        yield from ((number, _text(row, spec.text_column, f"{path}:{number}")) for number, row in enumerate(rows, 1))
    else:
        yield from ((number, _text(row, spec.text_column, f"{path}:{number}")) for number, row in _json_rows(path))


def _json_rows(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8-sig") as lines:
        if path.suffix == ".json":
            rows = _parse(lines.read(), str(path))
            if not isinstance(rows, list):
                raise HeirloomError(f"{path}: a .json file must hold one list of objects; one object a line is .jsonl")
            yield from enumerate(rows, 1)
            return
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, _parse(line, f"{path}:{number}")


def _parse(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise HeirloomError(f"{place}: not JSON ({error})") from error


def _text(row: Any, column: str, place: str) -> str:
    if not isinstance(row, dict) or column not in row:
        has = ", ".join(map(str, row)) if isinstance(row, dict) else f"a {type(row).__name__}"
        raise HeirloomError(f"source.text_column: {place} has no {column!r}; it has {has}")
    text = row[column]
    if not isinstance(text, str):
        raise HeirloomError(f"source.text_column: {place}: {column!r} holds {text!r:.40}, which is no text")
    return text


def _open_parquet(path: Path, column: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise HeirloomError(f"{path}: no readable Parquet file") from error
    names = file.schema_arrow.names
    if column not in names:
        raise HeirloomError(f"source.text_column: {path} has no column {column!r}; it has {', '.join(names)}")
    if file.metadata.num_rows == 0:
        raise HeirloomError(f"source.paths: {path} has no rows")
    return file
