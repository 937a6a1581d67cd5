"""Numbers that a row has by itself, and by which rows can be judged.

Legend of shapes: R replicas, N rows of a replica, W numbers of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from heirloom.data import arrow
from heirloom.data.columns import plain
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.specs.judges import RowMeasure

Scores = NDArray[np.float64]


def norm(rows: Dataset) -> Scores:
    """Return the Euclidean norm of each vector, shape (R, N).

    Raises
    ------
    HeirloomError
        If rows are no vectors.
    """
    if "x" not in rows.pieces[0].columns:
        raise HeirloomError("select.by.measure is 'norm', which rows of vectors and images have; give a judge by `command`")
    return np.linalg.norm(rows.by_replica(), axis=-1)


def tokens(rows: Dataset) -> Scores:
    """Return the number of tokens of each row of text (of pairs, of the completion), shape (1, N)."""
    lengths = [arrow.lengths(plain(batch).column(0)) for batch in rows.batches(["tokens"])]
    return np.concatenate(lengths).astype(np.float64)[None]


def distinct_tokens(rows: Dataset) -> Scores:
    """Return the number of different tokens divided by the number of tokens of each row of text, shape (1, N)."""
    token_lists = chain.from_iterable(batch.column(0).to_pylist() for batch in rows.batches(["tokens"]))
    return np.array([len(set(row_tokens)) / len(row_tokens) for row_tokens in token_lists])[None]


MEASURES: Mapping[RowMeasure, Callable[[Dataset], Scores]] = {"norm": norm, "tokens": tokens, "distinct_tokens": distinct_tokens}
"""Name in config → the measure."""
