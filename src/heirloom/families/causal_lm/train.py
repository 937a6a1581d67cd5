"""Fine-tune a causal language model on a dataset, and keep the epoch whose validation loss is lowest."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.optim import Optimizer

from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import minibatches
from heirloom.families.causal_lm import lora, optimisation, unfinished
from heirloom.families.causal_lm.last_epoch import Epochs
from heirloom.families.causal_lm.model import CausalLM, build, check_context, check_tokens
from heirloom.families.causal_lm.optimisation import Examples
from heirloom.families.causal_lm.unfinished import Progress
from heirloom.runtime import memory, meter, processes
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import CausalTraining

log = logging.getLogger(__name__)


def train(rows: Dataset, fit: CausalTraining, start: CausalLM | None, stream: Stream, validation: Dataset | None = None) -> CausalLM:
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
    rows: Dataset, fit: CausalTraining, start: CausalLM | None, stream: Stream, state: Path | None, validation: Dataset | None = None
) -> CausalLM:
    """Return what `train` would, going on from what an earlier call has left in the folder ``state`` (`base.Resumable`)."""
    if start is None:
        raise HeirloomError("a causal_lm has no weights of its own: it must be given the model of family.model, or a checkpoint")
    if rows.num_rows < fit.batch_rows:
        raise HeirloomError(
            f"the training set has {rows.num_rows} rows, fewer than family.training.batch_rows = {fit.batch_rows}; lower it"
        )
    minibatches.use_deterministic_kernels()
    pupil = _initial_module(start, fit, stream)
    with minibatches.memory_mapped(rows, "tokens", np.int32) as tokens_NT, memory.guard("training", "family.training.micro_rows"):
        check_tokens(start, tokens_NT, "training rows")
        check_context(start, tokens_NT.shape[1], "training rows")
        examples, validation_NT = _validation_split(tokens_NT, rows, fit, validation, stream)
        initial_checksums = optimisation.checksums(pupil)
        epochs = _epochs(pupil, examples, validation_NT, fit, stream, state)
    checksums = optimisation.checksums(pupil)
    if not checksums or checksums == initial_checksums:
        raise HeirloomError(
            f"no weight changed in {fit.epochs} epochs at learning_rate {fit.learning_rate}: it is too small, or all are frozen"
        )
    if epochs is not None and epochs.module is not None:
        epochs = replace(epochs, module=_saved_module(epochs.module, fit))
    return CausalLM(_saved_module(pupil, fit), start.folder, epochs)


def _saved_module(pupil: Any, fit: CausalTraining) -> Any:
    """Return a trained module as it is saved: adapters are merged, unless they are saved alone."""
    is_adapter = fit.lora and fit.lora.checkpoint == "adapter"
    module = pupil if is_adapter else lora.merged(pupil)
    return module.eval()


def learning_rate(epoch: int, fit: CausalTraining) -> float:
    """Return the learning rate of an epoch (from 0): f + (l - f) (1 + cos(pi epoch / epochs)) / 2, from l towards f.

    Loshchilov and Hutter (2017), SGDR, equation 5, without restarts, stepped once an epoch: f itself is never reached.
    """
    falling = (1.0 + math.cos(math.pi * epoch / fit.epochs)) / 2.0
    return fit.final_learning_rate + (fit.learning_rate - fit.final_learning_rate) * falling


def _initial_module(start: CausalLM, fit: CausalTraining, stream: Stream) -> Any:
    """Return the module that is trained, apart from ``start``, which stays as it is."""
    if fit.start == "scratch":
        return build(copy.deepcopy(start.module.config), stream.child("initial")).module
    module = lora.merged(copy.deepcopy(start.module))
    return lora.wrapped(module, fit.lora, stream.child("adapters")) if fit.lora else module


def _validation_split(
    tokens_NT: NDArray[Any], rows: Dataset, fit: CausalTraining, validation: Dataset | None, stream: Stream
) -> tuple[Examples, NDArray[Any] | None]:
    """Return the rows to train on, and those that choose the epoch, if any do."""
    weight_N = rows.weights() if rows.is_weighted else None
    everything = Examples(tokens_NT, np.arange(len(tokens_NT)), weight_N)
    if fit.best_epoch == "last":
        return everything, None
    if fit.best_epoch == "real":
        if validation is None:
            raise HeirloomError("family.training.best_epoch: real needs the real validation split")
        return everything, validation.head("tokens", fit.validation_rows or validation.num_rows)
    count = fit.held_out_rows(len(tokens_NT))
    order = stream.child("validation").generator().permutation(len(tokens_NT))
    if len(tokens_NT) - count < fit.batch_rows:
        raise HeirloomError(f"holding out {count} of {len(tokens_NT)} rows for validation leaves fewer than batch_rows = {fit.batch_rows}")
    validation_NT = tokens_NT[np.sort(order[:count])][: fit.validation_rows]
    return Examples(tokens_NT, np.sort(order[count:]), weight_N), validation_NT


def _epochs(
    pupil: Any, examples: Examples, validation_NT: NDArray[Any] | None, fit: CausalTraining, stream: Stream, state: Path | None
) -> Epochs | None:
    """Train in place, from where the folder ``state`` says, and leave the weights of the best epoch; return both epochs where asked to."""
    optimiser = optimisation.adamw(pupil, fit)
    progress = unfinished.restore(state, pupil, optimiser) if state else Progress()
    if progress.losses:
        log.info("going on after step %d, in epoch %d of %d", len(progress.losses), progress.epochs + 1, fit.epochs)
    num_rows, width = len(examples.positions), examples.tokens.shape[1]
    rows_done = progress.epochs * num_rows + _steps_done(progress, num_rows, fit) * fit.batch_rows

    def save(folder: Path) -> None:
        unfinished.save(folder, pupil, optimiser, progress)

    with (
        minibatches.saving(state, save) as step_done,
        meter.progress("training", fit.epochs * num_rows * width, rows_done * width) as report,
    ):
        while progress.epochs < fit.epochs:
            for rows in _epoch(pupil, optimiser, examples, fit, stream, progress):
                report(rows * width)
                step_done()
            _end_epoch(pupil, validation_NT, fit, progress)
    last_module = copy.deepcopy(pupil) if fit.last_epoch and progress.best_weights is not None else None
    if progress.best_weights is not None:
        optimisation.put_back(pupil, progress.best_weights)
    return Epochs(progress.best, progress.epochs, last_module) if fit.last_epoch else None


def _steps_done(progress: Progress, num_rows: int, fit: CausalTraining) -> int:
    """Return how many steps of the epoch under way are done."""
    return len(progress.losses) - progress.epochs * math.ceil(num_rows / fit.batch_rows)


def _epoch(pupil: Any, optimiser: Optimizer, examples: Examples, fit: CausalTraining, stream: Stream, progress: Progress) -> Iterator[int]:
    """Make the steps that are left of an epoch, and yield the number of rows that each has read."""
    epoch, num_rows = progress.epochs, len(examples.positions)
    rate = learning_rate(epoch, fit)
    for group in optimiser.param_groups:
        group["lr"] = rate
    pupil.train()
    steps = enumerate(minibatches.one_epoch(num_rows, epoch, fit.batch_rows, stream))
    for step, batch in islice(steps, _steps_done(progress, num_rows, fit), None):
        loss = optimisation.step(pupil, optimiser, examples, batch, fit, stream.child("noise", epoch, step))
        if not math.isfinite(loss):
            raise HeirloomError(
                f"at step {step} of an epoch the loss is {loss}, at learning rate {rate:.3g}: it must be finite, "
                "so family.training.learning_rate must be smaller, or the weights are not usable"
            )
        progress.losses.append(loss)
        yield len(batch)
    pupil.eval()


def _end_epoch(pupil: Any, validation_NT: NDArray[Any] | None, fit: CausalTraining, progress: Progress) -> None:
    """Note that an epoch is over, and keep its weights if its validation loss is the lowest so far."""
    first_step = progress.epochs * len(progress.losses) // (progress.epochs + 1)
    loss = np.mean(progress.losses[first_step:])
    message = f"epoch {progress.epochs + 1} of {fit.epochs}: training loss {loss:.4f} nats a token"
    score = math.inf if validation_NT is None else _validation_loss(pupil, validation_NT)
    progress.epochs += 1
    log.info("%s", message if validation_NT is None else f"{message}, validation loss {score:.4f}")
    if score < progress.lowest:
        progress.lowest, progress.best = score, progress.epochs
        progress.best_weights = optimisation.snapshot(pupil) if progress.epochs < fit.epochs else None


def _validation_loss(pupil: Any, validation_NT: NDArray[Any]) -> float:
    """Return the mean nats a token of the rows that choose the epoch, the same number in every process: each scores its share of them."""
    import torch

    from heirloom.families.causal_lm.scoring import position_losses

    share_NT = validation_NT[processes.share(len(validation_NT))]
    nats = torch.tensor(position_losses(CausalLM(pupil.eval()), share_NT).sum(), dtype=torch.float64)
    processes.add_up([nats])
    loss = nats.item() / (len(validation_NT) * (validation_NT.shape[1] - 1))
    if not math.isfinite(loss):
        raise HeirloomError(f"the validation loss is {loss}; family.training.learning_rate must be smaller")
    return loss
