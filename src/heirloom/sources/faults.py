"""Where a data file is bad: its line or row, and what is wrong there, in one line.

Libraries read in blocks, so their errors name a place inside a block or none at all; a file that failed is read again here. What they
would pass over without a word (a number or half a character in place of text, a row without the column) is looked for before they read.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from heirloom.errors import HeirloomError, short
from heirloom.runtime import child

if TYPE_CHECKING:
    import pyarrow as pa

MAX_DEPTH = 500
"""Levels of nesting that JSON may have: readers of it recurse, and end the process where they run out of stack."""

_OPENERS: Mapping[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_ARCHIVES = (".zst", ".lz4", ".zip", ".tar", ".tgz", ".7z", ".rar")  # read by `datasets` alone
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_LONG_NUMBER = re.compile(r"\d{4301,}")
_LONGEST_REASON = 300


def parse(text: str, path: Path, first_line: int = 1, unique_key: str | None = None) -> Any:
    """Return what JSON says: a line of a file, or a whole file.

    Parameters
    ----------
    path, first_line
        File, and the number of the text's first line in it, for messages.
    unique_key
        The key that no object may have twice; None if that is any key.

    Raises
    ------
    HeirloomError
        If it is no JSON, is nested too deep, or has a number that is too long; with the line.
    """
    check_depth(text, path, first_line)
    try:
        return _decoder(unique_key).decode(text)
    except json.JSONDecodeError as error:
        place = f"{path}:{first_line + error.lineno - 1}"
        raise HeirloomError(f"{place}: not JSON ({error.msg.removesuffix(' at')} at column {error.colno})") from None
    except _TwiceError as error:
        line = "" if "\n" in text.rstrip() else f":{first_line}"
        raise HeirloomError(f"{path}{line}: the key {error.args[0]!r} stands twice in one object; keep one of the two") from None
    except ValueError:
        number = _LONG_NUMBER.search(text)
        place = f"{path}:{first_line + text.count(chr(10), 0, number.start() if number else 0)}"
        raise HeirloomError(f"{place}: not JSON that can be read (a number of more than 4,300 digits)") from None


def check_depth(text: str, path: Path, first_line: int = 1) -> None:
    """Refuse JSON that is nested too deep to be read.

    Raises
    ------
    HeirloomError
        With the line, and what is allowed.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match.group(), 0)
        if depth > MAX_DEPTH:
            line = first_line + text.count("\n", 0, match.start())
            raise HeirloomError(f"{path}:{line}: JSON nested more than {MAX_DEPTH} deep; write it flatter")


def text_of(row: Any, column: str, place: str) -> str | None:
    """Return the text of a row of JSON, None for a null.

    Raises
    ------
    HeirloomError
        If the row is no object, lacks the column, or holds something else there.
    """
    if not isinstance(row, dict) or column not in row:
        has = ", ".join(map(str, row)) if isinstance(row, dict) else f"a {type(row).__name__}"
        raise HeirloomError(f"source.text_column: {place} has no {column!r}; it has {short(has, _LONGEST_REASON)}")
    text = row[column]
    if text is not None and not isinstance(text, str):
        raise HeirloomError(f"source.text_column: {place}: {column!r} holds {text!r:.40}, which is no text")
    if _has_half_character(text or ""):
        raise HeirloomError(f"source.text_column: {place}: {column!r} holds half a character (a lone surrogate)")
    return text


def check_characters(row: Any, place: str) -> None:
    """Refuse JSON with half a character anywhere in it.

    Raises
    ------
    HeirloomError
        With the place.
    """
    if _has_half_character(json.dumps(row, ensure_ascii=False)):
        raise HeirloomError(f"{place}: half a character (a lone surrogate) in a key or value")


def check_plain(text: str, path: Path, first_line: int = 1) -> None:
    """Refuse plain text with a NUL in it, which is text in another encoding, or no text.

    Raises
    ------
    HeirloomError
        With the line.
    """
    start = text.find("\0")
    if start >= 0:
        line = first_line + text.count("\n", 0, start)
        raise HeirloomError(f"{path}:{line}: a NUL, which no text has; if the file is UTF-16, convert it (iconv -f UTF-16 -t UTF-8)")


