"""Cells of any type as 64-bit hashes: equal values have equal hashes, whatever the width, unit or layout they are stored in.

A null is equal to a null only, NaN to NaN, minus zero to zero, 1 to 1.0; true is not 1, a date is no time. Shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heirloom.data import arrow_columns
from heirloom.diffs.cells import Hashes, ends

_TRUTH, _LARGE, _FLOAT, _DATE, _LIST, _STRUCT = map(np.uint64, range(1, 7))
_TIMES = {"timestamp": 7, "local timestamp": 8, "time": 9, "duration": 10}
_MISSING = np.uint64(0x6E756C6C_63656C6C)  # spells "nullcell"
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_INT64 = 1 << 63


def mixed(values: NDArray[Any]) -> Hashes:
    """Return well-spread hashes of 64-bit numbers (Steele et al. 2014, SplitMix64); different numbers have different hashes."""
    bits = values.astype(np.uint64, copy=True)
    bits += np.uint64(0x9E3779B97F4A7C15)
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    return np.asarray(bits ^ (bits >> np.uint64(31)))


def hashes(column: pa.Array) -> Hashes:
    """Return one hash a cell, shape (N,)."""
    column = arrow_columns.bare_values(column)
    kind = arrow_columns.shape(column.type)
    if kind == "nothing":
        return np.full(len(column), _MISSING)
    cell_hashes = _VALUES[str(kind)](column)
    if column.null_count:
        is_null = column.is_null().to_numpy(zero_copy_only=False)
        cell_hashes[is_null] = _MISSING
    return cell_hashes


def record_hashes(batch: pa.RecordBatch) -> Hashes:
    """Return one hash a row over named cells, shape (N,); the order of the columns does not matter."""
    total = np.zeros(batch.num_rows, np.uint64)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        total += mixed(hashes(column) ^ _name_hash(name))
    return total


def _truth(column: pa.Array) -> Hashes:
    return _tagged(_filled(column, fill=False).astype(np.uint64), _TRUTH)


def _integer(column: pa.Array) -> Hashes:
    numbers = _filled(column, 0)
    number_hashes = mixed(numbers.astype(np.int64).view(np.uint64))
    if numbers.dtype == np.uint64:
        is_large = numbers >= _INT64
        number_hashes[is_large] = _tagged(numbers[is_large], _LARGE)
    return number_hashes


def _float(column: pa.Array) -> Hashes:
    numbers = _filled(column, 0.0).astype(np.float64)
    is_integer = (np.abs(numbers) < float(_INT64)) & (np.trunc(numbers) == numbers)
    numbers[np.isnan(numbers)] = np.nan
    number_hashes = _tagged(numbers.view(np.uint64), _FLOAT)
    integers = numbers[is_integer].astype(np.int64)
    number_hashes[is_integer] = mixed(integers.view(np.uint64))
    return number_hashes


def _decimal(column: pa.Array) -> Hashes:
    wide = column.cast(pa.decimal256(76, column.type.scale))
    return _each_once(wide, _decimal_hashes)


def _decimal_hashes(values: pa.Array) -> Hashes:
    return np.array([_decimal_hash(value) for value in values.to_pylist()], np.uint64)


def _decimal_hash(value: Decimal) -> np.uint64:
    """Return the hash of the equal whole number or float, where there is one."""
    if value == value.to_integral_value() and abs(value) < _INT64:
        return hashes(pa.array([int(value)], pa.int64()))[0]
    if Decimal(float(value)) == value:
        return hashes(pa.array([float(value)], pa.float64()))[0]
    return hashes(pa.array([f"decimal {value.normalize():e}"]))[0]


def _bytes(column: pa.Array) -> Hashes:
    return _each_once(column.cast(pa.large_binary()), _byte_hashes)


def _byte_hashes(values: pa.Array) -> Hashes:
    from xxhash import xxh3_64_intdigest

    return np.fromiter(map(xxh3_64_intdigest, values.to_pylist()), np.uint64, len(values))


def _each_once(column: pa.Array, hashes_of: Callable[[pa.Array], Hashes]) -> Hashes:
    """Hash each different value once: labels and categories repeat; nulls get the hash of whatever value comes first."""
    coded = column.dictionary_encode()
    if not len(coded.dictionary):
        return np.zeros(len(column), np.uint64)
    dictionary_hashes = hashes_of(coded.dictionary)
    return np.asarray(dictionary_hashes[_filled(coded.indices, 0)])


def _date(column: pa.Array) -> Hashes:
    days = _filled(column.cast(pa.date32()).cast(pa.int32()), 0).astype(np.int64)
    return _tagged(days.view(np.uint64), _DATE)


def _time(column: pa.Array) -> Hashes:
    time_type = column.type
    per_second = _PER_SECOND[time_type.unit]
    integer_type = pa.int32() if pa.types.is_time32(time_type) else pa.int64()
    ticks = _filled(column.cast(integer_type), 0).astype(np.int64)
    seconds, fractions = np.divmod(ticks, per_second)
    nanoseconds = fractions * (10**9 // per_second)
    bits = mixed(seconds.view(np.uint64)) ^ nanoseconds.view(np.uint64)
    return _tagged(bits, np.uint64(_TIMES[_sort_of_time(time_type)]))


def _sort_of_time(time_type: pa.DataType) -> str:
    if pa.types.is_timestamp(time_type):
        return "timestamp" if time_type.tz else "local timestamp"
    return "time" if pa.types.is_time(time_type) else "duration"


def _list(column: pa.Array) -> Hashes:
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offsets = ends(lengths)
    places = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    element_hashes = mixed(hashes(column.flatten()) + mixed(places.view(np.uint64)))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(element_hashes, dtype=np.uint64)])
    list_sums = sums[offsets[1:]] - sums[offsets[:-1]]
    return _tagged(list_sums + mixed(lengths.astype(np.uint64)), _LIST)


def _struct(column: pa.Array) -> Hashes:
    names = [column.type.field(number).name for number in range(column.type.num_fields)]
    if not names:
        return _tagged(np.zeros(len(column), np.uint64), _STRUCT)
    fields = pa.RecordBatch.from_arrays(column.flatten(), names)
    return _tagged(record_hashes(fields), _STRUCT)


def _tagged(values: NDArray[Any], tag: np.uint64) -> Hashes:
    """Return hashes of values of one kind, apart from those of whole numbers."""
    return mixed(mixed(values) ^ mixed(np.array([tag])))


def _name_hash(name: str) -> np.uint64:
    from xxhash import xxh3_64_intdigest

    return np.uint64(xxh3_64_intdigest(name.encode()))


def _filled(column: pa.Array, fill: Any) -> NDArray[Any]:
    """Return numbers with something in place of nulls, in an array of their own."""
    if column.null_count:
        column = pc.if_else(column.is_null(), pa.scalar(fill, column.type), column)
    return np.array(column.to_numpy(zero_copy_only=False))


_VALUES = {
    "truth": _truth,
    "whole": _integer,
    "float": _float,
    "decimal": _decimal,
    "bytes": _bytes,
    "date": _date,
    "time": _time,
    "list": _list,
    "struct": _struct,
}
