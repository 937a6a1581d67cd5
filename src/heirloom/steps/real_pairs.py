"""Real rows of prompts and completions: the records of a source, divided as documents are, made into rows of tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from heirloom.data import ragged, tokenization
from heirloom.data.rows import pair_table
from heirloom.errors import HeirloomError
from heirloom.families.pair_reader import Pair, PairReader
from heirloom.sources.packing import Span

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_ROWS = 256  # made at a time

PairRows = tuple[list[Pair], list[Span]]


def texts_to_fit(records: Iterator[str]) -> Iterator[str]:
    """Yield the prompts and completions of records, as a tokenizer is to be fitted to them."""
    for record in records:
        for texts in json.loads(record)["pairs"]:
            yield from texts


def rows(records: Iterator[str], places: Sequence[str], reader: PairReader) -> Iterator[PairRows]:
    """Yield the rows of a split's records, some at a time, with the records that they come from, counted within the split.

    Parameters
    ----------
    records, places
        JSON of each record, and its file and line.

    Raises
    ------
    HeirloomError
        As `PairReader.rows` does.
    """
    pairs: list[Pair] = []
    spans: list[Span] = []
    for number, (record, place) in enumerate(zip(records, places, strict=True)):
        new_pairs = reader.rows(json.loads(record), place)
        spans.append(Span(number, len(pairs), len(new_pairs)))
        pairs += new_pairs
        if len(pairs) >= _ROWS:
            yield pairs, spans
            pairs, spans = [], []
    if spans:
        yield pairs, spans


def table(pairs: Sequence[Pair], tokenizer: Tokenizer, first_row: int) -> pa.Table:
    """Return real rows with their text."""
    return written(
        ragged.of_sequences([pair.prompt for pair in pairs]),
        ragged.of_sequences([pair.tokens for pair in pairs]),
        np.array([pair.stopped for pair in pairs], bool),
        tokenizer,
        first_row=first_row,
    )


def written(prompts: pa.ListArray, tokens: pa.ListArray, stopped: Any, tokenizer: Tokenizer, **lineage: Any) -> pa.Table:
    """Return rows with the text of their tokens, the end token left out of it.

    Parameters
    ----------
    prompts, tokens
        Lists of token ids, N of each.
    stopped
        Whether each completion ends with an end token, shape (N,).
    lineage
        As `pair_table` takes it.
    """
    completions = tokens.to_pylist()
    without_ends = [ids[:-1] if has_end else ids for ids, has_end in zip(completions, stopped.tolist(), strict=True)]
    prompt_text = tokenization.decode_lists(tokenizer, prompts.to_pylist())
    return pair_table(prompts, prompt_text, tokens, tokenization.decode_lists(tokenizer, without_ends), stopped, **lineage)


def counted(reader: PairReader) -> dict[str, int]:
    """Return what the manifest says of the limits.

    Raises
    ------
    HeirloomError
        If no row is left.
    """
    counts = reader.counts
    if counts["read"] == counts["dropped"]:
        raise HeirloomError(
            f"source.text.pairs: all {counts['read']} pairs are dropped: longer than max_prompt_tokens or max_completion_tokens; raise them"
        )
    names = ("read", "prompts_too_long", "completions_too_long", "dropped", "truncated")
    return {f"pairs_{name}": counts[name] for name in names}
