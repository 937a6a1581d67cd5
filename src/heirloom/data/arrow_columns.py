"""Columns of tables that others wrote: the Arrow types that hold the same values, read as one. `files`, `hub` and `diff` read so.

Text is text in whatever layout it lies (string, large_string, string_view, a dictionary of these, bytes that are UTF-8); whole
numbers of all widths are one kind, and so are floats, lists in their five layouts, times in all units.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from heirloom.errors import HeirloomError

Shape = Literal["nothing", "truth", "whole", "float", "decimal", "bytes", "date", "time", "list", "struct"]

TEXT_TYPES = "text (string, large_string, string_view, binary that is UTF-8, or a dictionary of these)"
TYPES = "numbers, booleans, text, bytes, dates, times, and lists, structs, maps or dictionaries of these"

_TEST = pa.types
_TEXT = (_TEST.is_string, _TEST.is_large_string, _TEST.is_string_view)
_BYTES = (_TEST.is_binary, _TEST.is_large_binary, _TEST.is_binary_view, _TEST.is_fixed_size_binary)
_LISTS = (_TEST.is_list, _TEST.is_large_list, _TEST.is_fixed_size_list, _TEST.is_list_view, _TEST.is_large_list_view, _TEST.is_map)
_SHAPES: dict[Shape, tuple[object, ...]] = {
    "nothing": (_TEST.is_null,),
    "truth": (_TEST.is_boolean,),
    "whole": (_TEST.is_integer,),
    "float": (_TEST.is_floating,),
    "decimal": (_TEST.is_decimal,),
    "bytes": (*_TEXT, *_BYTES),
    "date": (_TEST.is_date,),
    "time": (_TEST.is_timestamp, _TEST.is_time, _TEST.is_duration),
    "list": _LISTS,
    "struct": (_TEST.is_struct,),
}


def bare_type(arrow_type: pa.DataType) -> pa.DataType:
    """Return the type of the values: without dictionary, run lengths, or the name that an extension gives them."""
    if isinstance(arrow_type, pa.BaseExtensionType):
        return bare_type(arrow_type.storage_type)
    if pa.types.is_dictionary(arrow_type) or pa.types.is_run_end_encoded(arrow_type):
        return bare_type(arrow_type.value_type)
    return arrow_type


def shape(arrow_type: pa.DataType) -> Shape | None:
    """Return what values of a type are; None for a type that is not read."""
    bare = bare_type(arrow_type)
    for name, tests in _SHAPES.items():
        if any(test(bare) for test in tests):  # type: ignore[operator]
            return name
    return None


def check(field: pa.Field, place: str) -> None:
    """Refuse a column of a type that is not read, or that holds one.

    Raises
    ------
    HeirloomError
        Naming the place, the column, the type, and what is allowed.
    """
    if not _is_readable(field.type):
        raise HeirloomError(f"{place}: column {field.name!r} holds {field.type}; allowed are {TYPES}")


def is_text(arrow_type: pa.DataType) -> bool:
    """Return whether a type can hold text; a column of nulls alone is text that is missing."""
    return shape(arrow_type) in ("bytes", "nothing")


def is_list_of_numbers(arrow_type: pa.DataType, *, only_whole: bool = False) -> bool:
    """Return whether a type is a list of numbers, of whole ones where asked."""
    bare = bare_type(arrow_type)
    if shape(bare) != "list" or pa.types.is_map(bare):
        return False
    shapes = ("whole",) if only_whole else ("whole", "float")
    return shape(bare.value_type) in shapes


def bare_values(column: pa.Array) -> pa.Array:
    """Return the values of a column, without dictionary, run lengths or extension; lists in one layout."""
    if isinstance(column, pa.ExtensionArray):
        return bare_values(column.storage)
    if pa.types.is_dictionary(column.type):
        return bare_values(column.dictionary_decode())
    if pa.types.is_run_end_encoded(column.type):
        return bare_values(pc.run_end_decode(column))
    if pa.types.is_map(column.type):
        pair = pa.struct([pa.field("key", column.type.key_type), pa.field("value", column.type.item_type)])
        return column.cast(pa.list_(pair))
    if pa.types.is_fixed_size_list(column.type):
        return column.cast(pa.large_list(column.type.value_type))
    if pa.types.is_list_view(column.type) or pa.types.is_large_list_view(column.type):
        return _lists_in_order(column)
    return column


def movable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows without views and run lengths in their columns: Arrow cannot take some rows of those."""
    stored_columns = batch.columns
    columns = [_plain_layout(column) for column in stored_columns]
    is_plain = all(plain is column for plain, column in zip(columns, stored_columns, strict=True))
    return batch if is_plain else pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _plain_layout(column: pa.Array) -> pa.Array:
    kind = column.type
    if _TEST.is_string_view(kind):
        return column.cast(pa.large_string())
    if _TEST.is_binary_view(kind):
        return column.cast(pa.large_binary())
    is_odd = _TEST.is_list_view(kind) or _TEST.is_large_list_view(kind) or _TEST.is_run_end_encoded(kind)
    return bare_values(column) if is_odd else column


def raw_text(column: pa.Array, place: str) -> pa.LargeBinaryArray:
    """Return a text column as bytes, UTF-8 or not, nulls as they are.

    Raises
    ------
    HeirloomError
        If the column holds no text.
    """
    if not is_text(column.type):
        raise HeirloomError(f"{place} holds {column.type}; allowed is {TEXT_TYPES}")
    return bare_values(column).cast(pa.large_binary())


def texts(column: pa.Array, place: str, first_row: int = 1) -> pa.LargeStringArray:
    """Return a text column as text, nulls as they are.

    Parameters
    ----------
    place
        File and column, for messages.
    first_row
        Number of the column's first row in the file.

    Raises
    ------
    HeirloomError
        If the column holds no text, or a row's bytes are no UTF-8.
    """
    raw = raw_text(column, place)
    try:
        return raw.cast(pa.large_string())
    except pa.ArrowInvalid:
        row = next(number for number, value in enumerate(raw.to_pylist(), first_row) if not _is_utf8(value))
        raise HeirloomError(f"{place}: row {row} holds bytes that are not UTF-8") from None


def _lists_in_order(column: pa.Array) -> pa.LargeListArray:
    """Return views of lists as lists; pyarrow 26's own cast from one to the other gives wrong offsets."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).cast(pa.int64())
    ends = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
    return pa.LargeListArray.from_arrays(ends, column.flatten(), mask=column.is_null())


def _is_readable(arrow_type: pa.DataType) -> bool:
    plain = bare_type(arrow_type)
    if pa.types.is_map(plain):
        return _is_readable(plain.key_type) and _is_readable(plain.item_type)
    if shape(plain) == "list":
        return _is_readable(plain.value_type)
    if shape(plain) == "struct":
        return all(_is_readable(plain.field(number).type) for number in range(plain.num_fields))
    return shape(plain) is not None


def _is_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True
