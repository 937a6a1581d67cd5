"""Rows in pieces, as ids that both sides share: tokens, or what stands between white space of a text, as it is spelled."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import chain, pairwise

import numpy as np
import pyarrow as pa

from heirloom.diffs.cells import Ints, Ragged, ends, join, ragged, strings
from heirloom.diffs.common import Common
from heirloom.diffs.origin import take
from heirloom.diffs.sides import Side

Row = Sequence[Hashable]
"""The pieces of a row: a text with one character each, or numbers."""


def pieces_of(a: Side, b: Side, rows: tuple[Ints, Ints], shared: Common) -> tuple[Ragged, Ragged]:
    """Return the pieces of some rows of A and of B, in the order asked for; equal pieces have one id."""
    ids: defaultdict[str, int] = defaultdict()
    ids.default_factory = ids.__len__
    return _pieces(a, rows[0], shared, ids), _pieces(b, rows[1], shared, ids)


def comparable(a: Ragged, b: Ragged) -> tuple[list[Row], list[Row]]:
    """Return the rows of both sides as texts, which `rapidfuzz` compares fastest; as numbers where Unicode has too few characters."""
    ids = np.concatenate([a.values, b.values])
    if ids.max(initial=0) > sys.maxunicode:
        ids = np.unique(ids, return_inverse=True)[1]
    is_text = ids.max(initial=0) <= sys.maxunicode
    all_pieces = ids.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass") if is_text else ids.tolist()
    return _split(all_pieces, a.offsets), _split(all_pieces, b.offsets + len(a.values))


def _split(pieces: Row, offsets: Ints) -> list[Row]:
    return [pieces[start:stop] for start, stop in pairwise(offsets.tolist())]


def _pieces(side: Side, rows: Ints, shared: Common, ids: defaultdict[str, int]) -> Ragged:
    ascending, inverse = np.unique(rows, return_inverse=True)
    if "tokens" in shared.data:
        parts = [ragged(batch.column(0)) for batch in take(side, ascending, ["tokens"])]
    else:
        parts = [_spaced(batch.column(0), ids) for batch in take(side, ascending, ["text"])]
    return join(parts).take(inverse)


def _spaced(column: pa.Array, ids: defaultdict[str, int]) -> Ragged:
    texts, _ = strings(column)
    rows = [text.split() for text in texts.to_pylist()]
    numbers = map(ids.__getitem__, chain.from_iterable(rows))
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    return Ragged(np.fromiter(numbers, np.int64), ends(lengths))
