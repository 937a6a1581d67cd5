"""An interpolated n-gram model over tokens: text without torch.

Witten–Bell smoothing (Witten & Bell 1991, method C; interpolated as in Chen & Goodman 1999, eq. 2.11) has no knob to turn:
with c(h, w) the count of token w after context h, c(h) its sum, and T(h) the number of different tokens seen after h,

    P(w | h) = [c(h, w) + T(h) P(w | h')] / [c(h) + T(h)],    h' = h without its first token, down to 1 / vocabulary.

It reads as a recipe for drawing, too: stay with the counts with probability c(h) / (c(h) + T(h)), else forget one token of context.

Legend of shapes: N rows, B rows of a chunk, T tokens per row, K different n-grams, C different contexts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.data import pairs
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Answered, Limit, Prompts
from heirloom.data.ragged import PADDING
from heirloom.errors import HeirloomError
from heirloom.families import answers, ngram_tables, text
from heirloom.families.base import Measuring, Sets
from heirloom.families.ngram_tables import Counts, Ints, Table, keys_of
from heirloom.runtime.streams import Stream
from heirloom.specs.ngram import Ngram, NgramFit, NgramSampling

Spec = Ngram
Fit = NgramFit
Sampling = NgramSampling


@dataclass(frozen=True, eq=False)
class Level:
    """The n-grams of one length, sorted by context and then by last token.

    Parameters
    ----------
    contexts
        The C different contexts as numbers in base vocabulary, ascending.
    starts
        Where each context's n-grams begin, then K; shape (C + 1,).
    tokens
        The last token of each n-gram, shape (K,).
    before
        Sum of the counts of all n-grams before each, then the total; shape (K + 1,).
    """

    contexts: Ints
    starts: Ints
    tokens: Ints
    before: Counts


@dataclass(frozen=True, eq=False)
class Model:
    """Levels 1 … order over a vocabulary."""

    vocab_size: int
    levels: tuple[Level, ...]


def train(rows: Dataset, fit: NgramFit, start: Model | None, stream: Stream) -> Model:
    """Count the n-grams inside rows, each as often as its row weighs; neither a start nor randomness enters.

    Raises
    ------
    HeirloomError
        If n-grams of that order over that vocabulary cannot be numbered in 63 bits, or rows are shorter than the order.
    """
    if fit.vocab_size**fit.order >= 2**63:
        raise HeirloomError(
            f"family.training.order {fit.order} with vocab_size {fit.vocab_size} needs more than 63 bits: lower one of them"
        )
    tables = [Table() for _ in range(fit.order)]
    if pairs.are_in(rows):
        ngram_tables.add_pairs(rows, fit.vocab_size, tables)
    else:
        ngram_tables.add_blocks(rows, fit.vocab_size, tables)
    levels = [_level(*table.merged(), fit.vocab_size) for table in tables]
    return Model(fit.vocab_size, tuple(levels))


def sample(
    model: Model,
    prompts: Iterable[NDArray[Any]] | None,
    num_rows: int,
    settings: NgramSampling,
    stream: Stream,
) -> Iterator[NDArray[np.int32]]:
    """Yield a continuation of each prompt, by default as long as the prompt; random numbers are keyed by row id."""
    for number, prompts_BT in enumerate(prompts or ()):
        num_prompts, width = prompts_BT.shape
        num_new = settings.new_tokens or width
        uniforms_BT = stream.child("tokens").uniforms(number * num_prompts, num_prompts, num_new)
        written = prompts_BT.astype(np.int64)
        for position in range(num_new):
            written = np.column_stack([written, _next_tokens(model, written, uniforms_BT[:, position])])
        yield written[:, width:].astype(np.int32)


def complete(
    model: Model, prompts: Iterable[Prompts], limit: Limit, settings: NgramSampling, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield the completions of each chunk of prompts (`abilities.Completer`); random numbers are keyed by row id."""
    for chunk in prompts:
        uniforms_BC = stream.child("tokens").uniforms_of(chunk.rows, limit.tokens)
        written = chunk.tokens.astype(np.int64)
        has_stopped = np.zeros(len(written), bool)
        columns: list[Ints] = []
        while len(columns) < limit.tokens and not has_stopped.all():
            new_tokens = np.where(has_stopped, PADDING, _next_tokens(model, written, uniforms_BC[:, len(columns)]))
            has_stopped |= np.isin(new_tokens, limit.stops)
            columns.append(new_tokens)
            written = np.column_stack([written[:, 1 - len(model.levels) :], new_tokens])
        yield np.column_stack(columns).astype(np.int32)


