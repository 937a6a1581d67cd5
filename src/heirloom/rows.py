"""Rows: Arrow tables of text and of vectors, each row with its ancestry; the columns are listed in `dataset`.

Columns of one repeated word (kind, model) are dictionaries, a byte a row, and become plain words on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def text_table(
    tokens: NDArray[np.int32],
    text: Sequence[str],
    *,
    first_row: int,
    born: int = 0,
    parent: Sequence[int] | None = None,
    model: str | None = None,
) -> pa.Table:
    """Return text rows: real ones without ``parent`` and ``model``, synthetic ones with both.

    Parameters
    ----------
    tokens
        Array of shape (N, W).
    text
        The N decoded rows.
    first_row
        Id of the first row; ids are consecutive.
    """
    num_rows, width = tokens.shape
    lists = pa.FixedSizeListArray.from_arrays(pa.array(tokens.reshape(-1), pa.int32()), width)
    ids = pa.array(np.arange(first_row, first_row + num_rows))
    return pa.table({"row": ids, "tokens": lists, "text": pa.array(text, pa.string()), **_ancestry(num_rows, born, parent, model)})


def vector_table(x: NDArray[np.float64], *, born: int = 0, model: str | None = None) -> pa.Table:
    """Return vectors of shape (R, N, W) as rows sorted by replica; synthetic ones name the model that drew them."""
    num_replicas, num_rows, width = x.shape
    replica, row = _replica_and_row(num_replicas, num_rows)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(x).reshape(-1)), width)
    return pa.table({"replica": replica, "row": row, "x": lists, **_ancestry(len(row), born, None, model)})


@lru_cache(maxsize=8)
def _replica_and_row(num_replicas: int, num_rows: int) -> tuple[pa.Array, pa.Array]:
    replica = np.repeat(np.arange(num_replicas, dtype=np.int32), num_rows)
    return pa.array(replica), pa.array(np.tile(np.arange(num_rows), num_replicas))


def _ancestry(num_rows: int, born: int, parent: Sequence[int] | None, model: str | None) -> dict[str, pa.Array]:
    return {
        "kind": _constant(num_rows, "real" if model is None else "synthetic"),
        "born": pa.array(np.full(num_rows, born, np.int32)),
        "parent": pa.nulls(num_rows, pa.int64()) if parent is None else pa.array(parent, pa.int64()),
        "model": _constant(num_rows, model),
    }


def _constant(num_rows: int, value: str | None) -> pa.Array:
    """Return a column of one repeated word at a byte a row."""
    if value is None:
        return pa.nulls(num_rows, pa.dictionary(pa.int8(), pa.string()))
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(num_rows, np.int8)), pa.array([value]))
