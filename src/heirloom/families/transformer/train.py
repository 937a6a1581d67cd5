"""Train a transformer on a dataset: begin from new or given weights, and read rows from a memory-mapped file."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import minibatches
from heirloom.families.transformer import training
from heirloom.families.transformer.model import Llama, LlamaShape, initialise
from heirloom.runtime import device, memory
from heirloom.runtime.streams import Stream
from heirloom.specs.transformer import TransformerFit

log = logging.getLogger(__name__)


def train(rows: Dataset, fit: TransformerFit, start: Llama | None, stream: Stream) -> Llama:
    """Return the model trained on ``rows``, from ``start`` or from new weights.

    Raises
    ------
    HeirloomError
        If the start has another shape, the loss is not finite, or no weight changes.
    """
    return resume(rows, fit, start, stream, None)


def resume(rows: Dataset, fit: TransformerFit, start: Llama | None, stream: Stream, state: Path | None) -> Llama:
    """Return what `train` would, going on from what an earlier call has left in the folder ``state`` (`base.Resumable`)."""
    shape = LlamaShape(vocab_size=fit.vocab_size, context_tokens=fit.context_tokens, **fit.architecture.model_dump())
    initial = start or Llama(shape, initialise(shape, stream.child("initial"))).on(device.current())
    if initial.shape != shape:
        raise HeirloomError(f"the start checkpoint has shape {initial.shape}, but family.training.architecture asks for {shape}")
    settings = training.TrainSettings(
        epochs=fit.schedule.epochs,
        batch_rows=fit.schedule.batch_rows,
        learning_rate=fit.schedule.learning_rate,
        weight_decay=fit.weight_decay,
        warmup=fit.warmup_share,
        clip=fit.clip_norm,
        micro_rows=fit.micro_rows,
        precision=fit.precision,
    )
    weight_N = rows.weights() if rows.is_weighted else None
    with minibatches.memory_mapped(rows, "tokens", np.int32) as tokens_NT, memory.guard("training", "family.training.micro_rows"):
        trained, record = training.train(initial, tokens_NT, stream, settings, weight_N, state)
    log.info(
        "%d tokens in %d steps; loss %.4f → %.4f nats a token", record.num_tokens, len(record.losses), record.losses[0], record.losses[-1]
    )
    return trained
