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
from heirloom.families.transformer import progress
from heirloom.families.transformer.model import Llama, hidden_states
from heirloom.streams import Stream

log = logging.getLogger(__name__)

HEAD_CHUNK = 256  # token positions whose logits exist at one time; 256 x 2,048 float32 numbers are 2 MB
BETAS = (0.9, 0.95)


class Rows(Protocol):
    """Rows of tokens, such as an array or ``numpy.memmap`` of shape (N, T): only the rows asked for are read."""

    def __len__(self) -> int:
        """Return the number of rows."""

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
    """

    epochs: int
    batch_rows: int
    learning_rate: float
    weight_decay: float = 0.1
    warmup: float = 0.05
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: float = 1.0


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
    optimiser = _optimiser(pupil, settings)
    losses, num_tokens = progress.restore(state, weights, optimiser) if state else ([], 0)
    if losses:
        log.info("going on after step %d of %d", len(losses), total_steps)
    due = minibatches.pace()
    for batch in islice(minibatches.batches(len(rows), settings.epochs, settings.batch_rows, order), len(losses), None):
        tokens = _read(rows, batch, model.shape.vocab_size)
        rate = learning_rate(len(losses), total_steps, settings)
        row_weights = None if weight_N is None else torch.from_numpy(weight_N[batch]).float()
        losses.append(_step(pupil, tokens, row_weights, optimiser, rate, settings.clip, len(losses)))
        num_tokens += tokens.numel()
        if state and due():
            progress.save(state, weights, optimiser, losses, num_tokens)
    if all(torch.equal(weight, model.weights[name]) for name, weight in weights.items()):
        raise HeirloomError(f"no weight changed in {total_steps} steps at learning_rate {settings.learning_rate}: it is too small")
    return Llama(model.shape, {name: weight.detach() for name, weight in weights.items()}), TrainLog(tuple(losses), num_tokens)


def learning_rate(step: int, total_steps: int, settings: TrainSettings) -> float:
    """Return the step size at ``step`` (from 0): a linear rise over the warm-up, then the schedule."""
    warm_steps = settings.warmup * total_steps
    if step < warm_steps:
        return settings.learning_rate * (step + 1) / (warm_steps + 1)
    if settings.schedule == "constant":
        return settings.learning_rate
    progress = (step - warm_steps) / (total_steps - warm_steps)
    return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))


def cross_entropy_gradients(hidden: Tensor, head: Tensor, targets: Tensor, weights: Tensor | None = None) -> tuple[float, Tensor, Tensor]:
    """Return the mean cross-entropy in nats and its gradients by ``hidden`` (N, E) and ``head`` (V, E).

    With p the softmax of ``hidden @ head.T``, the gradient by the logits is (p - onehot(target)) / N. Writing it by hand lets the
    logits of one chunk live in cache only, instead of (N, V) numbers and as many of their gradient. With ``weights`` (N,) each term is
    multiplied by its own, and the divisor stays N.
    """
    count = hidden.shape[0]
    hidden_gradient = torch.empty_like(hidden)
    head_gradient = torch.zeros_like(head)
    total = 0.0
    for start in range(0, count, HEAD_CHUNK):
        part = slice(start, start + HEAD_CHUNK)
        log_p = hidden[part] @ head.T
        log_p -= log_p.logsumexp(dim=-1, keepdim=True)
        column = targets[part, None]
        chosen = log_p.gather(1, column)
        difference = log_p.exp_().scatter_add_(1, column, log_p.new_full(column.shape, -1.0)).div_(count)
        if weights is not None:
            chosen *= weights[part, None]
            difference *= weights[part, None]
        total -= float(chosen.sum(dtype=torch.float64))
        torch.mm(difference, head, out=hidden_gradient[part])
        head_gradient.addmm_(difference.T, hidden[part])
    return total / count, hidden_gradient, head_gradient


def _step(
    pupil: Llama, tokens: Tensor, row_weights: Tensor | None, optimiser: torch.optim.Optimizer, rate: float, clip: float, step: int
) -> float:
    hidden = hidden_states(pupil, tokens[:, :-1]).flatten(0, 1)
    per_token = None if row_weights is None else row_weights.repeat_interleave(tokens.shape[1] - 1)
    with torch.no_grad():
        loss, hidden_gradient, head_gradient = cross_entropy_gradients(hidden, pupil.head, tokens[:, 1:].flatten(), per_token)
    optimiser.zero_grad()
    pupil.head.grad = head_gradient
    torch.autograd.backward(hidden, hidden_gradient)
    norm = float(torch.nn.utils.clip_grad_norm_(pupil.weights.values(), clip))
    if not math.isfinite(loss) or not math.isfinite(norm):
        raise HeirloomError(
            f"at step {step} the loss is {loss} and its gradient's norm {norm}, at learning rate {rate:.3g}: "
            "both must be finite, so learning_rate must be smaller"
        )
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return loss


def _optimiser(pupil: Llama, settings: TrainSettings) -> torch.optim.Optimizer:
    def named(num_axes: int) -> Sequence[Tensor]:
        return [weight for weight in pupil.weights.values() if weight.ndim == num_axes]

    groups = [{"params": named(2), "weight_decay": settings.weight_decay}, {"params": named(1), "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=BETAS, fused=True)


def _read(rows: Rows, batch: NDArray[np.int64], vocab_size: int) -> Tensor:
    tokens = np.asarray(rows[batch], dtype=np.int64)
    if tokens.ndim != 2 or tokens.shape[1] < 2:
        raise HeirloomError(f"training rows have shape {tokens.shape[1:]}: each must be a list of at least 2 tokens")
    if tokens.min() < 0 or tokens.max() >= vocab_size:
        raise HeirloomError(f"training rows hold tokens {tokens.min()} to {tokens.max()}: allowed are 0 to {vocab_size - 1}")
    return torch.from_numpy(tokens)
