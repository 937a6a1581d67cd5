"""What a test sees of a dataset: its rows as numbers, and which rows belong together.

A key names the prompt or article that a row came from. Rows with one key are never separated by a test, because they are
not independent. Without keys each row stands alone.

Shapes: N rows, T tokens in all rows together, D dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class TextSample:
    """Rows of tokens or words.

    Parameters
    ----------
    types
        Type ids (tokens, words or n-grams) of all rows, end to end, shape (T,), 0 … V - 1; both samples share the ids. Arrow's list arrays
        have them as ``values``.
    offsets
        Where each row begins, and the end: shape (N + 1,), as Arrow's list arrays have them.
    keys
        Prompt or article of each row; None if each row stands alone. The same key in both samples makes a pair.
    content
        Any integer that is equal exactly where two rows are equal, such as a hash; None leaves out the test of repeated rows.
    features
        Name to one number per row, such as its length, its share of distinct tokens, its log perplexity: each gets a test of
        its mean. Both samples have the same names.
    """

    types: Ints
    offsets: Ints
    keys: Ints | None = None
    content: Ints | None = None
    features: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class VectorSample:
    """Rows of numbers.

    Parameters
    ----------
    x
        The rows, shape (N, D).
    keys
        What each row belongs to; None if each row stands alone.
    replicas
        Chain of each row, where the rows come from many independent ones; None if they come from one law.
    """

    x: Floats
    keys: Ints | None = None
    replicas: Ints | None = None
