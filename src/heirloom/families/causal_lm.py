"""Any causal language model of `transformers`, by its own tokenizer: the library network (`lm.library`) in the engine room (`lm`)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.data import pairs as pair_data
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Answered, Limit, Prompts
from heirloom.errors import HeirloomError
from heirloom.families import minibatches
from heirloom.families.base import Measuring, Sets
from heirloom.families.lm import adamw, editing, evaluation, loop, pairs, sampling, schedules, training, weights
from heirloom.families.lm import network as lm
from heirloom.families.lm.decoding import Decoding
from heirloom.families.lm.library import completion
from heirloom.families.lm.library.generation import banned, writer
from heirloom.families.lm.library.learner import Learner
from heirloom.families.lm.library.llama import llama
from heirloom.families.lm.library.model import CausalLM, fetch, load, save
from heirloom.families.lm.native import writer as native
from heirloom.families.lm.pairs import completion_losses
from heirloom.families.lm.scoring import log_likelihoods, row_losses
from heirloom.runtime import processes
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import CausalLM as Spec
from heirloom.specs.causal_lm import CausalSampling as Sampling
from heirloom.specs.causal_lm import CausalTraining as Fit

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
    "fetch",
    "load",
    "log_likelihoods",
    "resume",
    "row_losses",
    "sample",
    "save",
    "train",
]


def train(rows: Dataset, fit: Fit, start: CausalLM | None, stream: Stream, validation: Dataset | None = None) -> CausalLM:
    """Return the model fine-tuned on ``rows``, from ``start``, or from new weights of its architecture.

    Parameters
    ----------
    validation
        Held-out real rows, for ``best_epoch: real``.

    Raises
    ------
    HeirloomError
        If there are fewer rows than a batch, rows do not fit the model, a loss is not finite, no weight changes, or memory runs out.
    """
    return resume(rows, fit, start, stream, None, validation)


def resume(
    rows: Dataset, fit: Fit, start: CausalLM | None, stream: Stream, state: Path | None, validation: Dataset | None = None
) -> CausalLM:
    """Return what `train` would, going on from what an earlier call has left in the folder ``state`` (`abilities.Resumable`)."""
    if start is None:
        raise HeirloomError("a causal_lm has no weights of its own: it must be given the model of family.model, or a checkpoint")
    if rows.num_rows < fit.batch_rows:
        raise HeirloomError(
            f"the training set has {rows.num_rows} rows, fewer than family.training.batch_rows = {fit.batch_rows}; lower it"
        )
    settings = loop.Settings(
        epochs=fit.epochs,
        batch_rows=fit.batch_rows,
        rate=schedules.cosine_by_epoch(fit.learning_rate, fit.final_learning_rate, fit.epochs),
        averaging=adamw.Settings(weight_decay=fit.weight_decay),
        clip=fit.clip_norm,
        micro_rows=fit.micro_rows,
    )
    learner = _learner(start, fit, stream)
    model: CausalLM = training.train(learner, rows, fit, settings, stream, state, validation, fewest=fit.batch_rows)
    return model


def _learner(start: CausalLM, fit: Fit, stream: Stream) -> lm.Learner:
    """Return what learns: of several processes each holds a part of the weights."""
    if processes.count() == 1:
        return Learner.of(start, fit, stream)
    from heirloom.families.lm.library.sharding import ShardedLearner  # a second of imports

    return ShardedLearner.of(start, fit, stream)


def sample(
    model: CausalLM, prompts: Iterable[NDArray[Any]] | None, num_rows: int, settings: Sampling, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield a continuation of each prompt, as long as the prompt (`lm.sampling`)."""
    minibatches.use_deterministic_kernels()
    return sampling.sample(model, writer(model, settings), prompts, settings, stream)


def complete(model: CausalLM, prompts: Iterable[Prompts], limit: Limit, settings: Sampling, stream: Stream) -> Iterator[NDArray[np.int32]]:
    """Yield the completions of each chunk of prompts (`lm.pairs`)."""
    minibatches.use_deterministic_kernels()
    return pairs.complete(model, _completer(model, settings), prompts, limit, stream)


def _completer(model: CausalLM, settings: Sampling) -> pairs.Completer:
    """Return what completes prompts."""
    if settings.engine == "native":
        return native.completer(llama(model), settings)
    return partial(completion.complete_prompts, model, settings)


def edit(
    model: CausalLM, judge: CausalLM, rows: Iterable[NDArray[Any]], above: float, settings: Sampling, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield chunks of rows in which the tokens that the judge finds too easy are drawn anew (`lm.editing`)."""
    minibatches.use_deterministic_kernels()
    return editing.edit(model, judge, rows, above, Decoding.of(settings, banned(model, settings)), stream)


def edit_completions(
    model: CausalLM, judge: CausalLM, chunks: Iterable[Answered], limit: Limit, above: float, settings: Sampling, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield the completions of each chunk, tokens that the judge finds too easy drawn anew (`lm.editing`)."""
    minibatches.use_deterministic_kernels()
    return editing.edit_completions(model, judge, chunks, limit, above, Decoding.of(settings), stream)


def blended(model: CausalLM, base: CausalLM, base_share: float) -> CausalLM:
    """Return the model whose weights are b base + (1 - b) model (`lm.weights`); what is no float, such as a counter, stays the model's.

    Raises
    ------
    HeirloomError
        If a model is adapters alone.
    """
    if model.is_adapter or base.is_adapter:
        raise HeirloomError("repair needs whole weights; use family.training.lora.checkpoint: merged")
    module = copy.deepcopy(model.module)
    module.load_state_dict(weights.blended(module.state_dict(), base.module.state_dict(), base_share))
    return CausalLM(module.eval())


def evaluate(model: CausalLM, sets: Sets, origin: CausalLM, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Return the measures that all text families share (`families.text`), and those of the publication's recipe."""
    minibatches.use_deterministic_kernels()
    if pair_data.are_in(sets.held_out):
        return pairs.evaluate(model, _completer(model, Sampling(temperature=0.0)), sets, origin, measuring, stream, load)
    return evaluation.evaluate(model, sets, origin, measuring, stream, load, by_block=True)
