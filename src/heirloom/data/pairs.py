"""Datasets whose rows are a prompt and its completion, read batch by batch.

Legend of shapes: N rows, B rows of a chunk, P tokens of the longest prompt, C tokens of the longest completion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom.data import arrow, buckets, ragged
from heirloom.data.columns import PROMPT, STOPPED
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError


@dataclass(frozen=True)
class Prompts:
    """A chunk of prompts.

    Parameters
    ----------
    rows
        The ids that the rows to be written will have, by which their random numbers are keyed; shape (B,).
    tokens
        Token ids, padding before each prompt (`ragged.PADDING`); shape (B, P).
    """

    rows: NDArray[np.int64]
    tokens: ragged.Tokens


@dataclass(frozen=True)
class Answered(Prompts):
    """A chunk of prompts with their completions.

    Parameters
    ----------
    completions
        Token ids, padding behind each completion; shape (B, C).
    """

    completions: ragged.Tokens


class Limit(NamedTuple):
    """When a completion ends: with one of these tokens, which is its last, or after so many tokens.

    Parameters
    ----------
    stops
        End tokens.
    tokens
        Most tokens, an end token counted.
    """

    stops: Sequence[int]
    tokens: int


def are_in(dataset: Dataset) -> bool:
    """Return whether a dataset's rows are pairs."""
    return PROMPT in dataset.pieces[0].columns


def lengths(dataset: Dataset, column: str) -> NDArray[np.int64]:
    """Return how many tokens each row's list has, shape (N,)."""
    return np.concatenate([np.empty(0, np.int64), *(arrow.lengths(_list(batch, column)) for batch in dataset.batches([column]))])


def equal_lengths(dataset: Dataset, column: str, at_least: int = 1) -> Iterator[ragged.Tokens]:
    """Yield a column's lists as matrices, those of equal length together, batch by batch; the order of rows is lost."""
    for batch in dataset.batches([column]):
        for _, tokens in ragged.equal_lengths(_list(batch, column), at_least):
            yield tokens


def stops(dataset: Dataset) -> list[int]:
    """Return the end tokens of completions that have one, ascending: what a model that learns from them is to stop at.

    Raises
    ------
    HeirloomError
        If no completion ends with one.
    """
    ids: set[int] = set()
    for batch in dataset.batches(["tokens", STOPPED]):
        ended = batch.filter(batch.column(batch.schema.get_field_index(STOPPED)))
        ids |= _last_tokens(_list(ended, "tokens"))
    if not ids:
        raise HeirloomError("no completion ends with an end token: all are truncated; raise source.text.pairs.max_completion_tokens")
    return sorted(ids)


def _last_tokens(completions: pa.ListArray) -> set[int]:
    """Return the last tokens of completions, none of which is empty."""
    ends = np.cumsum(arrow.lengths(completions))
    return set(arrow.numbers(completions.flatten())[ends - 1].tolist())


def token_figures(dataset: Dataset) -> dict[str, float]:
    """Return how many tokens a training set has, and which share of them humans wrote.

    Returns
    -------
    ``ancestry.completion_tokens`` and ``ancestry.prompt_tokens``: tokens to be learnt, and those that they are given;
    ``ancestry.real_token_share`` of the completions' tokens; ``ancestry.real_token_share_prompted`` when prompts, which are real in every
    row, are counted with them.
    """
    real = completion = prompt = 0
    for batch in dataset.batches([PROMPT, "tokens", "born"]):
        lengths_N = arrow.lengths(_list(batch, "tokens"))
        is_real = arrow.numbers(batch.column(batch.schema.get_field_index("born"))) == 0
        real += int(lengths_N[is_real].sum())
        completion += int(lengths_N.sum())
        prompt += int(arrow.lengths(_list(batch, PROMPT)).sum())
    return {
        "ancestry.completion_tokens": float(completion),
        "ancestry.prompt_tokens": float(prompt),
        "ancestry.real_token_share": real / completion,
        "ancestry.real_token_share_prompted": (real + prompt) / (completion + prompt),
    }


def text_token_figures(dataset: Dataset) -> dict[str, float]:
    """Return which share of the tokens of a training set humans wrote, of running text whose rows differ in length.

    Returns
    -------
    ``ancestry.real_token_share``.
    """
    real = total = 0
    for batch in dataset.batches(["tokens", "born"]):
        lengths_N = arrow.lengths(_list(batch, "tokens"))
        is_real = arrow.numbers(batch.column(batch.schema.get_field_index("born"))) == 0
        real += int(lengths_N[is_real].sum())
        total += int(lengths_N.sum())
    return {"ancestry.real_token_share": real / total}


