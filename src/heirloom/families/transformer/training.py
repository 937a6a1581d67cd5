"""Next-token training: AdamW over rows of tokens, with the output head and its loss taken in chunks that stay in cache.

The training loop cannot tell where its rows come from. Given equal weights, rows, settings and stream it returns equal bytes,
on one machine and at one thread count: it reads the thread count, and never sets it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heirloom.errors import HeirloomError
from heirloom.families import minibatches
from heirloom.families.transformer import adamw, progress
from heirloom.families.transformer.model import Llama, hidden_states
from heirloom.runtime import meter, processes
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Precision

log = logging.getLogger(__name__)

HEAD_CHUNK = 256  # token positions whose logits exist at one time; 256 x 2,048 float32 numbers are 2 MB


class Rows(Protocol):
    """Rows of tokens, such as an array or ``numpy.memmap`` of shape (N, T): only the rows asked for are read."""

    def __len__(self) -> int:
        """Return the number of rows."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and the tokens of each."""

    def __getitem__(self, index: NDArray[np.int64], /) -> NDArray[Any]:
        """Return the rows of these indices, of shape (B, T)."""


@dataclass(frozen=True)
class TrainSettings:
    """How to train.

    Parameters
    ----------
    epochs
        Passes over the rows.
    batch_rows
        Rows a step. The last step of an epoch takes what is left.
    learning_rate
        Largest step size of AdamW.
    weight_decay
        Decoupled decay of the matrices; norms are left alone.
    warmup
        Share of all steps during which the step size rises linearly from zero.
    schedule
        What the step size does after that: falls along half a cosine to zero, or stays.
    clip
        Largest Euclidean norm of the gradient; ``math.inf`` for none.
    micro_rows
        Rows whose activations exist at one time: the gradients of a batch's parts are added up. None for the whole batch.
    precision
        Of matrix products. Weights, sums, norms and the loss stay float32.
    """

    epochs: int
    batch_rows: int
    learning_rate: float
    weight_decay: float = 0.1
    warmup: float = 0.05
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: float = 1.0
    micro_rows: int | None = None
    precision: Precision = "float32"


@dataclass(frozen=True)
class TrainLog:
    """What a training run leaves for the record.

    Parameters
    ----------
    losses
        Mean cross-entropy of each step's batch before its update, in nats a predicted token.
    num_tokens
        Tokens read, over all epochs.
    """

    losses: tuple[float, ...]
    num_tokens: int


def train(
    model: Llama,
    rows: Rows,
    order: Stream,
    settings: TrainSettings,
    weight_N: NDArray[np.float64] | None = None,
    state: Path | None = None,
) -> tuple[Llama, TrainLog]:
    """Return a model trained from the weights of ``model``, which stays as it was, and the log of its losses.

    Minimises the mean over T - 1 positions of -log p(token | tokens before it in its row), with AdamW (Loshchilov and Hutter
    2019, algorithm 2). Epoch e reads the rows in the order of a permutation drawn from ``order.child("order", e)``. With ``weight_N``
    (1 on average) each row's loss counts so much. Progress is saved in the folder ``state`` now and then, and a call that finds some there
    goes on from it to the same bytes.

    Raises
    ------
    HeirloomError
        If there is nothing to train on, a token is outside the vocabulary, the loss or its gradient is not finite, or no weight changed.
    """
    total_steps = settings.epochs * math.ceil(len(rows) / settings.batch_rows)
    if total_steps < 1:
        raise HeirloomError(f"training needs at least one row and one epoch, got {len(rows)} rows and {settings.epochs} epochs")
    minibatches.use_deterministic_kernels()
    weights = {name: weight.detach().clone().requires_grad_() for name, weight in model.weights.items()}
    pupil = Llama(model.shape, weights)
    averages = adamw.begin(weights)
    losses, num_tokens = progress.restore(state, weights, averages) if state else ([], 0)
    if losses:
        log.info("going on after step %d of %d", len(losses), total_steps)
    all_batches = minibatches.batches(len(rows), settings.epochs, settings.batch_rows, order)
    batches = islice(all_batches, len(losses), None)

    def save(folder: Path) -> None:
        progress.save(folder, weights, averages, losses, num_tokens)

    all_tokens = settings.epochs * math.prod(rows.shape)
    with minibatches.saving(state, save) as step_done, meter.progress("training", all_tokens, num_tokens) as report:
        for batch in batches:
            tokens = _read(rows, batch, model.shape.vocab_size).to(model.device)
            rate = learning_rate(len(losses), total_steps, settings)
            row_weights = None if weight_N is None else torch.from_numpy(weight_N[batch]).float().to(model.device)
            losses.append(_backward(pupil, tokens, row_weights, settings))
            _clip(pupil, losses, rate, settings.clip)
            adamw.update(weights, averages, rate, settings.weight_decay)
            num_tokens += tokens.numel()
            report(tokens.numel())
            step_done()
    if all(torch.equal(weight, model.weights[name]) for name, weight in weights.items()):
        raise HeirloomError(f"no weight changed in {total_steps} steps at learning_rate {settings.learning_rate}: it is too small")
    trained = Llama(model.shape, {name: weight.detach() for name, weight in weights.items()})
    return trained, TrainLog(tuple(losses), num_tokens)


