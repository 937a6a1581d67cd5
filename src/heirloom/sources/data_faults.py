"""Faults in the files that `datasets` reads: those that it would pass over are found before, those that it stops at are named after."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any

from heirloom.errors import HeirloomError
from heirloom.sources import faults

MOST_JSON_BYTES = 1 << 24
"""A .json file is read whole for its first row; a larger one is left to the job."""

_KEY = "source.dataset"
_FIELDS = re.compile(r"Expected (?P<few>\d+) fields in line (?P<line>\d+), saw (?P<many>\d+)")
_QUOTE = re.compile(r"EOF inside string starting at row (?P<row>\d+)")


def check(reader: str, options: Mapping[str, Any], files: Sequence[Path], column: str) -> None:
    """Refuse files in which rows have no text where their reader would make some up, drop it, or end the process.

    Parameters
    ----------
    reader, options
        The reader of the files' format (`data_layouts.Resolution`), and what a dataset card says of how to read them.
    column
        The column of text.

    Raises
    ------
    HeirloomError
        With the file, its line or row, and what is wrong.
    """
    for path in filter(faults.is_readable_here, files):
        check_cheaply(path, column)
        if reader == "json" and "field" not in options:
            for place, row in json_rows(path, column):
                faults.text_of(row, column, place)
        elif reader in ("csv", "text") and "encoding" not in options:
            _check_plain(path)


def check_cheaply(path: Path, column: str | None) -> None:
    """Refuse what a file's size, the footer of a Parquet file, or the first line of a .jsonl file tells.

    Raises
    ------
    HeirloomError
        Naming the file.
    """
    if path.stat().st_size == 0:
        raise HeirloomError(f"{_KEY}: {path} is empty")
    if path.suffix == ".parquet":
        faults.check_parquet(path, column, _KEY)
    elif path.suffix == ".jsonl" and column is not None:
        for place, row in islice(json_rows(path, column), 1):
            faults.text_of(row, column, place)


def explanation(reader: str, options: Mapping[str, Any], files: Sequence[Path]) -> HeirloomError | None:
    """Return the first fault of some files that `datasets` could not read, None where they look sound."""
    for path in filter(faults.is_readable_here, files):
        try:
            check_cheaply(path, None)
            _read_strictly(reader, options, path)
        except HeirloomError as fault:
            return fault
        except Exception as reason:  # noqa: BLE001  readers share no narrower base
            return HeirloomError(f"{path}: {faults.cause(reason)}")
    return None


def json_rows(path: Path, unique_key: str | None = None) -> Iterator[tuple[str, Any]]:
    """Yield place and value of each row: of one object per line, of a list of objects, or of columns of values.

    Parameters
    ----------
    unique_key
        The key that no object may have twice; None if that is any key.

    Raises
    ------
    HeirloomError
        With the file and line, if it is no JSON.
    """
    lines = faults.lines_of(path)
    numbered_lines = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    first_number, first_line = next(numbered_lines, (1, "[]"))
    if first_line.lstrip().startswith("{") and first_line.rstrip().endswith("}"):
        for number, line in chain([(first_number, first_line)], numbered_lines):
            yield f"{path}:{number}", faults.parse(line, path, number, unique_key)
        return
    content = faults.parse(first_line + "".join(lines), path, first_number, unique_key)
    for row, value in enumerate(_rows_of(content), 1):
        yield f"{path}, row {row}", value


def _rows_of(content: Any) -> list[Any]:
    """Return the rows of a JSON file: its list, or its columns transposed; none where it is neither."""
    if isinstance(content, dict):
        columns = {name: values for name, values in content.items() if isinstance(values, list)}
        return [dict(zip(columns, row, strict=True)) for row in zip_longest(*columns.values())]
    return content if isinstance(content, list) else []


def _read_json(path: Path) -> None:
    """Read JSON as strictly as Arrow does: objects alone, no key twice, and whole characters in all columns."""
    for place, row in json_rows(path):
        if not isinstance(row, dict):
            raise HeirloomError(f"{place}: a {type(row).__name__}; each row must be an object")
        faults.check_characters(row, place)


def _check_plain(path: Path) -> None:
    for number, line in enumerate(faults.lines_of(path), 1):
        faults.check_plain(line, path, number)


def _read_strictly(reader: str, options: Mapping[str, Any], path: Path) -> None:
    match reader:
        case "parquet":
            _read_parquet(path)
        case "json":
            _read_json(path)
        case "csv":
            _read_csv(options, path)
        case "text":
            _check_plain(path)


def _read_parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches():
                pass
    except (OSError, pa.ArrowException) as error:
        raise faults.damaged_parquet(path, None, error) from None


def _read_csv(options: Mapping[str, Any], path: Path) -> None:
    import pandas as pd
    from datasets.packaged_modules.csv.csv import CsvConfig

    declared = {name: value for name, value in options.items() if name != "features"}
    if "encoding" not in options:
        _check_plain(path)
    try:
        with pd.read_csv(path, iterator=True, **CsvConfig(**declared).pd_read_csv_kwargs) as blocks:
            for _ in blocks:
                pass
    except pd.errors.ParserError as error:
        raise _fault_of_csv(path, faults.cause(error)) from None


def _fault_of_csv(path: Path, reason: str) -> HeirloomError:
    """Return what pandas says of a file, which counts lines from one and rows from none, with the line that it means."""
    fields = _FIELDS.search(reason)
    if fields is not None:
        return HeirloomError(f"{path}:{fields['line']}: {fields['many']} fields, and {fields['few']} in the lines above")
    quote = _QUOTE.search(reason)
    if quote is not None:
        return HeirloomError(f"{path}:{int(quote['row']) + 1}: a quotation mark that is never closed")
    return HeirloomError(f"{path}: {reason}")
