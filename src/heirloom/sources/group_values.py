"""Groups of documents: what the row of each says in a column, as the name of its group.

A name stands in the names of measures, in tables and on the page, so it is short, printable, and one of few.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom.errors import HeirloomError, short
from heirloom.sources import data_faults

if TYPE_CHECKING:
    import pyarrow as pa

KEY = "groups.column"
MOST_GROUPS = 100
LONGEST_NAME = 100
ALLOWED = f"text, booleans or whole numbers, of one kind in all rows and at most {MOST_GROUPS} different ones"
_KINDS: Mapping[type, str] = {str: "text", bool: "a boolean", int: "a whole number"}
_HEADED = (".parquet", ".jsonl", ".json")
_WITHOUT_COLUMNS = (".txt", ".raw")


class Values:
    """The values of a column, looked at one by one.

    Parameters
    ----------
    column
        None where no groups are asked for: each value is then None.
    """

    def __init__(self, column: str | None) -> None:
        self.columns = [] if column is None else [column]
        self._kind: type | None = None
        self._names: set[str] = set()

    def of_row(self, row: Any, place: str) -> str | None:
        """Return the group of a row of JSON.

        Raises
        ------
        HeirloomError
            If the row lacks the column, or its value is not as `ALLOWED` says.
        """
        for column in self.columns:
            if not isinstance(row, dict) or column not in row:
                has = ", ".join(map(str, row)) if isinstance(row, dict) else f"a {type(row).__name__}"
                raise HeirloomError(f"{KEY}: {place} has no column {column!r}; it has {short(has, 300)}")
            return self._name(row[column], f"{KEY}: {place}: {column!r}")
        return None

    def of_batch(self, batch: pa.RecordBatch, place: str, first_row: int) -> list[str | None]:
        """Return the group of each row of Arrow; ``first_row`` is the number of the first one in its file. Errors as for `of_row`."""
        names: list[str | None] = [None] * batch.num_rows
        for column in self.columns:
            for number, value in enumerate(_plain_values(batch, column, place, first_row)):
                names[number] = self._name(value, f"{KEY}: {place}, row {first_row + number}: {column!r}")
        return names

    def check(self, schema: pa.Schema, place: str) -> None:
        """Refuse rows of Arrow that do not have the column once, or have lists, fractions or times in it; errors as for `of_row`."""
        for column in self.columns:
            _check_type(schema, column, place)

    def _name(self, value: Any, place: str) -> str:
        if type(value) not in _KINDS:
            what = "no value" if value is None else short(repr(value), 40)
            raise HeirloomError(f"{place} holds {what}; allowed are {ALLOWED}")
        self._kind = self._kind or type(value)
        if type(value) is not self._kind:
            found, first = _KINDS[type(value)], _KINDS[self._kind]
            raise HeirloomError(f"{place} holds {found}, and the rows before {first}; allowed are {ALLOWED}")
        name = str(value).lower() if isinstance(value, bool) else str(value)
        if name not in self._names:
            self._take(name, place)
        return name

    def _take(self, name: str, place: str) -> None:
        """Refuse a name that measures cannot have, or that is one too many."""
        is_whole = name == name.strip() and 0 < len(name) <= LONGEST_NAME
        if not is_whole or not name.isprintable() or "/" in name or "\\" in name:
            rule = f"1 to {LONGEST_NAME} printable characters, without slashes and without spaces at the ends"
            raise HeirloomError(f"{place} holds {short(repr(name), 60)}; the name of a group has {rule}")
        if len(self._names) == MOST_GROUPS:
            raise HeirloomError(f"{place} holds {short(repr(name), 60)}, the {MOST_GROUPS + 1}st value; allowed are {ALLOWED}")
        self._names.add(name)


def check_header(path: Path, column: str) -> None:
    """Refuse a file whose suffix, footer or first row tells that its rows have no group.

    Raises
    ------
    HeirloomError
        With the file and what is allowed.
    """
    if path.suffix in _WITHOUT_COLUMNS:
        raise HeirloomError(f"{KEY}: {path} has no columns; groups by column are read from {', '.join(_HEADED)}")
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        Values(column).check(pq.read_schema(path), str(path))
    elif path.suffix == ".jsonl" or (path.suffix == ".json" and path.stat().st_size <= data_faults.MOST_JSON_BYTES):
        for place, row in islice(data_faults.json_rows(path), 1):
            Values(column).of_row(row, place)


def _check_type(schema: pa.Schema, column: str, place: str) -> None:
    from heirloom.data import arrow_columns

    times = schema.names.count(column)
    if times != 1:
        has = short(", ".join(schema.names), 300)
        raise HeirloomError(f"{KEY}: {place} has {times or 'no'} column{'s' if times > 1 else ''} {column!r}; it has {has}")
    kind = schema.field(column).type
    if arrow_columns.shape(kind) not in ("bytes", "truth", "whole", "nothing"):
        raise HeirloomError(f"{KEY}: {place}: {column!r} holds {kind}; allowed are {ALLOWED}")


def _plain_values(batch: pa.RecordBatch, column: str, place: str, first_row: int) -> list[Any]:
    """Return a column as Python values."""
    from heirloom.data import arrow_columns

    _check_type(batch.schema, column, place)
    found = batch.column(batch.schema.get_field_index(column))
    if arrow_columns.shape(found.type) == "bytes":
        found = arrow_columns.texts(found, f"{KEY}: {place}: {column!r}", first_row)
    plain: list[Any] = arrow_columns.bare_values(found).to_pylist()
    return plain