def learning_rate(step: int, total_steps: int, settings: TrainSettings) -> float:
    """Return the step size at ``step`` (from 0): a linear rise over the warm-up, then the schedule."""
    warm_steps = settings.warmup * total_steps
    if step < warm_steps:
        return settings.learning_rate * (step + 1) / (warm_steps + 1)
    if settings.schedule == "constant":
        return settings.learning_rate
    share_done = (step - warm_steps) / (total_steps - warm_steps)
    return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * share_done))


def cross_entropy_gradients(
    hidden: Tensor,
    head: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    count: int | None = None,
    precision: Precision = "float32",
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean cross-entropy in nats and its gradients by ``hidden`` (N, E) and ``head`` (V, E).

    With p the softmax of ``hidden @ head.T``, the gradient by the logits is (p - onehot(target)) / N. Writing it by hand lets the
    logits of one chunk live in cache only, instead of (N, V) numbers and as many of their gradient. With ``weights`` (N,) each term is
    multiplied by its own, and the divisor stays N; where the N are a part of a batch, ``count`` is its size and the divisor.
    """
    count = count or len(hidden)
    dtype = getattr(torch, precision)
    weights_of_head, states = head.to(dtype), hidden.to(dtype)
    hidden_gradient = torch.empty_like(hidden)
    head_gradient = torch.zeros_like(head)
    total = torch.zeros((), dtype=torch.float64, device=hidden.device)
    for start in range(0, len(hidden), HEAD_CHUNK):
        chunk = slice(start, start + HEAD_CHUNK)
        log_p = (states[chunk] @ weights_of_head.T).float()
        log_p -= log_p.logsumexp(dim=-1, keepdim=True)
        column = targets[chunk, None]
        target_log_p = log_p.gather(1, column)
        difference = log_p.exp_().scatter_add_(1, column, log_p.new_full(column.shape, -1.0)).div_(count)
        if weights is not None:
            target_log_p *= weights[chunk, None]
            difference *= weights[chunk, None]
        total -= target_log_p.sum(dtype=torch.float64)
        hidden_gradient[chunk] = difference.to(dtype) @ weights_of_head
        _add_product(head_gradient, difference.to(dtype).T, states[chunk])
    return total / count, hidden_gradient, head_gradient


def _add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    if a.dtype == total.dtype:
        total.addmm_(a, b)
    else:
        total.add_(a @ b)


def _backward(pupil: Llama, tokens: Tensor, row_weights: Tensor | None, settings: TrainSettings) -> float:
    """Fill the weights' gradients with those of a batch, part by part over this process's share, then over all; return the loss."""
    for weight in pupil.weights.values():
        weight.grad = torch.zeros_like(weight)
    share = range(len(tokens))[processes.share(len(tokens))]
    micro_rows = settings.micro_rows or len(tokens)
    loss = torch.zeros((), dtype=torch.float64, device=pupil.device)
    for start in range(share.start, share.stop, micro_rows):
        rows = slice(start, min(start + micro_rows, share.stop))
        micro_weights = None if row_weights is None else row_weights[rows]
        loss += _add_gradients(pupil, tokens[rows], micro_weights, len(tokens), settings.precision)
    gradients = [weight.grad for weight in pupil.weights.values() if weight.grad is not None]
    processes.add_up([loss, *gradients])
    return loss.item()


def _add_gradients(pupil: Llama, tokens: Tensor, row_weights: Tensor | None, num_rows: int, precision: Precision) -> Tensor:
    """Add to the gradients those of some of a batch's ``num_rows`` rows; return their part of its loss."""
    num_targets = tokens.shape[1] - 1
    hidden = hidden_states(pupil, tokens[:, :-1], precision).flatten(0, 1)
    per_token = None if row_weights is None else row_weights.repeat_interleave(num_targets)
    with torch.no_grad():
        loss, hidden_gradient, head_gradient = cross_entropy_gradients(
            hidden, pupil.head, tokens[:, 1:].flatten(), per_token, num_rows * num_targets, precision
        )
        assert pupil.head.grad is not None
        pupil.head.grad += head_gradient
    (hidden * hidden_gradient).sum().backward()  # type: ignore[no-untyped-call]  # handed a gradient, torch imports half a second of algebra
    return loss


def _clip(pupil: Llama, losses: Sequence[float], rate: float, clip: float) -> None:
    """Shorten the gradients to the norm ``clip``, all together; raise if they or the last loss are not finite."""
    norm = float(torch.nn.utils.clip_grad_norm_(pupil.weights.values(), clip))
    if not math.isfinite(losses[-1]) or not math.isfinite(norm):
        raise HeirloomError(
            f"at step {len(losses) - 1} the loss is {losses[-1]} and its gradient's norm {norm}, at learning rate {rate:.3g}: "
            "both must be finite, so learning_rate must be smaller"
        )


def _read(rows: Rows, batch: NDArray[np.int64], vocab_size: int) -> Tensor:
    tokens = np.asarray(rows[batch], dtype=np.int64)
    if tokens.ndim != 2 or tokens.shape[1] < 2:
        raise HeirloomError(f"training rows have shape {tokens.shape[1:]}: each must be a list of at least 2 tokens")
    if tokens.min() < 0 or tokens.max() >= vocab_size:
        raise HeirloomError(f"training rows hold tokens {tokens.min()} to {tokens.max()}: allowed are 0 to {vocab_size - 1}")
    return torch.from_numpy(tokens)
