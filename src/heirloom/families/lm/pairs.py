"""Prompts and completions in the engine room: as rows to learn from, as rows to score, and as prompts to complete.

A row is its prompt and its completion, one behind the other from position 0 on, as it is in training; where rows of unequal length stand in
one matrix, what is behind a row's end is its last token again, which no earlier position sees and nobody reads.

Legend of shapes: B rows of a chunk, P tokens of the longest prompt, C tokens of the longest completion, T tokens of the longest row.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from heirloom.data import arrow, pairs
from heirloom.data.columns import PROMPT
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Limit, Prompts
from heirloom.data.ragged import PADDING
from heirloom.families import answers
from heirloom.families.base import Measuring, Sets
from heirloom.families.lm import epochs
from heirloom.families.lm.network import Network, check_length, check_tokens
from heirloom.families.lm.rows import Rows
from heirloom.measures.text import perplexity
from heirloom.runtime import memory
from heirloom.runtime.streams import Stream

Completer = Callable[[NDArray[Any], Limit, NDArray[np.float64]], NDArray[np.int32]]
"""What completes prompts (B, P), padding before them, given uniforms (B, C): completions, padding behind the end token."""

LossOn = Literal["completion", "all"]


@contextmanager
def mapped(dataset: Dataset, loss_on: LossOn) -> Iterator[Rows]:
    """Yield pairs as rows to train on, their tokens in a temporary file.

    Parameters
    ----------
    loss_on
        Whether the tokens of a ``completion`` are to be learnt, or ``all`` but the first of a row.
    """
    prompt_lengths, completion_lengths = pairs.lengths(dataset, PROMPT), pairs.lengths(dataset, "tokens")
    ends = np.cumsum(prompt_lengths + completion_lengths)
    with tempfile.TemporaryFile() as file:
        for batch in dataset.batches([PROMPT, "tokens"]):
            sides = [batch.column(batch.schema.get_field_index(name)) for name in (PROMPT, "tokens")]
            file.write(_interleaved(*sides).tobytes())
        file.flush()
        tokens = np.memmap(file, dtype=np.int32, mode="r", shape=(int(ends[-1]),))
        first_labels = np.maximum(prompt_lengths, 1) if loss_on == "completion" else np.ones_like(prompt_lengths)
        weights = dataset.weights() if dataset.is_weighted else None
        yield Rows(tokens, ends, first_labels, np.arange(len(ends)), weights)


def _interleaved(prompts: Any, completions: Any) -> NDArray[np.int32]:
    """Return the tokens of rows one after another: each prompt, then its completion."""
    prompt_lengths, completion_lengths = arrow.lengths(prompts), arrow.lengths(completions)
    tokens = np.empty(int(prompt_lengths.sum() + completion_lengths.sum()), np.int32)
    is_prompt = np.repeat(np.tile([True, False], len(prompt_lengths)), np.column_stack([prompt_lengths, completion_lengths]).reshape(-1))
    tokens[is_prompt] = arrow.numbers(prompts.flatten())
    tokens[~is_prompt] = arrow.numbers(completions.flatten())
    return tokens


@torch.inference_mode()
def completion_losses(model: Network, prompts_BP: NDArray[Any], completions_BC: NDArray[Any]) -> NDArray[np.float64]:
    """Return -log p(token | prompt, completion before it) in nats for each token of completions, 0 for padding; shape (B, C).

    Raises
    ------
    HeirloomError
        If a row is longer than the context, a token is outside the vocabulary, or memory runs out.
    """
    rows_BT, is_completion_BT = packed(prompts_BP, completions_BC)
    check_tokens(model, rows_BT, "rows to score")
    check_length(model, rows_BT.shape[1], "rows to score")
    losses_BC, is_token_BC = np.zeros(completions_BC.shape), completions_BC != PADDING
    with memory.guard("scoring", "chunk_rows"):
        for start in range(0, len(rows_BT), model.rows_at_once):
            part = slice(start, start + model.rows_at_once)
            nats_BT = model.nats(torch.from_numpy(rows_BT[part]).to(model.device)).cpu().numpy()
            losses_BC[part][is_token_BC[part]] = nats_BT[is_completion_BT[part, 1:]]
    return losses_BC


def packed(prompts_BP: NDArray[Any], completions_BC: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return rows (B, T) without padding before or between, and where their completions' tokens are, (B, T)."""
    padded = np.column_stack([prompts_BP, completions_BC]).astype(np.int64)
    is_padding = padded == PADDING
    lengths = (~is_padding).sum(axis=1)
    order = np.argsort(is_padding, axis=1, kind="stable")[:, : int(lengths.max())]
    tokens_BT = np.take_along_axis(padded, order, axis=1)
    is_row_BT = np.arange(order.shape[1]) < lengths[:, None]
    last_B1 = tokens_BT[np.arange(len(tokens_BT)), lengths - 1, None]
    return np.where(is_row_BT, tokens_BT, last_B1), is_row_BT & (order >= prompts_BP.shape[1])


def complete(network: Network, write: Completer, prompts: Iterable[Prompts], limit: Limit, stream: Stream) -> Iterator[NDArray[np.int32]]:
    """Yield the completions of each chunk of prompts, shape (B, C): padding behind the end token.

    Raises
    ------
    HeirloomError
        If prompt and completion do not fit the model's context, a token is outside the vocabulary, or memory runs out.
    """
    for chunk in prompts:
        with memory.guard("sampling", "chunk_rows or sampling.beams"):
            check_tokens(network, np.maximum(chunk.tokens, 0), "prompts")
            check_length(network, chunk.tokens.shape[1] + limit.tokens, "a prompt and its completion")
            yield write(chunk.tokens, limit, stream.child("tokens").uniforms_of(chunk.rows, limit.tokens))


def evaluate(
    network: Network, greedy: Completer, sets: Sets, origin: Network, measuring: Measuring, stream: Stream, load: Callable[[Path], Any]
) -> dict[str, float]:
    """Return a generation's measures of pairs by name (`families.answers`).

    Parameters
    ----------
    greedy
        What completes held-out prompts, drawing nothing.
    load
        Opens the last epoch's checkpoint, where the training kept it beside the best epoch's.
    """

    def respond(prompts: Iterable[Prompts], limit: Limit) -> Iterator[NDArray[np.int32]]:
        return complete(network, greedy, prompts, limit, stream.child("answers"))

    settings = replace(measuring, vocab_size=network.vocab_size)
    measures = answers.evaluate(partial(completion_losses, network), partial(completion_losses, origin), respond, sets, settings)

    def perplexity_of(folder: Path) -> float:
        nats_N, _ = answers.row_nats(partial(completion_losses, load(folder)), sets.held_out, measuring.chunk_rows)
        return perplexity(float(nats_N.sum()), int(pairs.lengths(sets.held_out, "tokens").sum()))

    return measures | epochs.measures(network.epochs, measures["test_perplexity"], perplexity_of)