def not_utf8(path: Path) -> HeirloomError:
    """Return the error that names the first line of a file that is no UTF-8."""
    with open_bytes(path) as lines:
        for number, line in enumerate(lines, 1):
            if number == 1 and line.startswith(_UTF16):
                return HeirloomError(f"{path}: not UTF-8 text but UTF-16; convert it (iconv -f UTF-16 -t UTF-8)")
            try:
                line.decode()
            except UnicodeDecodeError as error:
                what = f"the byte 0x{line[error.start]:02x} at column {error.start + 1}: {error.reason}"
                return HeirloomError(f"{path}:{number}: not UTF-8 text ({what}); convert the file to UTF-8")
    return HeirloomError(f"{path}: not UTF-8 text; convert the file to UTF-8")


def damaged_parquet(path: Path, columns: Iterable[str] | None, error: BaseException) -> HeirloomError:
    """Return the error that names the rows of a Parquet file that cannot be read.

    Parameters
    ----------
    columns
        Those that were read; None for all.
    error
        What reading them ended in, for a file whose parts can be read one by one.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = 1
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        names = file.schema_arrow.names if columns is None else list(columns)
        for group in range(file.metadata.num_row_groups):
            next_row = row + file.metadata.row_group(group).num_rows
            for name in names:
                try:
                    file.read_row_group(group, columns=[name]).validate(full=True)
                except (OSError, pa.ArrowException) as reason:
                    where = f"rows {row} to {next_row - 1} (row group {group})"
                    return HeirloomError(f"{path}: column {name!r} is damaged in {where}: {cause(reason)}; fetch or write the file anew")
            row = next_row
    return HeirloomError(f"{path}: damaged ({cause(error)}); fetch or write the file anew")


def check_parquet(path: Path, column: str | None, key: str) -> None:
    """Refuse a file whose footer says that it cannot be a source: unreadable, without rows, without the column of text.

    Raises
    ------
    HeirloomError
        Naming the file and what it has.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    child.opening(path)
    try:
        with pq.ParquetFile(path) as file:
            schema, num_rows = file.schema_arrow, file.metadata.num_rows
    except (OSError, pa.ArrowException) as error:
        raise HeirloomError(f"{path}: no readable Parquet file ({cause(error)})") from None
    if column is not None:
        _check_text_column(schema, column, path, key)
    if num_rows == 0:
        raise HeirloomError(f"{key}: {path} has no rows")


def _check_text_column(schema: pa.Schema, column: str, path: Path, key: str) -> None:
    from heirloom.data import arrow_columns

    names = schema.names
    times = names.count(column)
    if times == 0:
        raise HeirloomError(f"source.text_column: {path} has no column {column!r}; it has {short(', '.join(names), _LONGEST_REASON)}")
    if times > 1:
        raise HeirloomError(f"{key}: {path}: {times} columns are named {column!r}; rename all but one of them")
    kind = schema.field(column).type
    if not arrow_columns.is_text(kind):
        raise HeirloomError(f"source.text_column: {path}: {column!r} holds {kind}; allowed is {arrow_columns.TEXT_TYPES}")


def cause(error: BaseException) -> str:
    """Return the innermost reason of an error in one line of bounded length."""
    while error.__cause__ is not None:
        error = error.__cause__
    words = " ".join(str(error).split())
    return short(words, _LONGEST_REASON) if words else type(error).__name__


def open_bytes(path: Path) -> IO[bytes]:
    """Return a file's bytes, decompressed where its suffix says so."""
    stream: IO[bytes] = _OPENERS[path.suffix](path) if path.suffix in _OPENERS else path.open("rb")
    return stream


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a file of text.

    Raises
    ------
    HeirloomError
        If it cannot be decompressed, or a line is no UTF-8.
    """
    child.opening(path)
    try:
        with open_bytes(path) as lines:
            for number, line in enumerate(lines):
                yield line.decode("utf-8-sig" if number == 0 else "utf-8")
    except UnicodeDecodeError:
        raise not_utf8(path) from None
    except _BROKEN as error:
        raise HeirloomError(f"{path}: damaged ({cause(error)}); fetch it anew") from None


def is_readable_here(path: Path) -> bool:
    """Return whether a file is no archive that only `datasets` opens."""
    return path.suffix not in _ARCHIVES


class _TwiceError(ValueError):
    """A key stands twice in one object."""


@lru_cache(maxsize=4)
def _decoder(unique_key: str | None) -> json.JSONDecoder:
    """Return a decoder that refuses a key twice; kept, since making one takes longer than reading a line."""

    def row_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        row = dict(pairs)
        if len(row) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            repeated = next((key for key, count in counts.items() if count > 1 and unique_key in (None, key)), None)
            if repeated is not None:
                raise _TwiceError(repeated)
        return row

    return json.JSONDecoder(object_pairs_hook=row_of)


def _has_half_character(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
