"""Packing: documents joined end to end and cut into rows, as the language-model recipe of Shumailov et al. (2024) does it.

There a document is a line of the data set, empty ones included, and each begins with the tokenizer's start token; lines are joined in
batches, of which the remainder is dropped, and the data set is first divided into as many shards as there were workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.specs.source import Packing

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class Span:
    """Which rows a document has tokens in: ``count`` rows from ``first`` on, counted from the first row that came with it."""

    document: int
    first: int
    count: int


Cut = tuple[NDArray[np.int32], list[Span]]


def pack_rows(
    texts: Iterable[str], num_texts: int, tokenizer: Tokenizer, start_id: int | None, row_tokens: int, packing: Packing
) -> Iterator[Cut]:
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
    waiting, document = iter(texts), 0
    for size in batch_sizes(num_texts, packing):
        ids = [[*lead, *tokenizer.encode(text, add_special_tokens=False).ids] for text in islice(waiting, size)]
        ends = np.cumsum([len(one) for one in ids])
        num_rows = int(ends[-1]) // row_tokens
        if num_rows:
            tokens = np.fromiter((token for one in ids for token in one), np.int32)
            spans = [_span(document + place, int(end) - len(ids[place]), int(end), num_rows, row_tokens) for place, end in enumerate(ends)]
            yield tokens[: num_rows * row_tokens].reshape(num_rows, row_tokens), spans
        document += size


def batch_sizes(num_texts: int, packing: Packing) -> Iterator[int]:
    """Yield how many documents are joined at a time: contiguous shards, the first ones a document longer, each in batches."""
    size, longer = divmod(num_texts, packing.shards)
    for shard in range(packing.shards):
        left = size + (shard < longer)
        while left:
            yield min(left, packing.documents)
            left -= min(left, packing.documents)


def _span(document: int, start: int, end: int, num_rows: int, row_tokens: int) -> Span:
    first = min(start // row_tokens, num_rows)
    past = min(-(-end // row_tokens), num_rows)
    return Span(document, first, past - first if end > start else 0)
