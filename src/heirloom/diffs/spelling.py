"""Whether texts spell values of a type, so that nothing is lost if the values are read instead."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_ZEROS = r"(\.[0-9]*?)0+$"
_POINT = r"\.$"


def is_lossless(column: pa.Array, target: pa.DataType) -> bool:
    """Return whether every text of a column spells a value of a type as Arrow does, so that the value gives the text back.

    A float or a time may have more zeros at its end, and a boolean capitals: "7" is 7 and "0.10" is 0.1, but "007" is no whole number.
    """
    try:
        texts = column.cast(pa.large_string())
        spelled_again = texts.cast(target).cast(pa.large_string())
    except pa.ArrowException:
        return False
    if pa.types.is_boolean(target):
        texts = pc.utf8_lower(texts)
    if pa.types.is_floating(target) or pa.types.is_temporal(target):
        texts, spelled_again = _without_zeros(texts), _without_zeros(spelled_again)
    return bool(pc.all(pc.equal(texts, spelled_again)).as_py() in (True, None))


def _without_zeros(texts: pa.Array) -> pa.Array:
    shorter = pc.replace_substring_regex(texts, _ZEROS, r"\1")
    return pc.replace_substring_regex(shorter, _POINT, "")