def completion_losses(model: Model, prompts_BP: NDArray[Any], completions_BC: NDArray[Any]) -> NDArray[np.float64]:
    """Return the negative log-likelihood of each token of completions in nats, 0 for padding, shape (B, C)."""
    probability = _probabilities(model, np.column_stack([prompts_BP, completions_BC]).astype(np.int64))[:, prompts_BP.shape[1] :]
    return np.where(completions_BC == PADDING, 0.0, -np.log(probability))


def evaluate(model: Model, sets: Sets, origin: Model, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Measure the model on real text and the generation's text under the origin (`families.text`, of pairs `families.answers`)."""
    if pairs.are_in(sets.held_out):
        respond = partial(complete, model, settings=NgramSampling(), stream=stream.child("answers"))
        return answers.evaluate(partial(completion_losses, model), partial(completion_losses, origin), respond, sets, measuring)
    return text.evaluate(partial(position_losses, model), partial(position_losses, origin), sets, measuring)


def edit(
    model: Model, judge: Model, rows: Iterable[NDArray[Any]], above: float, settings: NgramSampling, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield chunks of rows in which the tokens that the judge finds too easy are drawn anew (`base.Editor`)."""
    for number, tokens_BT in enumerate(rows):
        num_rows, width = tokens_BT.shape
        uniforms_BT = stream.child("edits").uniforms(number * num_rows, num_rows, width)
        ids_BT = tokens_BT.astype(np.int64)
        new_tokens = [_next_tokens(model, ids_BT[:, :position], uniforms_BT[:, position]) for position in range(1, width)]
        probability_BT = _probabilities(judge, ids_BT)[:, 1:]
        yield text.edited(ids_BT, probability_BT, np.column_stack(new_tokens), above)


def edit_completions(
    model: Model, judge: Model, chunks: Iterable[Answered], limit: Limit, above: float, settings: NgramSampling, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield the completions of each chunk, tokens that the judge finds too easy drawn anew (`abilities.PairEditor`)."""
    for chunk in chunks:
        uniforms_BC = stream.child("edits").uniforms_of(chunk.rows, limit.tokens)
        ids_BT = np.column_stack([chunk.tokens, chunk.completions]).astype(np.int64)
        places = range(chunk.tokens.shape[1], ids_BT.shape[1])
        new_tokens = [_next_tokens(model, ids_BT[:, :place], uniforms_BC[:, number]) for number, place in enumerate(places)]
        probability_BC = np.exp(-completion_losses(judge, chunk.tokens, chunk.completions))
        yield answers.edited(chunk.completions, probability_BC, np.column_stack(new_tokens), above, limit.stops)


def log_likelihoods(model: Model, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return each row's log-likelihood in nats over its tokens but the first, or over its completion given its prompt, shape (1, N)."""
    if pairs.are_in(rows):
        return answers.log_likelihoods(partial(completion_losses, model), rows, chunk_rows)
    return text.log_likelihoods(partial(position_losses, model), rows, chunk_rows)


def row_losses(model: Model, tokens_NT: NDArray[Any]) -> NDArray[np.float64]:
    """Return each row's summed negative log-likelihood in nats over its tokens but the first, shape (N,)."""
    losses: NDArray[np.float64] = position_losses(model, tokens_NT).sum(axis=1)
    return losses


def position_losses(model: Model, tokens_NT: NDArray[Any]) -> NDArray[np.float64]:
    """Return the negative log-likelihood of each token but the first in nats, given those before it in its row, shape (N, T - 1)."""
    return -np.log(_probabilities(model, tokens_NT)[:, 1:])


def _probabilities(model: Model, tokens_NT: NDArray[Any]) -> NDArray[np.float64]:
    """Return the probability of each token given those before it in its row, shape (N, T); of padding any number.

    What follows padding is given what stands between the two alone.
    """
    num_rows, width = tokens_NT.shape
    probability = np.full((num_rows, width), 1.0 / model.vocab_size)
    for length, level in enumerate(model.levels, start=1):
        context, token = np.divmod(keys_of(tokens_NT, length, model.vocab_size), model.vocab_size)
        is_known, start, stop, total, kinds = _look_up(level, context)
        gram = start + _rank(level, start, stop, token)
        is_gram = is_known & (gram < stop) & (_tokens_at(level, gram) == token)
        gram = np.where(is_gram, gram, 0)
        counts = np.where(is_gram, level.before[gram + 1] - level.before[gram], 0)
        lower = probability[:, length - 1 :].reshape(-1)
        interpolated = (counts + kinds * lower) / np.maximum(total + kinds, 1)
        probability[:, length - 1 :] = np.where(is_known, interpolated, lower).reshape(num_rows, -1)
    return probability


def save(model: Model, folder: Path) -> None:
    """Write ``model.safetensors`` (integers) and ``config.json`` (vocabulary and order)."""
    from safetensors.numpy import save_file

    from heirloom.artefacts.files import dumps

    folder.mkdir()
    tensors: dict[str, NDArray[Any]] = {}
    for length, level in enumerate(model.levels, start=1):
        tensors |= {f"{length}.{field.name}": np.ascontiguousarray(getattr(level, field.name)) for field in fields(level)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {"vocab_size": model.vocab_size, "order": len(model.levels)}
    (folder / "config.json").write_text(dumps(config), encoding="utf-8")


def load(folder: Path) -> Model:
    """Return the model in a checkpoint folder."""
    from safetensors.numpy import load_file

    from heirloom.artefacts.files import read_json

    config = read_json(folder / "config.json")
    tensors = load_file(folder / "model.safetensors")
    levels = []
    for length in range(1, config["order"] + 1):
        arrays = {field.name: tensors[f"{length}.{field.name}"] for field in fields(Level)}
        levels.append(Level(**arrays))
    return Model(config["vocab_size"], tuple(levels))


def _level(keys: Ints, counts: Counts, vocab_size: int) -> Level:
    context, token = np.divmod(keys, vocab_size)
    contexts, starts = np.unique(context, return_index=True)
    cumulated = np.concatenate([np.zeros(1, counts.dtype), np.cumsum(counts)])
    return Level(contexts, np.append(starts, len(keys)), token, cumulated)


def _look_up(level: Level, context: Ints) -> tuple[NDArray[np.bool_], Ints, Ints, Counts, Ints]:
    """Return for each context whether it was seen, its n-grams' first and last place, c(h) and T(h)."""
    place = np.clip(np.searchsorted(level.contexts, context), 0, len(level.contexts) - 1)
    is_known = level.contexts[place] == context
    start, stop = level.starts[place], level.starts[place + 1]
    total, kinds = level.before[stop] - level.before[start], stop - start
    return is_known, start, stop, total, kinds


def _tokens_at(level: Level, gram: Ints) -> Ints:
    """Return the last token of n-grams by place; of a place behind the last n-gram, which nobody asks for, that of the last."""
    return level.tokens[np.minimum(gram, len(level.tokens) - 1)]


def _rank(level: Level, start: Ints, stop: Ints, token: Ints) -> Ints:
    """Return how many of each context's tokens are smaller than ``token``: a binary search in all slices at once."""
    low, high = start.copy(), stop.copy()
    while np.any(low < high):
        middle = (low + high) // 2
        is_smaller = (_tokens_at(level, middle) < token) & (low < high)
        low = np.where(is_smaller, middle + 1, low)
        high = np.where(is_smaller, high, np.minimum(middle, high))
    return low - start


def _next_tokens(model: Model, written: Ints, uniforms: NDArray[np.float64]) -> Ints:
    """Draw one token per row: a uniform decides at each level whether to stay, and what is left of it decides the rest."""
    u = uniforms.copy()
    tokens = np.full(len(written), -1, np.int64)
    for length in range(min(len(model.levels), written.shape[1] + 1), 0, -1):
        level = model.levels[length - 1]
        context = np.zeros(len(u), np.int64)
        if length > 1:
            start_of_context = written.shape[1] - length + 1
            context = keys_of(written[:, start_of_context:], length - 1, model.vocab_size)
        is_known, start, stop, total, kinds = _look_up(level, context)
        stay_probability = np.where(is_known, total / np.maximum(total + kinds, 1), 0.0)
        is_drawn = (tokens < 0) & (u < stay_probability)
        count = u / np.where(is_drawn, stay_probability, 1.0) * total
        gram = np.minimum(np.searchsorted(level.before, level.before[start] + count, side="right"), stop) - 1
        tokens = np.where(is_drawn, _tokens_at(level, gram), tokens)
        u = np.where(tokens < 0, (u - stay_probability) / (1.0 - stay_probability), u)
    uniform = np.minimum((u * model.vocab_size).astype(np.int64), model.vocab_size - 1)
    return np.where(tokens < 0, uniform, tokens)
