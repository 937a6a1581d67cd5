"""Cells that count as equal though their numbers differ a little: numbers, and numbers in lists and structs.

Shapes: N pairs of cells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heirloom.data import arrow_columns
from heirloom.diffs import values

_NUMBERS = ("whole", "float", "decimal")

Flags = NDArray[np.bool_]


def has_numbers(arrow_type: pa.DataType) -> bool:
    """Return whether cells of a type are numbers or hold some."""
    bare = arrow_columns.bare_type(arrow_type)
    shape = arrow_columns.shape(bare)
    if shape == "list" and not pa.types.is_map(bare):
        return has_numbers(bare.value_type)
    if shape == "struct":
        return any(has_numbers(bare.field(number).type) for number in range(bare.num_fields))
    return shape in _NUMBERS


def differ(a: pa.Array, b: pa.Array, tolerance: float) -> Flags:
    """Return which cells of two columns differ by more than a tolerance, shape (N,); what is no number differs unless it is equal.

    A null equals a null alone, and NaN equals NaN alone.
    """
    a, b = arrow_columns.bare_values(a), arrow_columns.bare_values(b)
    shape_a, shape_b = arrow_columns.shape(a.type), arrow_columns.shape(b.type)
    one_is_null = _mask(a.is_null()) != _mask(b.is_null())
    if shape_a in _NUMBERS and shape_b in _NUMBERS:
        return one_is_null | _numbers_differ(a, b, tolerance)
    if shape_a == shape_b == "list" and not (pa.types.is_map(a.type) or pa.types.is_map(b.type)):
        return one_is_null | _lists_differ(a, b, tolerance)
    if shape_a == shape_b == "struct" and _fields(a.type) == _fields(b.type):
        return one_is_null | _structs_differ(a, b, tolerance)
    return np.asarray(values.hashes(a) != values.hashes(b))


def _numbers_differ(a: pa.Array, b: pa.Array, tolerance: float) -> Flags:
    numbers_a, numbers_b = _numbers(a), _numbers(b)
    with np.errstate(invalid="ignore"):
        is_far = ~(np.abs(numbers_a - numbers_b) <= tolerance)
    is_equal = (numbers_a == numbers_b) | (np.isnan(numbers_a) & np.isnan(numbers_b))
    return np.asarray(is_far & ~is_equal)


def _lists_differ(a: pa.Array, b: pa.Array, tolerance: float) -> Flags:
    """Return which lists differ in their length or in an element."""
    lengths_a, lengths_b = _lengths(a), _lengths(b)
    differs = lengths_a != lengths_b
    rows = np.flatnonzero(~differs)
    lists_a, lists_b = a.take(pa.array(rows)), b.take(pa.array(rows))
    elements_differ = differ(lists_a.flatten(), lists_b.flatten(), tolerance)
    owners = np.repeat(rows, lengths_a[rows])
    differs[owners[elements_differ]] = True
    return differs


def _structs_differ(a: pa.Array, b: pa.Array, tolerance: float) -> Flags:
    differs = np.zeros(len(a), bool)
    fields_b = dict(zip(_names(b.type), b.flatten(), strict=True))
    for name, field_a in zip(_names(a.type), a.flatten(), strict=True):
        differs |= differ(field_a, fields_b[name], tolerance)
    return differs


def _numbers(column: pa.Array) -> NDArray[np.float64]:
    numbers = column.cast(pa.float64(), safe=False)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)


def _lengths(column: pa.Array) -> NDArray[Any]:
    return np.asarray(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False))


def _names(struct: pa.StructType) -> list[str]:
    return [struct.field(number).name for number in range(struct.num_fields)]


def _fields(struct: pa.StructType) -> set[str]:
    return set(_names(struct))


def _mask(flags: pa.BooleanArray) -> Flags:
    return np.asarray(flags.to_numpy(zero_copy_only=False))
