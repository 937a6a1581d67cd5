"""Packing: documents joined end to end and cut into rows, as the language-model recipe of Shumailov et al. (2024) does it.

There a document is a line of the data set, empty ones included, and each begins with the tokenizer's start token; lines are joined in
batches, of which the remainder is dropped, and the data set is first divided into as many shards as there were workers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.specs.text import Packing

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class Span:
    """Which rows a document has tokens in: ``num_rows`` from ``first_row`` on, counted from the first row that came with it.

    ``own_rows`` of them are its own: no other document has more of their tokens, and none before it as many. None is all of them.
    """

    document: int
    first_row: int
    num_rows: int
    own_rows: int | None = None


PackedRows = tuple[NDArray[np.int32], list[Span]]


def pack_rows(
    texts: Iterable[str], num_texts: int, tokenizer: Tokenizer, start_id: int | None, row_tokens: int, packing: Packing
) -> Iterator[PackedRows]:
    """Join documents batch by batch and cut them into rows of equal length, dropping each batch's remainder.

    Parameters
    ----------
    texts, num_texts
        Documents, empty ones included, and how many there are.
    tokenizer, start_id
        What turns a document into tokens, and the token put before each, for ``packing.lead: start``.
    row_tokens
        T, tokens in a row.

    Yields
    ------
    rows (N, T), N ≥ 1, and the documents that they were cut from

    Raises
    ------
    HeirloomError
        If the start token is wanted and there is none.
    """
    if packing.lead == "start" and start_id is None:
        raise HeirloomError("source.text.packing.lead: the tokenizer has no start token; set it to none")
    lead = [start_id] if packing.lead == "start" and start_id is not None else []
    stream, num_done = iter(texts), 0
    for size in batch_sizes(num_texts, packing):
        token_lists = [[*lead, *tokenizer.encode(text, add_special_tokens=False).ids] for text in islice(stream, size)]
        bounds = np.cumsum([0, *map(len, token_lists)]).tolist()
        num_rows = bounds[-1] // row_tokens
        if num_rows:
            tokens = np.fromiter(chain.from_iterable(token_lists), np.int32)
            own_rows = np.bincount(_owners(bounds, num_rows, row_tokens), minlength=size).tolist()
            extents = enumerate(zip(pairwise(bounds), own_rows, strict=True))
            spans = [_span(num_done + place, *ends, num_rows, row_tokens, own) for place, (ends, own) in extents]
            yield tokens[: num_rows * row_tokens].reshape(num_rows, row_tokens), spans
        num_done += size


def batch_sizes(num_texts: int, packing: Packing) -> Iterator[int]:
    """Yield how many documents are joined at a time: contiguous shards, the first ones a document longer, each in batches."""
    size, longer = divmod(num_texts, packing.shards)
    for shard in range(packing.shards):
        remaining = size + (shard < longer)
        while remaining:
            batch_size = min(remaining, packing.documents)
            yield batch_size
            remaining -= batch_size


def _owners(bounds: Sequence[int], num_rows: int, row_tokens: int) -> NDArray[np.int64]:
    """Return the document that most tokens of each row come from, the earlier one of equals, shape (N,).

    Parameters
    ----------
    bounds
        Where each document of a batch begins, and where the last one ends, in tokens.
    """
    row_starts = np.arange(num_rows + 1) * row_tokens
    cuts = np.union1d(np.minimum(bounds, row_starts[-1]), row_starts)  # between two cuts lies one document in one row
    lengths = np.diff(cuts)
    rows, documents = cuts[:-1] // row_tokens, np.searchsorted(bounds, cuts[:-1], side="right") - 1
    in_order = np.lexsort((documents, -lengths, rows))
    firsts = np.searchsorted(rows[in_order], np.arange(num_rows))
    return np.asarray(documents[in_order][firsts], np.int64)


def _span(document: int, start: int, end: int, num_rows: int, row_tokens: int, own_rows: int) -> Span:
    """Return the rows of the tokens ``start … end`` of a batch, of which ``num_rows`` full rows are cut."""
    first_row = min(start // row_tokens, num_rows)
    end_row = min(math.ceil(end / row_tokens), num_rows)
    return Span(document, first_row, end_row - first_row if end > start else 0, own_rows)
