"""A side of the comparison: where its rows lie, what columns they have, and what its manifest says; read in bounded batches.

A side is any Parquet file, a folder of Parquet files (as on the Hugging Face hub), a folder that `datasets` saved, or a
dataset of Heirloom, by path or by reference. `locate` needs no Arrow, so that comparing fingerprints starts at once.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import manifest, paths, reading
from heirloom.errors import HeirloomError
from heirloom.manifest import read_json

if TYPE_CHECKING:
    import pyarrow as pa

MAX_BATCH_ROWS = 8192
MAX_BATCH_BYTES = 1 << 26

SAVED_SPLITS = "dataset_dict.json"
"""Where `datasets` lists the splits of a saved `DatasetDict`."""
_HIDDEN = (".", "cache-")
"""Beginnings of names that hold no rows; `datasets` keeps what it has computed beside the rows, as ``cache-….arrow``."""

_RANGE = re.compile(r"(?P<before>.*/)(?P<first>\d+)\.\.(?P<last>\d+)(?P<after>(?::\w+)?(?:@.+)?)")


@dataclass(frozen=True)
class Place:
    """Where a dataset lies, under which name it is spoken of, its path inside the project, and its manifest if Heirloom made it.

    ``files`` are those that belong to it where it is a part of a folder.
    """

    name: str
    path: Path
    recorded: str | None
    manifest: Mapping[str, Any] | None
    files: tuple[Path, ...] = ()

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of the bytes; of some files of a folder one over their names and bytes."""
        if not self.files:
            return reading.sha256(self.path)
        lines = "".join(f"{file.relative_to(self.path).as_posix()} {reading.sha256(file)}\n" for file in self.files)
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def slice(self) -> Mapping[str, Any]:
        """The config slice it was made from, or nothing."""
        made: Mapping[str, Any] = (self.manifest or {}).get("slice", {})
        return made


