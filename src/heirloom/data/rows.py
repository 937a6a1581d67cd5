"""Rows: Arrow tables of text and of vectors, each row with its ancestry; the columns are listed in `dataset`.

Columns of one repeated word (kind, model) are dictionaries, a byte a row, and become plain words on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom.data.ancestry import Writer
from heirloom.data.arrow import column, numbers, strings
from heirloom.data.columns import FIRST_ANCESTORS, MEMBER


def text_table(
    tokens: NDArray[np.int32],
    text: Sequence[str],
    *,
    first_row: int,
    born: int = 0,
    parent: Sequence[int] | None = None,
    writer: Writer | None = None,
) -> pa.Table:
    """Return text rows: real ones without a writer, synthetic ones with theirs and, where they continue a prompt, with its row.

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
    lists = pa.FixedSizeListArray.from_arrays(column(tokens.reshape(-1).astype(np.int32, copy=False)), width)
    ids = column(np.arange(first_row, first_row + num_rows))
    ancestry = _ancestry(np.zeros(num_rows, np.int32), born, parent, writer)
    return pa.table({"row": ids, "tokens": lists, "text": strings(text), **ancestry})


def pair_table(
    prompts: pa.ListArray,
    prompt_text: Sequence[str],
    tokens: pa.ListArray,
    text: Sequence[str],
    stopped: NDArray[np.bool_],
    *,
    first_row: int,
    born: int = 0,
    parent: Sequence[int] | None = None,
    writer: Writer | None = None,
) -> pa.Table:
    """Return rows of a prompt and its completion: real ones without a writer, synthetic ones with theirs and the row whose prompt it was.

    Parameters
    ----------
    prompts, tokens
        Prompts and completions: N lists of int32, of any lengths; a completion's last token is the end token where it ``stopped``.
    prompt_text, text
        The N of each, decoded, without the end token.
    first_row
        Id of the first row; ids are consecutive.
    """
    num_rows = len(tokens)
    ids = column(np.arange(first_row, first_row + num_rows))
    content = {"prompt": prompts, "prompt_text": strings(prompt_text), "tokens": tokens, "text": strings(text)}
    ancestry = _ancestry(np.zeros(num_rows, np.int32), born, parent, writer)
    return pa.table({"row": ids, **content, "stopped": pa.array(stopped.tolist(), pa.bool_()), **ancestry})


def vector_table(x: NDArray[Any], *, first_row: int = 0, born: int = 0, writer: Writer | None = None) -> pa.Table:
    """Return vectors of shape (R, N, W) as rows sorted by replica, ids from ``first_row`` on; synthetic ones name their writer."""
    num_replicas, num_rows, width = x.shape
    replica, row = _replica_and_row(num_replicas, num_rows, first_row)
    lists = pa.FixedSizeListArray.from_arrays(column(x.reshape(-1)), width)
    return pa.table({"replica": replica, "row": row, "x": lists, **_ancestry(numbers(replica), born, None, writer)})


def cell_table(cells: pa.Table, *, first_row: int = 0, born: int = 0, writer: Writer | None = None) -> pa.Table:
    """Return rows of a table, ids from ``first_row`` on, with their ancestry; synthetic ones name their writer."""
    num_rows = cells.num_rows
    row = column(np.arange(first_row, first_row + num_rows))
    columns = dict(zip(cells.column_names, cells.columns, strict=True))
    return pa.table({"row": row, **columns, **_ancestry(np.zeros(num_rows, np.int32), born, None, writer)})


def unequal_text_table(
    tokens: pa.ListArray,
    text: pa.Array,
    *,
    first_row: int,
    born: int,
    parent: Sequence[int] | None,
    writer: Writer,
) -> pa.Table:
    """Return synthetic rows of text that differ in length.

    Parameters
    ----------
    tokens
        N lists of int32.
    text
        The N texts that they spell.
    """
    num_rows = len(tokens)
    ids = column(np.arange(first_row, first_row + num_rows))
    return pa.table({"row": ids, "tokens": tokens, "text": text, **_ancestry(np.zeros(num_rows, np.int32), born, parent, writer)})


@lru_cache(maxsize=8)
def _replica_and_row(num_replicas: int, num_rows: int, first_row: int) -> tuple[pa.Array, pa.Array]:
    replica = np.repeat(np.arange(num_replicas, dtype=np.int32), num_rows)
    return column(replica), column(np.tile(np.arange(first_row, first_row + num_rows), num_replicas))


def _ancestry(replica: NDArray[np.int32], born: int, parent: Sequence[int] | None, writer: Writer | None) -> dict[str, pa.Array]:
    num_rows = len(replica)
    columns = {
        "kind": _constant(num_rows, "synthetic" if writer else "real"),
        "born": column(np.full(num_rows, born, np.int32)),
        "depth": column(writer.depth[replica] if writer else np.zeros(num_rows)),
        "depth_max": column(writer.depth_max[replica] if writer else np.zeros(num_rows, np.int32)),
        "parent": pa.nulls(num_rows, pa.int64()) if parent is None else column(np.asarray(parent, np.int64)),
        "model": _constant(num_rows, writer.model if writer else None),
    }
    if writer and writer.first is not None:
        columns[MEMBER] = column(np.full(num_rows, writer.member, np.int32))
        columns[FIRST_ANCESTORS] = pa.FixedSizeListArray.from_arrays(column(writer.first[replica].reshape(-1)), writer.first.shape[1])
    return columns


def _constant(num_rows: int, value: str | None) -> pa.Array:
    """Return a column of one repeated word at a byte a row."""
    if value is None:
        return pa.nulls(num_rows, pa.dictionary(pa.int8(), pa.string()))
    return pa.DictionaryArray.from_arrays(column(np.zeros(num_rows, np.int8)), strings([value]))
