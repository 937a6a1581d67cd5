"""Rows of unequal length: lists of tokens as a matrix that is filled up with `PADDING`, and back.

The padding is no token id, so that no token of a vocabulary, an end token or a model's own padding token, is ever taken for it.

Legend of shapes: N rows, W tokens of the longest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom.data import arrow

PADDING = -1

Tokens = NDArray[np.int32]


def padded(lists: pa.ListArray, *, left: bool = False) -> Tokens:
    """Return lists of token ids as a matrix (N, W), padding behind each list or, if ``left``, before it."""
    lengths_N, values = arrow.lengths(lists), arrow.numbers(lists.flatten())
    width = int(lengths_N.max(initial=0))
    is_token_NW = np.arange(width) < lengths_N[:, None]
    matrix_NW = np.full((len(lists), width), PADDING, np.int32)
    matrix_NW[is_token_NW[:, ::-1] if left else is_token_NW] = values
    return matrix_NW


def fed(matrix_NW: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return a matrix (N, W) padded before each row as a model can read it, and where its tokens are.

    In the place of padding stands the row's last token, which no mask of attention shows, and which a penalty of repetition knows anyway.
    """
    is_token_NW = matrix_NW != PADDING
    return np.where(is_token_NW, matrix_NW, matrix_NW[:, -1:]).astype(np.int64), is_token_NW


def lists(matrix_NW: Tokens) -> pa.ListArray:
    """Return the rows of a padded matrix as lists without their padding, whichever side it is on."""
    is_token_NW = matrix_NW != PADDING
    return listed(np.ascontiguousarray(matrix_NW[is_token_NW]), is_token_NW.sum(axis=1))


def listed(values: Tokens, lengths_N: NDArray[np.int64]) -> pa.ListArray:
    """Return token ids one after another as lists of these lengths."""
    ends = np.concatenate([[0], np.cumsum(lengths_N)]).astype(np.int32)
    return pa.ListArray.from_arrays(arrow.column(ends), arrow.column(values.astype(np.int32, copy=False)))


def of_sequences(sequences: Sequence[Sequence[int]]) -> pa.ListArray:
    """Return sequences of token ids as lists."""
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    values = np.fromiter((token for sequence in sequences for token in sequence), np.int32, int(lengths.sum()))
    return listed(values, lengths)


def equal_lengths(lists: pa.ListArray, at_least: int = 1) -> Iterator[tuple[NDArray[np.int64], Tokens]]:
    """Yield the lists of each length as a matrix, with their positions, shortest first; those below ``at_least`` tokens are left out.

    What adds up over rows can so be reckoned matrix by matrix, without padding.
    """
    lengths_N, values = arrow.lengths(lists), arrow.numbers(lists.flatten())
    starts_N = np.cumsum(lengths_N) - lengths_N
    for length in np.unique(lengths_N[lengths_N >= at_least]).tolist():
        positions = np.flatnonzero(lengths_N == length)
        places = starts_N[positions][:, None] + np.arange(length)
        yield positions, values[places]