@dataclass(frozen=True, eq=False)
class Side:
    """A dataset that can be read: its files and the types of its columns."""

    place: Place
    files: tuple[Path, ...]
    schema: pa.Schema
    num_rows: int
    size: int
    batch_rows: int

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, some columns of them in the order asked for, never more than a batch at a time.

        Raises
        ------
        HeirloomError
            If a file is damaged.
        """
        import pyarrow as pa

        for file in self.files:
            try:
                for batch in _batches(file, list(columns), self.batch_rows):
                    yield batch.select(list(columns))
            except (OSError, pa.ArrowException) as error:
                raise HeirloomError(f"{file}: damaged ({_cause(error)})") from None

    @property
    def is_ours(self) -> bool:
        """Whether Heirloom wrote it, so that its columns mean what their names say."""
        return self.place.manifest is not None

    def has(self, *columns: str) -> bool:
        """Return whether every one of the columns is there."""
        return all(column in self.schema.names for column in columns)


def locate(text: str | Path) -> Place:
    """Return where a path or a reference points.

    Raises
    ------
    HeirloomError
        If there is nothing there, the reference is wrong, or it names an artefact that is not as it was recorded.
    """
    from heirloom.lineage.references import resolve

    found = resolve(str(text))
    return Place(found.name, reading.any_file(found.path), found.recorded, _manifest(found.path))


def generations(text: str) -> list[str] | None:
    """Return the references of ``experiment/regime/seed/first..last[:what][@revision]``, or None if the text is no series.

    Raises
    ------
    HeirloomError
        If the series has fewer than two generations.
    """
    found = _RANGE.fullmatch(text)
    if found is None:
        return None
    first, last = int(found["first"]), int(found["last"])
    if last <= first:
        raise HeirloomError(f"{text}: a series runs upwards, as in {found['before']}0..5")
    return [f"{found['before']}{generation}{found['after']}" for generation in range(first, last + 1)]


def open_side(place: Place) -> Side:
    """Return the side's files and columns, its rows unread.

    Raises
    ------
    HeirloomError
        If there is no Parquet or Arrow file, one cannot be read or is an artefact that is not as it was recorded,
        columns differ between files, or a column has a type that is not read.
    """
    import pyarrow as pa

    files = tuple(reading.any_file(file) for file in _files(place))
    try:
        schemas, rows, sizes = zip(*(_about(file) for file in files), strict=True)
    except (pa.ArrowException, OSError) as error:
        raise HeirloomError(f"{place.path}: cannot be read as Parquet or Arrow ({_cause(error)})") from None
    for file, schema in zip(files, schemas, strict=True):
        if schema.names != schemas[0].names:
            raise HeirloomError(f"{file}: columns {', '.join(schema.names)} differ from those of {files[0]}: {', '.join(schemas[0].names)}")
    for file, schema in zip(files, schemas, strict=True):
        _check_columns(file, schema)
    bytes_a_row = sum(sizes) // max(1, sum(rows)) + 1
    batch_rows = max(1, min(MAX_BATCH_ROWS, MAX_BATCH_BYTES // bytes_a_row))
    return Side(place, files, schemas[0], sum(rows), sum(file.stat().st_size for file in files), batch_rows)


def _check_columns(file: Path, schema: pa.Schema) -> None:
    """Refuse a file without columns, with two of one name, or with a type that is not read."""
    from heirloom import arrow_columns

    if not schema.names:
        raise HeirloomError(f"{file}: a file without a column is no dataset")
    (name, times), *_ = Counter(schema.names).most_common(1)
    if times > 1:
        raise HeirloomError(f"{file}: {times} columns are named {name!r}; rename all but one of them")
    for field in schema:
        arrow_columns.check(field, str(file))


def _manifest(path: Path) -> Mapping[str, Any] | None:
    """Return the manifest beside a file if it tells of the file's bytes: a copy elsewhere may lie beside another's."""
    beside = Path(paths.manifest(path))
    tells_of_it = beside.is_file() and read_json(beside).get("sha256") == reading.sha256(path)
    return manifest.read(beside) if tells_of_it else None


def files_below(folder: Path) -> tuple[Path, ...]:
    """Return a folder's Parquet files, or where there are none its Arrow files; sorted."""
    for pattern in ("*.parquet", "*.arrow"):
        below = (file for file in folder.rglob(pattern) if not any(part.startswith(_HIDDEN) for part in file.parts[-2:]))
        if files := tuple(sorted(below)):
            return files
    return ()


def _files(place: Place) -> tuple[Path, ...]:
    if place.files or place.path.is_file():
        return place.files or (place.path,)
    if files := files_below(place.path):
        return files
    raise HeirloomError(f"{place.path}: a folder without a Parquet or Arrow file is no dataset")


def _about(file: Path) -> tuple[pa.Schema, int, int]:
    """Return a file's columns, rows, and bytes once decompressed."""
    import pyarrow.parquet as pq

    if file.suffix == ".arrow":
        with _arrow(file) as reader:
            rows = sum(batch.num_rows for batch in reader)
            return reader.schema, rows, file.stat().st_size
    metadata = pq.read_metadata(file)
    sizes = (metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    schema: pa.Schema = metadata.schema.to_arrow_schema()
    return schema, metadata.num_rows, sum(sizes)


def _batches(file: Path, columns: list[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from heirloom.sources.faults import damaged_parquet

    if file.suffix == ".arrow":
        with _arrow(file) as reader:
            for batch in reader:
                yield from (batch.slice(start, batch_rows) for start in range(0, batch.num_rows, batch_rows))
    else:
        try:
            with pq.ParquetFile(file, memory_map=True, page_checksum_verification=True) as parquet:
                yield from parquet.iter_batches(batch_rows, columns=columns)
        except (OSError, pa.ArrowException) as error:
            raise damaged_parquet(file, columns, error) from None


def _arrow(file: Path) -> pa.RecordBatchStreamReader:
    import pyarrow as pa

    return pa.ipc.open_stream(pa.memory_map(str(file)))


def _cause(error: BaseException) -> str:
    from heirloom.sources.faults import cause  # which imports numpy: nothing that a readable side needs

    return cause(error)
