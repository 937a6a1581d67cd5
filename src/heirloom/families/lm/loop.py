"""Training of a language model: AdamW over steps of rows, each step shared by all processes, the best epoch's weights kept.

The loop cannot tell where its rows come from. Given equal weights, rows, settings and stream it leaves equal bytes, on one machine and at
one thread count: it reads the thread count, and never sets it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.families import minibatches
from heirloom.families.lm import adamw, state
from heirloom.families.lm.network import Batch, Learner
from heirloom.families.lm.rows import Rows
from heirloom.families.lm.schedules import Rate
from heirloom.families.lm.state import Progress
from heirloom.families.lm.weights import checksums, snapshot
from heirloom.runtime import meter, processes
from heirloom.runtime.streams import Stream

log = logging.getLogger(__name__)

Averages = Mapping[str, adamw.Averages]


@dataclass(frozen=True)
class Settings:
    """How to train.

    Parameters
    ----------
    epochs
        Passes over the rows.
    batch_rows
        Rows of a step. The last step of an epoch takes what is left.
    rate
        Learning rate of each step.
    averaging
        Of AdamW.
    clip
        Largest Euclidean norm of the gradient; None does not clip.
    micro_rows
        Rows whose activations exist at one time: the gradients of a step's parts are added up. None for the whole step.
    """

    epochs: int
    batch_rows: int
    rate: Rate
    averaging: adamw.Settings
    clip: float | None = None
    micro_rows: int | None = None


@dataclass(frozen=True)
class Training:
    """What is trained, on which rows, and how.

    Parameters
    ----------
    learner
        Its weights change in place.
    rows
        What it learns.
    settings
        How.
    stream
        Of the order of the rows and of dropout.
    validation
        Rows whose loss after each epoch chooses the best one; None keeps the last.
    """

    learner: Learner
    rows: Rows
    settings: Settings
    stream: Stream
    validation: Rows | None = None


def train(training: Training, folder: Path | None = None) -> Progress:
    """Train in place and return how it went; the best epoch's weights are in it where they are not those of the last.

    Minimises the mean of -log p(token | tokens before it in its row) over the labelled tokens of a step (`rows`), with AdamW. Epoch e
    reads the rows in an order drawn from ``training.stream``. Progress is saved in ``folder`` now and then, and a call that finds some
    there goes on from it to the same bytes.

    Raises
    ------
    HeirloomError
        If there is nothing to train on, all weights are frozen, the loss or its gradient is not finite, or no weight changed.
    """
    weights, rows, settings = training.learner.weights, training.rows, training.settings
    total_steps = settings.epochs * rows.num_steps(settings.batch_rows)
    if total_steps < 1:
        raise HeirloomError(f"training needs at least one row and one epoch, got {len(rows)} rows and {settings.epochs} epochs")
    if not weights:
        raise HeirloomError("no weight of the model can be trained: all are frozen")
    minibatches.use_deterministic_kernels()
    initial_checksums = checksums(weights)
    averages = adamw.begin(weights)
    progress = state.restore(folder, training.learner, averages) if folder else Progress()
    if progress.losses:
        log.info("going on after step %d of %d", len(progress.losses), total_steps)
    _epochs(training, averages, progress, folder)
    for weight in weights.values():
        weight.grad = None
    if not processes.is_any(checksums(weights) != initial_checksums):
        rate = settings.rate(0, total_steps)
        raise HeirloomError(f"no weight changed in {total_steps} steps, the first at learning rate {rate:.3g}: learning_rate is too small")
    return progress


def _epochs(training: Training, averages: Averages, progress: Progress, folder: Path | None) -> None:
    """Make all steps that are left."""

    def save(target: Path) -> None:
        state.save(target, training.learner, averages, progress)

    lengths, epochs = training.rows.lengths, training.settings.epochs
    steps, num_done = _steps_of_epoch(training, progress)
    tokens_done = progress.epochs * lengths.sum() + sum(lengths[step].sum() for step in steps[:num_done])
    with (
        minibatches.saving(folder, save, together=training.learner.layout.is_sharded) as step_done,
        meter.progress("training", epochs * int(lengths.sum()), int(tokens_done)) as report,
    ):
        while progress.epochs < epochs:
            for step in _epoch(training, averages, progress):
                report(int(lengths[step].sum()))
                step_done()
            _end_epoch(training, progress)


def _steps_of_epoch(training: Training, progress: Progress) -> tuple[list[NDArray[np.int64]], int]:
    """Return the rows of each step of the epoch under way, and how many of the steps are done."""
    steps = training.rows.steps(progress.epochs, training.settings.batch_rows, training.stream)
    return steps, len(progress.losses) - progress.epochs * len(steps)


def _epoch(training: Training, averages: Averages, progress: Progress) -> Iterator[NDArray[np.int64]]:
    """Make the steps that are left of an epoch, and yield the rows of each."""
    learner, settings = training.learner, training.settings
    steps, num_done = _steps_of_epoch(training, progress)
    for number in range(num_done, len(steps)):
        rate = settings.rate(len(progress.losses), settings.epochs * len(steps))
        loss = _gradients(training, steps[number], training.stream.child("noise", progress.epochs, number))
        _check(learner, loss, len(progress.losses), rate, settings.clip)
        adamw.update(learner.weights, averages, rate, settings.averaging)
        progress.losses.append(loss)
        yield steps[number]


def _gradients(training: Training, step: NDArray[np.int64], noise: Stream) -> float:
    """Fill the weights' gradients with those of a step's loss, and return the loss: the same in every process.

    Each process takes its share of the rows. Dropout draws from ``noise`` where a share begins with the step, elsewhere from its child of
    the share's first row: no two rows of a step are given the same masks because they are in different processes.
    """
    learner = training.learner
    for weight in learner.weights.values():
        weight.grad = None
    share = range(len(step))[processes.share(len(step))]
    loss = torch.zeros((), dtype=torch.float64, device=learner.device)
    with learner.noise(noise.child(share.start) if share.start else noise):
        for batch in _batches(training, step, share):
            loss += learner.add_gradients(batch)
    learner.layout.add_up(learner.weights, loss)
    return loss.item()


def _batches(training: Training, step: NDArray[np.int64], share: range) -> Iterator[Batch]:
    """Yield the rows of each forward pass of a process; a pass that is left over reads one row, whose loss counts nothing (`layout`)."""
    device, micro_rows = training.learner.device, training.settings.micro_rows or len(step)
    for number in range(training.learner.layout.num_passes(len(step), micro_rows)):
        part = step[share.start : share.stop][number * micro_rows : (number + 1) * micro_rows]
        if len(part):
            yield training.rows.batch(part, step, device)
        else:
            yield replace(training.rows.batch(step[:1], step, device), weights=torch.zeros(1, device=device))


def _check(learner: Learner, loss: float, step: int, rate: float, clip: float | None) -> None:
    """Shorten the gradients to the norm ``clip``, all together; raise if they or the loss are not finite."""
    norm = _clip(learner, clip) if clip is not None else 0.0
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise HeirloomError(
            f"at step {step} the loss is {loss}, at learning rate {rate:.3g}, and the norm of its gradient {norm}: both must be finite, "
            "so family.training's learning_rate must be smaller, or the weights are not usable"
        )


def _clip(learner: Learner, clip: float) -> float:
    """Shorten the gradients to the norm ``clip``, all together, and return the norm that they had."""
    weights = list(learner.weights.values())
    part_norm = torch.nn.utils.get_total_norm([weight.grad for weight in weights if weight.grad is not None])
    norm = learner.layout.norm(part_norm)
    torch.nn.utils.clip_grads_with_norm_(weights, clip, norm)
    return float(norm)


def _end_epoch(training: Training, progress: Progress) -> None:
    """Note that an epoch is over, and keep its weights if its validation loss is the lowest so far."""
    epochs, validation = training.settings.epochs, training.validation
    first_step = progress.epochs * len(progress.losses) // (progress.epochs + 1)
    loss = np.mean(progress.losses[first_step:])
    progress.epochs += 1
    message = f"epoch {progress.epochs} of {epochs}: training loss {loss:.4f} nats a token"
    if validation is None:
        log.info("%s", message)
        return
    score = validation_loss(training.learner, validation)
    log.info("%s, validation loss %.4f", message, score)
    if score < progress.lowest:
        progress.lowest, progress.best = score, progress.epochs
        progress.best_weights = snapshot(training.learner.weights) if progress.epochs < epochs else None


def validation_loss(learner: Learner, rows: Rows) -> float:
    """Return the mean nats of the rows' labelled tokens, the same number in every process: each scores its share of them.

    Raises
    ------
    HeirloomError
        If it is not finite.
    """
    network = learner.network
    num_passes = learner.layout.num_passes(len(rows), network.rows_at_once)
    nats = torch.tensor(rows.nats(network, processes.share(len(rows)), num_passes), dtype=torch.float64)
    processes.add_up([nats])
    loss = nats.item() / int(rows.num_labels.sum())
    if not math.isfinite(loss):
        raise HeirloomError(f"the validation loss is {loss}; family.training.learning_rate must be smaller")
    return loss
