"""Whether two artefacts that differ in bytes have equal numbers up to rounding: what another kernel path may change.

Words, ids, kinds and shapes must be equal. Fingerprints of writers may differ, because they follow from the numbers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RELATIVE = 1e-4
"""The largest difference of two numbers, relative to the larger one, or to 1."""
_FOLLOWS = frozenset({"model"})
"""Columns that follow from numbers."""


def equal(first: Path, second: Path) -> bool:
    """Return whether two artefacts of one kind are equal within `RELATIVE`; where no number is read, whether bytes are equal."""
    if first.is_dir():
        names = sorted(file.relative_to(first) for file in first.rglob("*.safetensors"))
        same_names = names == sorted(file.relative_to(second) for file in second.rglob("*.safetensors"))
        return bool(names) and same_names and all(_equal_weights(first / name, second / name) for name in names)
    if first.suffix == ".json":
        return _equal_values(json.loads(first.read_bytes()), json.loads(second.read_bytes()))
    return _equal_rows(first, second) if first.suffix == ".parquet" else first.read_bytes() == second.read_bytes()


def _equal_values(first: Any, second: Any) -> bool:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(_equal_values(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_equal_values, first, second))
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=RELATIVE, abs_tol=RELATIVE) or (math.isnan(first) and math.isnan(second))
    return bool(first == second)


def _equal_rows(first: Path, second: Path) -> bool:
    import pyarrow.parquet as pq

    one, other = pq.read_table(first), pq.read_table(second)
    if one.column_names != other.column_names or one.num_rows != other.num_rows:
        return False
    columns = [name for name in one.column_names if name not in _FOLLOWS]
    return all(one[name].equals(other[name]) or _equal_values(one[name].to_pylist(), other[name].to_pylist()) for name in columns)


def _equal_weights(first: Path, second: Path) -> bool:
    import numpy as np
    from safetensors import safe_open

    with safe_open(first, framework="numpy") as one, safe_open(second, framework="numpy") as other:
        if set(one.keys()) != set(other.keys()):
            return False
        pairs = [(one.get_tensor(name), other.get_tensor(name)) for name in sorted(one.keys())]
    return all(a.shape == b.shape and bool(np.allclose(a, b, rtol=RELATIVE, atol=RELATIVE)) for a, b in pairs)
