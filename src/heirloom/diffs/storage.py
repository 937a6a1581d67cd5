"""The files of a side: Parquet and Arrow, in bounded batches; and which files of a folder hold rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_ARROW = (".arrow", ".feather")
_FILE_MARK = b"ARROW1"
"""Arrow's files begin with it, its streams do not."""

_HIDDEN = (".", "cache-")
"""Beginnings of names that hold no rows; `datasets` keeps what it has computed beside the rows, as ``cache-….arrow``."""


def files_below(folder: Path) -> tuple[Path, ...]:
    """Return a folder's Parquet files, or where there are none its Arrow files, else CSV and JSON lines; sorted."""
    for suffixes in ((".parquet",), (".arrow", ".feather"), text_suffixes()):
        files = tuple(sorted(file for file in folder.rglob("*") if _has_suffix(file, suffixes) and not _is_hidden(file)))
        if files:
            return files
    return ()


def text_suffixes() -> tuple[str, ...]:
    """Return the suffixes of files of text that hold tables."""
    return (".csv", ".tsv", ".jsonl", ".ndjson", ".csv.gz", ".jsonl.gz")


def readable(file: Path) -> Path:
    """Return a file that can be read in batches: itself, or an Arrow file of the rows of a CSV file or of JSON lines.

    Raises
    ------
    HeirloomError
        If it is such a file of text and cannot be read.
    """
    if file.suffix in (".parquet", ".arrow", ".feather"):
        return file
    from heirloom.diffs import text_files

    if not text_files.kind(file):
        return file
    status = file.stat()
    return text_files.as_arrow(file.absolute(), (status.st_size, status.st_mtime_ns), str(file))


def _has_suffix(file: Path, suffixes: tuple[str, ...]) -> bool:
    return file.name.endswith(suffixes) and file.is_file()


def _is_hidden(file: Path) -> bool:
    return any(part.startswith(_HIDDEN) for part in file.parts[-2:])


def about(file: Path) -> tuple[pa.Schema, int, int]:
    """Return a file's columns, rows, and bytes once decompressed."""
    import pyarrow.parquet as pq

    if file.suffix in _ARROW:
        with _arrow(file) as reader:
            rows = sum(batch.num_rows for batch in _arrow_batches(reader))
            return reader.schema, rows, file.stat().st_size
    metadata = pq.read_metadata(file)
    sizes = (metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    schema: pa.Schema = metadata.schema.to_arrow_schema()
    return schema, metadata.num_rows, sum(sizes)


def batches(file: Path, columns: list[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a file in order, at most a number of rows at a time; of an Arrow file all of its columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if file.suffix in _ARROW:
        with _arrow(file) as reader:
            for batch in _arrow_batches(reader):
                yield from (batch.slice(start, batch_rows) for start in range(0, batch.num_rows, batch_rows))
    else:
        try:
            with pq.ParquetFile(file, memory_map=True, page_checksum_verification=True) as parquet:
                yield from parquet.iter_batches(batch_rows, columns=columns)
        except (OSError, pa.ArrowException) as error:
            from heirloom.sources.faults import damaged_parquet  # which imports what a sound file does not need

            raise damaged_parquet(file, columns, error) from None


def _arrow(file: Path) -> pa.RecordBatchStreamReader | pa.RecordBatchFileReader:
    import pyarrow as pa

    mapped = pa.memory_map(str(file))
    is_file_format = mapped.read(len(_FILE_MARK)) == _FILE_MARK
    mapped.seek(0)
    return pa.ipc.open_file(mapped) if is_file_format else pa.ipc.open_stream(mapped)


def _arrow_batches(reader: pa.RecordBatchStreamReader | pa.RecordBatchFileReader) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    batches = map(reader.get_batch, range(reader.num_record_batches)) if isinstance(reader, pa.RecordBatchFileReader) else reader
    for batch in batches:
        _check_places(batch)
        yield batch


def _check_places(batch: pa.RecordBatch) -> None:
    """Raise `pyarrow.ArrowInvalid` where a column refers to what is not there: the reader believes what the file says of its places."""
    import pyarrow as pa

    for column in batch.columns:
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            if "UTF8" not in str(error):  # bytes that are no text are read as U+FFFD
                raise
