"""The native Llama in training, with the output head and its loss taken in chunks that stay in cache."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from heirloom.families.lm.layout import WHOLE, Layout
from heirloom.families.lm.loss import scores_and_gradients
from heirloom.families.lm.native.model import Llama, Weights, hidden_states
from heirloom.families.lm.network import Batch
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Precision
from heirloom.specs.loss import Loss

HEAD_CHUNK = 256  # token positions whose logits exist at one time; 256 x 2,048 float32 numbers are 2 MB


@dataclass(frozen=True)
class Learner:
    """A Llama whose weights learn; a `network.Learner`.

    Parameters
    ----------
    network
        Its weights change in place.
    precision
        Of matrix products. Weights, sums, norms and the loss stay float32.
    loss
        What is minimised; None for the cross-entropy.
    """

    network: Llama
    precision: Precision = "float32"
    loss: Loss | None = None

    layout: ClassVar[Layout] = WHOLE

    @classmethod
    def of(cls, start: Llama, precision: Precision = "float32", loss: Loss | None = None) -> Learner:
        """Return a learner that begins from the weights of ``start``, which stays as it is."""
        weights = {name: weight.detach().clone().requires_grad_() for name, weight in start.weights.items()}
        return cls(Llama(start.shape, weights), precision, loss)

    @property
    def weights(self) -> Weights:
        """The weights that learn, by name."""
        return self.network.weights

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.network.device

    def noise(self, stream: Stream) -> AbstractContextManager[None]:
        """Return a context in which nothing is drawn: a Llama drops nothing."""
        return nullcontext()

    def add_gradients(self, batch: Batch) -> Tensor:
        """Add the gradients of a batch's part of a step's loss to those of the weights; return that part, float64, shape ()."""
        hidden = hidden_states(self.network, batch.tokens[:, :-1], self.precision)
        targets, head, weights = batch.tokens[:, 1:], self.network.head, batch.weights
        states, targets = _labelled(hidden, batch.is_label).view(-1, hidden.shape[-1]), _labelled(targets, batch.is_label).flatten()
        if weights is not None:
            weights = _labelled(weights[:, None].expand(-1, batch.tokens.shape[1] - 1), batch.is_label).flatten()
        with torch.no_grad():
            loss, hidden_gradient, head_gradient = cross_entropy_gradients(
                states, head, targets, weights, batch.num_labels, self.precision, self.loss
            )
            head.grad = head_gradient if head.grad is None else head.grad.add_(head_gradient)
        (states * hidden_gradient).sum().backward()  # type: ignore[no-untyped-call]  # handed a gradient, torch imports half a second of algebra
        return loss

    def apart(self) -> Learner:
        """Return a learner with the same weights that goes its own way."""
        return copy.deepcopy(self)

    def trained(self) -> Llama:
        """Return the model as it is saved."""
        return Llama(self.network.shape, {name: weight.detach() for name, weight in self.weights.items()})


def _labelled(x: Tensor, is_label: Tensor | None) -> Tensor:
    """Return what ``x`` (B, T - 1, ...) holds of labelled tokens."""
    return x if is_label is None else x[is_label]


def cross_entropy_gradients(
    hidden: Tensor,
    head: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    count: int | None = None,
    precision: Precision = "float32",
    loss: Loss | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean cross-entropy in nats and its gradients by ``hidden`` (N, E) and ``head`` (V, E).

    With p the softmax of ``hidden @ head.T``, the gradient by the logits is (p - onehot(target)) / N. Writing it by hand lets the
    logits of one chunk live in cache only, instead of (N, V) numbers and as many of their gradient. With ``weights`` (N,) each term is
    multiplied by its own, and the divisor stays N; where the N are a part of a batch, ``count`` is its size and the divisor. ``loss`` is
    what stands in the cross-entropy's place (`lm.loss`).
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
        target_log_p, difference = scores_and_gradients(log_p, targets[chunk, None], loss)
        difference.div_(count)
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
