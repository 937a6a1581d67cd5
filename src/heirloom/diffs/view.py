"""How the columns of a side are read: which are left out, which one is the text, and which are read as another type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from heirloom.diffs.options import MAX_CELL_BYTES
from heirloom.errors import HeirloomError, listed

if TYPE_CHECKING:
    import pyarrow as pa

TEXT = "text"


@dataclass(frozen=True)
class View:
    """What is read otherwise than it is stored.

    Attributes
    ----------
    text_column
        The column that is read as ``text``; empty if it has that name already.
    ignored
        Columns that are left out.
    casts
        Column → the type that its values are read as.
    max_cell_bytes
        A cell that takes more is refused.
    """

    text_column: str = ""
    ignored: frozenset[str] = frozenset()
    casts: Mapping[str, pa.DataType] = field(default_factory=dict)
    max_cell_bytes: int = MAX_CELL_BYTES

    def stored_name(self, column: str) -> str:
        """Return the name that a column has in the file."""
        return self.text_column if column == TEXT and self.text_column else column

    def schema(self, stored: pa.Schema, name: str) -> pa.Schema:
        """Return the columns of a side as they are read.

        Raises
        ------
        HeirloomError
            If there is no such column of text, another column is named text, or no column is left.
        """
        import pyarrow as pa

        if self.text_column and self.text_column not in stored.names:
            raise HeirloomError(f"--text-column {self.text_column}: {name} has no such column; it has {listed(stored.names)}")
        is_taken = self.text_column not in ("", TEXT) and TEXT in stored.names
        if is_taken and TEXT not in self.ignored:
            raise HeirloomError(f"--text-column {self.text_column}: {name} has a column text as well; leave it out with --ignore text")
        fields = [self._field(one) for one in stored if one.name not in self.ignored]
        if not fields:
            raise HeirloomError(f"--ignore: no column of {name} is left")
        return pa.schema(fields)

    def batch(self, batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
        """Return some columns of rows, by the names and in the types that they are read as."""
        import pyarrow as pa

        arrays = [batch.column(self.stored_name(name)) for name in columns]
        casts = [self.casts.get(name) for name in columns]
        values = [_cast(array, cast) for array, cast in zip(arrays, casts, strict=True)]
        return pa.RecordBatch.from_arrays(values, list(columns))

    def _field(self, stored: pa.Field) -> pa.Field:
        name = TEXT if self.text_column and stored.name == self.text_column else stored.name
        cast = self.casts.get(name)
        return stored.with_name(name).with_type(cast) if cast else stored.with_name(name)


def _cast(column: pa.Array, target: pa.DataType | None) -> pa.Array:
    from heirloom.data import arrow_columns

    return arrow_columns.bare_values(column).cast(target) if target else column
