"""CSV and JSON lines as Arrow files: their types are those that every cell has, not only the first ones.

A column of a CSV file is whole numbers, floats or booleans if each cell spells one and gives its text back (`casts.is_lossless`);
else it is text. An empty cell without quotes is a null. A text in JSON stays text, also one that spells a moment.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from io import TextIOWrapper
from pathlib import Path

import pyarrow as pa

from heirloom.diffs import scratch, whole_numbers
from heirloom.diffs.refusals import cause, check_names, read_errors
from heirloom.diffs.spelling import is_lossless
from heirloom.errors import HeirloomError
from heirloom.runtime import child

DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON = (".jsonl", ".ndjson", ".json")
SUFFIXES = (*DELIMITERS, *JSON)

BLOCK_BYTES = 1 << 24
LARGEST_BLOCK = 1 << 30
"""Of one read: it holds the longest line."""
_LONGEST_STEM = 100
_CSV_TYPES = (pa.int64(), pa.float64(), pa.bool_())


def kind(file: Path) -> str:
    """Return the suffix that tells how a file is read, without that of its compression; empty for other files."""
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() not in (".gz", ".bz2", ".zst")]
    return suffixes[-1] if suffixes and suffixes[-1] in SUFFIXES else ""


@cache
def as_arrow(file: Path, state: tuple[int, int], name: str) -> Path:
    """Return an Arrow file of the same rows.

    Parameters
    ----------
    state
        Size and time of the file: what is remembered of it is forgotten when it changes.
    name
        What messages call the file.

    Raises
    ------
    HeirloomError
        If the file is damaged, or the types of a column cannot be brought together.
    """
    target = scratch.place(f"{file.stem[:_LONGEST_STEM]}.arrow")
    child.in_child(lambda: _convert(file, target, name), child.limits([file], 0), name)
    return target


def _convert(file: Path, target: Path, name: str) -> None:
    child.opening(name)
    try:
        if kind(file) in DELIMITERS:
            _write_csv(file, target, name)
        else:
            _write_json(file, target, name)
    except HeirloomError:
        raise
    except UnicodeDecodeError as error:
        raise HeirloomError(f"{name}: not UTF-8 text ({cause(error)}); convert the file to UTF-8") from None
    except read_errors() as error:
        raise HeirloomError(f"{name}: cannot be read as {kind(file).removeprefix('.')} ({cause(error)})") from None


def _write_csv(file: Path, target: Path, name: str) -> None:
    names = _header(file)
    check_names(name, names)
    texts = target.with_name("texts.arrow")
    _write(texts, pa.schema([(name, pa.string()) for name in names]), _csv_batches(file, names))
    columns = (_csv_type(texts, number) for number in range(len(names)))
    schema = pa.schema(list(zip(names, columns, strict=True)))
    _write(target, schema, (_typed(batch, schema) for batch in _read(texts)))
    texts.unlink()


def _header(file: Path) -> list[str]:
    with pa.input_stream(file, compression="detect") as stream, TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        return next(csv.reader(text, delimiter=DELIMITERS[kind(file)]), [])


def _csv_batches(file: Path, names: list[str], block_bytes: int = BLOCK_BYTES) -> Iterator[pa.RecordBatch]:
    """Yield the rows as texts; a line that is longer than a block makes the blocks larger."""
    from pyarrow import csv as arrow_csv

    num_rows = 0
    while True:
        options = arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
        )
        parsing = arrow_csv.ParseOptions(delimiter=DELIMITERS[kind(file)], newlines_in_values=True)
        reading = arrow_csv.ReadOptions(block_size=block_bytes, column_names=names, skip_rows=1)
        skipped = num_rows
        try:
            with pa.input_stream(file, compression="detect") as stream:
                for batch in arrow_csv.open_csv(stream, reading, parsing, options):
                    fresh = batch.slice(min(skipped, batch.num_rows))
                    skipped -= batch.num_rows - fresh.num_rows
                    num_rows += fresh.num_rows
                    yield fresh
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error) or block_bytes >= LARGEST_BLOCK:
                raise
            block_bytes *= 4
        else:
            return


def _csv_type(texts: Path, number: int) -> pa.DataType:
    """Return the narrowest type that all cells of a column have."""
    for candidate in _CSV_TYPES:
        if all(is_lossless(batch.column(number), candidate) for batch in _read(texts)):
            return candidate
    return pa.string()


def _typed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _write_json(file: Path, target: Path, name: str) -> None:
    schema = pa.schema([])
    for number, chunk in enumerate(_lines(file)):
        first = chunk.lstrip()[:1].decode("latin-1")
        if not number and first not in ("", "{", "\xef"):  # a mark of UTF-8 may stand first
            raise HeirloomError(f"{name}: begins with {first!a}; each line must be an object, as in {{'text': 'one'}}")
        fields = map(_with_texts, _json_table(chunk).schema)
        schema = pa.unify_schemas([schema, pa.schema(fields)], promote_options="permissive")
    _write(target, schema, _json_batches(file, schema, name))


def _json_batches(file: Path, schema: pa.Schema, name: str) -> Iterator[pa.RecordBatch]:
    for chunk in _lines(file):
        table = _json_table(chunk, schema)
        whole_numbers.check(chunk, table, name)
        yield from table.to_batches()


def _with_texts(field: pa.Field) -> pa.Field:
    """Return a field with texts, at every depth, where Arrow has read texts as moments: two spellings of one moment are two texts."""
    kind = field.type
    if pa.types.is_timestamp(kind):
        return field.with_type(pa.string())
    if pa.types.is_struct(kind):
        return field.with_type(pa.struct(list(map(_with_texts, kind.fields))))
    if pa.types.is_list(kind):
        return field.with_type(pa.list_(_with_texts(kind.value_field)))
    return field


def _json_table(chunk: bytes, schema: pa.Schema | None = None) -> pa.Table:
    from pyarrow import json as arrow_json

    reading = arrow_json.ReadOptions(block_size=len(chunk) + 1, use_threads=False)
    table = arrow_json.read_json(pa.BufferReader(chunk), reading, arrow_json.ParseOptions(explicit_schema=schema))
    return table if schema is None else table.select(schema.names).cast(schema)


def _lines(file: Path) -> Iterator[bytes]:
    """Yield whole lines, about a block of them at a time."""
    rest = b""
    with pa.input_stream(file, compression="detect") as stream:
        while block := stream.read(BLOCK_BYTES):
            lines, newline, tail = block.rpartition(b"\n")
            if newline:
                yield rest + lines + newline
                rest = tail
            else:
                rest += tail
    if rest.strip():
        yield rest


def _write(file: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    with pa.ipc.new_stream(str(file), schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _read(file: Path) -> Iterator[pa.RecordBatch]:
    with pa.ipc.open_stream(pa.memory_map(str(file))) as reader:
        yield from reader
