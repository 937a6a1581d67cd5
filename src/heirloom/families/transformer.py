"""A small Llama-architecture language model trained from scratch: the native network (`lm.native`) in the engine room (`lm`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.data import pairs as pair_data
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Answered, Limit, Prompts
from heirloom.errors import HeirloomError
from heirloom.families.base import Measuring, Sets
from heirloom.families.lm import adamw, editing, evaluation, loop, pairs, sampling, schedules, training, weights
from heirloom.families.lm.decoding import Decoding
from heirloom.families.lm.native.checkpoint import load
from heirloom.families.lm.native.checkpoint import save_folder as save
from heirloom.families.lm.native.learner import Learner
from heirloom.families.lm.native.model import Llama, LlamaShape, initialise
from heirloom.families.lm.native.writer import completer, writer
from heirloom.families.lm.pairs import completion_losses
from heirloom.families.lm.scoring import log_likelihoods, row_losses
from heirloom.runtime import device
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Decoding as Sampling
from heirloom.specs.transformer import Transformer as Spec
from heirloom.specs.transformer import TransformerFit as Fit

__all__ = [
    "Fit",
    "Sampling",
    "Spec",
    "blended",
    "complete",
    "completion_losses",
    "edit",
    "edit_completions",
    "evaluate",
    "load",
    "log_likelihoods",
    "resume",
    "row_losses",
    "sample",
    "save",
    "train",
]

BETAS = (0.9, 0.95)


def train(rows: Dataset, fit: Fit, start: Llama | None, stream: Stream, validation: Dataset | None = None) -> Llama:
    """Return the model trained on ``rows``, from ``start`` or from new weights.

    Parameters
    ----------
    validation
        Held-out real rows, for ``best_epoch: real``.

    Raises
    ------
    HeirloomError
        If the start has another shape, the loss is not finite, or no weight changes.
    """
    return resume(rows, fit, start, stream, None, validation)


def resume(rows: Dataset, fit: Fit, start: Llama | None, stream: Stream, state: Path | None, validation: Dataset | None = None) -> Llama:
    """Return what `train` would, going on from what an earlier call has left in the folder ``state`` (`abilities.Resumable`)."""
    shape = LlamaShape(vocab_size=fit.vocab_size, context_tokens=fit.context_tokens, **fit.architecture.model_dump())
    initial = start or Llama(shape, initialise(shape, stream.child("initial"))).on(device.current())
    if initial.shape != shape:
        raise HeirloomError(f"the start checkpoint has shape {initial.shape}, but family.training.architecture asks for {shape}")
    settings = loop.Settings(
        epochs=fit.schedule.epochs,
        batch_rows=fit.schedule.batch_rows,
        rate=schedules.warmed_cosine(fit.schedule.learning_rate, fit.warmup_share),
        averaging=adamw.Settings(BETAS, fit.weight_decay, matrices_only=True),
        clip=fit.clip_norm,
        micro_rows=fit.micro_rows,
    )
    learner = Learner.of(initial, fit.precision, fit.loss)
    model: Llama = training.train(learner, rows, fit, settings, stream, state, validation)
    return model


def sample(
    model: Llama, prompts: Iterable[NDArray[Any]] | None, num_rows: int, settings: Sampling, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield a continuation of each prompt, as long as the prompt (`lm.sampling`)."""
    return sampling.sample(model, writer(model, settings), prompts, settings, stream)


def complete(model: Llama, prompts: Iterable[Prompts], limit: Limit, settings: Sampling, stream: Stream) -> Iterator[NDArray[np.int32]]:
    """Yield the completions of each chunk of prompts (`lm.pairs`)."""
    return pairs.complete(model, completer(model, settings), prompts, limit, stream)


def edit(
    model: Llama, judge: Llama, rows: Iterable[NDArray[Any]], above: float, settings: Sampling, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield chunks of rows in which the tokens that the judge finds too easy are drawn anew (`lm.editing`)."""
    return editing.edit(model, judge, rows, above, Decoding.of(settings), stream)


def edit_completions(
    model: Llama, judge: Llama, chunks: Iterable[Answered], limit: Limit, above: float, settings: Sampling, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield the completions of each chunk, tokens that the judge finds too easy drawn anew (`lm.editing`)."""
    return editing.edit_completions(model, judge, chunks, limit, above, Decoding.of(settings), stream)


def blended(model: Llama, base: Llama, base_share: float) -> Llama:
    """Return the model whose weights are b base + (1 - b) model (`lm.weights`)."""
    return Llama(model.shape, weights.blended(model.weights, base.weights, base_share))


def evaluate(model: Llama, sets: Sets, origin: Llama, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Return the measures that all text families share (`families.text`)."""
    if pair_data.are_in(sets.held_out):
        return pairs.evaluate(model, completer(model, Sampling(temperature=0.0)), sets, origin, measuring, stream, load)
    return evaluation.evaluate(model, sets, origin, measuring, stream, load, by_block=False)
