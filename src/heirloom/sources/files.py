"""Local text files: .txt, .jsonl, .json and .parquet, read line by line or batch by batch."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from heirloom import globs
from heirloom.errors import HeirloomError
from heirloom.runtime import child
from heirloom.sources import data_faults, faults
from heirloom.sources.group_values import Values
from heirloom.sources.input_files import SOURCE, SPLIT_ROLES, SourceFile, absence, check_content, first_unfetched, local_file
from heirloom.sources.splits import SPLITS
from heirloom.sources.text import Counts, Document, Piece, split_at, with_text, without_nulls
from heirloom.specs.source import FileSplits, FilesSource

PLAIN = (".txt", ".raw")
SUFFIXES = (*PLAIN, ".jsonl", ".json", ".parquet")


AMPLE_BYTES_A_TOKEN = 10
"""More bytes than a token of any prose has: byte-level BPE gives 3 to 5."""


def preflight(spec: FilesSource) -> None:
    """Raise HeirloomError for a missing or empty file, a glob without match, an unknown suffix, a missing column."""
    paths = [file.place for file in source_files(spec)]
    for path in paths:
        check_content(path)
        if path.stat().st_size == 0:
            raise HeirloomError(f"source.paths: {path} is empty")
        if path.suffix == ".parquet":
            faults.check_parquet(path, spec.text_column if spec.text.pairs is None else None, "source.paths")
        elif path.suffix not in PLAIN and spec.text.pairs is None:
            _check_first_row(path, spec.text_column)
    is_plain = all(path.suffix in PLAIN for path in paths)
    has_one_document_each = is_plain and spec.document_separator is None and not spec.lines
    if has_one_document_each and not isinstance(spec.paths, FileSplits) and len(paths) < len(SPLITS):
        raise HeirloomError(
            f"source.paths: {len(paths)} file(s) of one document each cannot be divided into train, valid and test; "
            "give more files, a document_separator, or paths as a mapping train / valid / test"
        )


def _check_first_row(path: Path, column: str) -> None:
    """Refuse a file of JSON whose first row lacks the column, or has no text there."""
    if path.suffix == ".json" and path.stat().st_size > data_faults.MOST_JSON_BYTES:
        return
    try:
        next(_json_rows(path, column, Values(None)), None)
    except UnicodeDecodeError:
        raise faults.not_utf8(path) from None


def text_bytes(spec: FilesSource) -> int:
    """Return how many bytes the files have."""
    return sum(file.place.stat().st_size for file in source_files(spec))


def check_rows(spec: FilesSource) -> None:
    """Read the documents for what reading would stop at; errors as for `documents`."""
    for _ in documents(spec, Counter()):
        pass


def source_files(spec: FilesSource) -> list[SourceFile]:
    """Return the files that are read, in the order in which they are read."""
    return [local_file(SPLIT_ROLES.get(split or "", SOURCE), path) for split, paths in paths_by_split(spec) for path in paths]


def is_here(spec: FilesSource) -> bool:
    """Return whether any of the files is on this machine."""
    patterns = spec.paths
    if isinstance(patterns, FileSplits):
        patterns = (*patterns.train, *patterns.valid, *patterns.test)
    for pattern in patterns:
        globs.check_extent(pattern, "source.paths")
    return any(Path(path).exists() for pattern in patterns for path in (pattern, *_glob(pattern)))


def documents(spec: FilesSource, counts: Counts) -> Iterator[Document]:
    """Yield the documents of all files, split by split, files in alphabetical order within each path or glob.

    Raises
    ------
    HeirloomError
        If a file is missing, is no UTF-8 or is not what its suffix says, or lacks the text column or that of groups.
    """
    values = Values(spec.group_column)
    for split, paths in paths_by_split(spec):
        all_documents = (document for path in paths for document in _documents_of(path, spec, values, counts))
        for document in islice(with_text(all_documents, spec, counts), spec.max_documents):
            yield replace(document, split=split)


def paths_by_split(spec: FilesSource) -> Iterator[tuple[str | None, list[Path]]]:
    """Yield each split with its files in the order in which they are read; None where the source is not split."""
    if isinstance(spec.paths, FileSplits):
        for split in SPLITS:
            yield split, matches(getattr(spec.paths, split), f"source.paths.{split}")
    else:
        yield None, matches(spec.paths, "source.paths")


def matches(patterns: Iterable[str], key: str, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """Return the files that paths and globs name, in their order, each once.

    Raises
    ------
    HeirloomError
        If one names no file, or a file of another suffix.
    """
    files: dict[Path, None] = {}  # ordered, each file once however many globs name it
    for pattern in patterns:
        files.update(dict.fromkeys(_match(pattern, key, suffixes)))
    return list(files)


def _match(pattern: str, key: str, suffixes: Sequence[str]) -> list[Path]:
    globs.check_kind(Path(pattern))
    if Path(pattern).is_file():
        places = [Path(pattern)]
    elif Path(pattern).is_dir():
        raise HeirloomError(f"{key}: {pattern} is a folder; name its files, as in {Path(pattern) / '*.txt'}")
    elif glob.has_magic(pattern):
        places = _matches_of_glob(pattern, key)
    elif Path(pattern).is_symlink():
        check_content(Path(pattern))
    else:
        raise HeirloomError(f"{key}: no such file: {absence(Path(pattern))}")
    for path in places:
        if path.suffix not in suffixes:
            raise HeirloomError(f"{key}: {path} has the suffix {path.suffix!r}; allowed are {', '.join(suffixes)}")
    return places


def _matches_of_glob(pattern: str, key: str) -> list[Path]:
    """Return the files that match, having refused those of them whose content was never fetched."""
    globs.check_extent(pattern, key)
    absent = first_unfetched(Path(path) for path in _glob(f"{pattern}.dvc"))
    if absent is not None:
        raise HeirloomError(f"{key}: not here: {absence(absent)}")
    places = sorted(map(Path, _glob(pattern)))
    for place in places:
        if place.is_symlink() and not place.exists():
            check_content(place)
        globs.check_kind(place)
    files = [place for place in places if place.is_file()]
    if not files:
        raise HeirloomError(f"{key}: no file matches {pattern}{_pointer_above(Path(pattern).parent)}")
    return files


def _pointer_above(folder: Path) -> str:
    plain = next(path for path in (folder, *folder.parents) if not glob.has_magic(str(path)))
    return absence(plain).removeprefix(str(plain))


def _glob(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207  Path.glob refuses absolute patterns


def _documents_of(path: Path, spec: FilesSource, values: Values, counts: Counts) -> Iterator[Document]:
    child.opening(path)
    try:
        if path.suffix in PLAIN and spec.document_separator is None and not spec.lines:
            text = path.read_text(encoding="utf-8-sig")
            faults.check_plain(text, path)
            yield Document(path.stem, text)
            return
        pieces = without_nulls(_pieces(path, spec, values), counts)
        if spec.document_separator is not None:
            lines = (text.rstrip("\n") for _, text, _ in pieces)
            yield from split_at(lines, spec.document_separator, path.stem)
            return
        for number, text, group in pieces:
            yield Document(f"{path.name}:{number}", text, group=group)
    except UnicodeDecodeError:
        raise faults.not_utf8(path) from None
    except OSError as error:
        raise HeirloomError(f"{path}: cannot be read ({error.strerror or error})") from None


def _pieces(path: Path, spec: FilesSource, values: Values) -> Iterator[Piece]:
    """Yield each line of a .txt file, and each row of any other."""
    if path.suffix in PLAIN:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                faults.check_plain(line, path, number)
                yield Piece(number, "" if spec.lines and line.isspace() else line)
    elif path.suffix == ".parquet":
        yield from _parquet_rows(path, spec.text_column, values)
    else:
        yield from _json_rows(path, spec.text_column, values)


def _parquet_rows(path: Path, column: str, values: Values) -> Iterator[Piece]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from heirloom.data import arrow_columns

    place, first_row, columns = f"source.text_column: {path}: {column!r}", 1, [*dict.fromkeys([column, *values.columns])]
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(1024, columns=columns):
                texts = arrow_columns.texts(batch.column(column), place, first_row).to_pylist()
                groups = values.of_batch(batch, str(path), first_row)
                yield from map(Piece, range(first_row, first_row + batch.num_rows), texts, groups)
                first_row += batch.num_rows
    except (OSError, pa.ArrowException) as error:
        raise faults.damaged_parquet(path, columns, error) from None


def _json_rows(path: Path, column: str, values: Values) -> Iterator[Piece]:
    if path.suffix == ".json":
        rows = faults.parse(path.read_text(encoding="utf-8-sig"), path, unique_key=column)
        if not isinstance(rows, list):
            raise HeirloomError(f"{path}: a .json file must hold one list of objects; one object per line is .jsonl")
        for number, row in enumerate(rows, 1):
            place = f"{path}, row {number}"
            yield Piece(number, faults.text_of(row, column, place), values.of_row(row, place))
        return
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                row = faults.parse(line, path, number, column)
                place = f"{path}:{number}"
                yield Piece(number, faults.text_of(row, column, place), values.of_row(row, place))
