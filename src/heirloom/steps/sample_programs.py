"""Text that programs of the user's write: prompts are handed over as texts, and what comes back is made into tokens for measures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa

from heirloom.data import arrow, pairs, ragged, tokenization
from heirloom.data.ancestry import Writer
from heirloom.data.arrow import numbers, strings
from heirloom.data.columns import PROMPT, PROMPT_TEXT
from heirloom.data.dataset import Dataset
from heirloom.data.rows import pair_table, unequal_text_table
from heirloom.families.base import Family
from heirloom.runtime.streams import Stream

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def rows(
    module: Family,
    model: Any,
    prompts: Dataset | None,
    prompt_tokens: int,
    num_rows: int,
    settings: Any,
    stream: Stream,
    tokenizer: Tokenizer,
    born: int,
    writer: Writer,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows that a program has written, with their tokens and ancestry.

    Parameters
    ----------
    prompts
        Real rows that are continued, or whose prompts are answered; None for rows that begin from nothing.
    prompt_tokens
        First tokens of a row of running text that are its prompt; 0 for all.
    """
    texts = None if prompts is None else _prompt_texts(prompts, prompt_tokens, tokenizer)
    first_row = 0
    for written in module.sample(model, texts, num_rows, settings, stream):
        table = cast("pa.Table", written)
        if prompts is None or not pairs.are_in(prompts):
            parent = None if prompts is None else _parents(prompts, first_row, len(table))
            text = table["text"].combine_chunks()
            tokens = _tokens(tokenizer, text.to_pylist())
            new_rows = unequal_text_table(tokens, text, first_row=first_row, born=born, parent=parent, writer=writer)
        else:
            new_rows = _pairs(table, prompts, tokenizer, first_row=first_row, born=born, writer=writer)
        yield from new_rows.to_batches()
        first_row += len(table)


def _prompt_texts(prompts: Dataset, prompt_tokens: int, tokenizer: Tokenizer) -> Iterator[pa.Array]:
    """Yield the texts of prompts: of pairs, or the beginning of rows of running text."""
    if pairs.are_in(prompts) or not prompt_tokens:
        column = PROMPT_TEXT if pairs.are_in(prompts) else "text"
        for batch in prompts.batches([column]):
            yield batch.column(0)
        return
    for tokens_BT in prompts.matrices("tokens"):
        yield strings(tokenization.decode(tokenizer, tokens_BT[:, :prompt_tokens]))


def _pairs(table: pa.Table, prompts: Dataset, tokenizer: Tokenizer, *, first_row: int, born: int, writer: Writer) -> pa.Table:
    """Return completions with the prompts that they answer; one that has stopped ends with the end token of real rows."""
    answered = prompts.take(np.arange(first_row, first_row + len(table))).table(["row", PROMPT, PROMPT_TEXT])
    texts, stopped = table["completion"].to_pylist(), arrow.truths(table["stopped"].combine_chunks())
    end = pairs.stops(prompts)[0]
    ids = tokenization.encode_lists(tokenizer, texts)
    tokens = [[*row, end] if has_stopped else row for row, has_stopped in zip(ids, stopped, strict=True)]
    return pair_table(
        answered[PROMPT].combine_chunks(),
        answered[PROMPT_TEXT].to_pylist(),
        ragged.of_sequences(tokens),
        texts,
        stopped,
        first_row=first_row,
        born=born,
        parent=answered["row"].to_pylist(),
        writer=writer,
    )


def _parents(prompts: Dataset, first_row: int, count: int) -> list[int]:
    column = prompts.take(np.arange(first_row, first_row + count)).table(["row"])["row"]
    parents: list[int] = numbers(column).tolist()
    return parents


def _tokens(tokenizer: Tokenizer, texts: list[str]) -> pa.ListArray:
    return ragged.of_sequences(tokenization.encode_lists(tokenizer, texts))