def windows(dataset: Dataset, columns: Sequence[str], chunk_rows: int) -> Iterator[tuple[range, pa.RecordBatch]]:
    """Yield the rows of each window of the layout (`buckets`), with their columns as one batch."""
    batches, waiting, num_waiting = dataset.batches(columns), list[pa.RecordBatch](), 0
    for window in buckets.windows(dataset.num_rows, chunk_rows):
        while num_waiting < len(window):
            batch = next(batches)
            waiting.append(batch)
            num_waiting += batch.num_rows
        table = pa.Table.from_batches(waiting)
        yield window, table.slice(0, len(window)).combine_chunks().to_batches()[0]
        waiting, num_waiting = table.slice(len(window)).to_batches(), num_waiting - len(window)


def chunks(dataset: Dataset, chunk_rows: int) -> Iterator[tuple[NDArray[np.int64], ragged.Tokens, ragged.Tokens]]:
    """Yield positions, prompts (B, P) padded before, and completions (B, C) padded behind, in the layout of the rows' whole lengths.

    Chunks are full, so that a model computes every row by the same products whichever others there are: the last of a window may be filled
    up by its last row, whose position is then repeated.
    """
    for window, batch in windows(dataset, [PROMPT, "tokens"], chunk_rows):
        prompts, completions = _list(batch, PROMPT), _list(batch, "tokens")
        for places in buckets.chunks(arrow.lengths(prompts) + arrow.lengths(completions), chunk_rows):
            full = filled(places, chunk_rows)
            yield (
                window.start + full,
                ragged.padded(prompts.take(arrow.column(full)), left=True),
                ragged.padded(completions.take(arrow.column(full))),
            )


def prompt_chunks(dataset: Dataset, chunk_rows: int, numbers: range) -> Iterator[Prompts]:
    """Yield the full chunks of prompts of these numbers, in the layout of the prompts' lengths."""
    for rows, batch in _chunks_by_prompt(dataset, [PROMPT], chunk_rows, numbers):
        yield Prompts(rows, ragged.padded(_list(batch, PROMPT), left=True))


def answered_chunks(dataset: Dataset, chunk_rows: int, numbers: range) -> Iterator[Answered]:
    """Yield the chunks of `prompt_chunks` with the rows' completions."""
    for rows, batch in _chunks_by_prompt(dataset, [PROMPT, "tokens"], chunk_rows, numbers):
        yield Answered(rows, ragged.padded(_list(batch, PROMPT), left=True), ragged.padded(_list(batch, "tokens")))


def _chunks_by_prompt(
    dataset: Dataset, columns: Sequence[str], chunk_rows: int, numbers: range
) -> Iterator[tuple[NDArray[np.int64], pa.RecordBatch]]:
    """Yield the positions and the columns of the rows of each full chunk, in the layout of the prompts' lengths."""
    number = 0
    for window, batch in windows(dataset, columns, chunk_rows):
        for places in buckets.chunks(arrow.lengths(_list(batch, PROMPT)), chunk_rows):
            if number in numbers:
                full = filled(places, chunk_rows)
                yield window.start + full, batch.take(arrow.column(full))
            number += 1
        if number >= numbers.stop:
            return


def count_chunks(num_rows: int, chunk_rows: int) -> int:
    """Return how many chunks rows are in: every window's chunks but its last are full."""
    return -(-num_rows // chunk_rows)


def filled(places: NDArray[np.int64], chunk_rows: int) -> NDArray[np.int64]:
    """Return the places of a chunk, filled up by repeating the last one."""
    return np.concatenate([places, np.repeat(places[-1:], chunk_rows - len(places))])


def in_order(chunks: Iterable[ragged.Tokens], dataset: Dataset, chunk_rows: int) -> Iterator[tuple[range, pa.ListArray]]:
    """Yield what was written for each chunk of `prompt_chunks`, window by window, in the order of the rows.

    Parameters
    ----------
    chunks
        Completions, shape (B, C) each with padding behind, of all chunks in their order.
    dataset
        The prompts.
    """
    written = iter(chunks)
    for window, batch in windows(dataset, [PROMPT], chunk_rows):
        layout = buckets.chunks(arrow.lengths(_list(batch, PROMPT)), chunk_rows)
        completions = [ragged.lists(next(written)[: len(places)]) for places in layout]
        back = np.argsort(np.concatenate(layout))
        yield window, pa.concat_arrays(completions).take(arrow.column(back))


def _list(batch: pa.RecordBatch, column: str) -> pa.ListArray:
    return batch.column(batch.schema.get_field_index(column))
