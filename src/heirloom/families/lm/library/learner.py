"""A model of `transformers` in training: gradients by autograd, dropout drawn from a stream, adapters where they are asked for."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from heirloom.families.lm.layout import WHOLE, Layout
from heirloom.families.lm.library import lora
from heirloom.families.lm.library.model import CausalLM, build
from heirloom.families.lm.loss import token_losses
from heirloom.families.lm.network import Batch
from heirloom.runtime import streams
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import CausalTraining
from heirloom.specs.loss import Loss


@dataclass(frozen=True)
class Learner:
    """A model whose weights learn; a `network.Learner`.

    Parameters
    ----------
    pupil
        The model in training, an adapted one where adapters alone learn.
    is_bfloat16
        Whether matrix products are in bfloat16; weights, sums and the loss stay float32.
    is_merged
        Whether adapters are added to the weights when it is saved.
    loss
        What is minimised; None for the cross-entropy.
    """

    pupil: CausalLM
    is_bfloat16: bool
    is_merged: bool
    loss: Loss | None = None

    layout: ClassVar[Layout] = WHOLE

    @classmethod
    def of(cls, start: CausalLM, fit: CausalTraining, stream: Stream) -> Learner:
        """Return a learner apart from ``start``, which stays as it is; ``stream`` draws new weights."""
        pupil = CausalLM(_initial_module(start, fit, stream), start.folder)
        return cls(pupil, fit.precision == "bfloat16", not (fit.lora and fit.lora.checkpoint == "adapter"), fit.loss)

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """The weights that learn, by name."""
        return {name: weight for name, weight in self.pupil.module.named_parameters() if weight.requires_grad}

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.pupil.device

    @property
    def network(self) -> CausalLM:
        """The model as its weights are now, without dropout."""
        self.pupil.module.eval()
        return self.pupil

    @contextmanager
    def noise(self, stream: Stream) -> Iterator[None]:
        """Let dropout draw from a stream."""
        self.pupil.module.train()
        with streams.torch_noise(stream):
            yield

    def add_gradients(self, batch: Batch) -> Tensor:
        """Add the gradients of a batch's part of a step's loss to those of the weights; return that part, float64, shape ().

        Of blocks the mean is taken over a row's tokens first, then over rows.
        """
        with torch.autocast(batch.tokens.device.type, torch.bfloat16, enabled=self.is_bfloat16):
            nats_BT = self.pupil.nats(batch.tokens) if self.loss is None else self._losses(batch.tokens, self.loss)
        if batch.is_label is None:
            nats_B, divisor = nats_BT.mean(dim=1), batch.num_labels // nats_BT.shape[1]
        else:
            nats_B, divisor = (nats_BT * batch.is_label).sum(dim=1), batch.num_labels
        loss = (nats_B if batch.weights is None else nats_B * batch.weights).sum() / divisor
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach().double()

    def apart(self) -> Learner:
        """Return a learner with the same weights that goes its own way."""
        return copy.deepcopy(self)

    def _losses(self, tokens: Tensor, loss: Loss) -> Tensor:
        """Return the loss of all but the first of ``tokens`` (B, T), shape (B, T - 1)."""
        logits = self.pupil.logits(tokens)[:, :-1]
        return token_losses(logits.flatten(0, 1), tokens[:, 1:].flatten(), loss).view(len(tokens), -1)

    def trained(self) -> CausalLM:
        """Return the model as it is saved: adapters are merged, unless they are saved alone."""
        module = lora.merged(self.pupil.module) if self.is_merged else self.pupil.module
        return CausalLM(module.eval(), self.pupil.folder)


def _initial_module(start: CausalLM, fit: CausalTraining, stream: Stream) -> Any:
    """Return the module that is trained."""
    if fit.start == "scratch":
        return build(copy.deepcopy(start.module.config), stream.child("initial")).module
    module = lora.merged(copy.deepcopy(start.module))
    return lora.wrapped(module, fit.lora, stream.child("adapters")) if fit.lora else module
