"""The steps of next-token training on any `transformers` model: shares, micro-batches, noise keyed by step, weights kept and put back."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heirloom.errors import HeirloomError
from heirloom.families.causal_lm.scoring import token_losses
from heirloom.runtime import processes, streams
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import CausalTraining


@dataclass(frozen=True)
class Examples:
    """Rows to train on.

    Parameters
    ----------
    tokens
        All rows (N, T), perhaps on disk.
    positions
        Which of them, ascending.
    weights
        How much each row's loss counts, 1 on average; None where all count the same.
    """

    tokens: NDArray[Any]
    positions: NDArray[np.int64]
    weights: NDArray[np.float64] | None

    def read(self, batch: NDArray[np.int64], device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the tokens (B, T) and weights (B,) of some of these rows."""
        rows = self.positions[batch]
        weights = np.ones(len(rows)) if self.weights is None else self.weights[rows]
        tokens = torch.from_numpy(np.asarray(self.tokens[rows], dtype=np.int64))
        return tokens.to(device), torch.from_numpy(weights).float().to(device)


def adamw(pupil: Any, fit: CausalTraining) -> torch.optim.Optimizer:
    """Return AdamW (Loshchilov and Hutter 2019, algorithm 2) over all weights that can be trained, with torch's defaults for the rest.

    Raises
    ------
    HeirloomError
        If all weights are frozen.
    """
    weights = list(learning(pupil).values())
    if not weights:
        raise HeirloomError("no weight of the model can be trained: all are frozen")
    return torch.optim.AdamW(weights, lr=fit.learning_rate, weight_decay=fit.weight_decay, fused=True)


def step(
    pupil: Any, optimiser: torch.optim.Optimizer, examples: Examples, batch: NDArray[np.int64], fit: CausalTraining, noise: Stream
) -> float:
    """Make one optimiser step in place and return the batch's mean loss in nats a token; one that is not finite changes no weight.

    It is the mean over a row's tokens, then over rows, each times its weight. Each process takes its share of the rows, and all make the
    same step. Dropout draws from ``noise`` where a share begins with the batch, elsewhere from its child of the share's first row: no two
    rows of a batch are given the same masks because they are in different processes.
    """
    optimiser.zero_grad()
    share = range(len(batch))[processes.share(len(batch))]
    micro_rows = fit.micro_rows or len(batch)
    loss = torch.zeros((), dtype=torch.float64)
    with streams.torch_noise(noise.child(share.start) if share.start else noise):
        for start in range(share.start, share.stop, micro_rows):
            micro_batch = batch[start : min(start + micro_rows, share.stop)]
            loss += _add_gradients(pupil, examples, micro_batch, len(batch), fit)
    _add_up(pupil, loss)
    if fit.clip_norm is not None:
        torch.nn.utils.clip_grad_norm_(pupil.parameters(), fit.clip_norm)
    if math.isfinite(loss.item()):
        optimiser.step()
    return loss.item()


def _add_gradients(pupil: Any, examples: Examples, micro_batch: NDArray[np.int64], num_rows: int, fit: CausalTraining) -> float:
    """Add to the gradients those of some of a batch's ``num_rows`` rows; return their part of its loss."""
    tokens_BT, weight_B = examples.read(micro_batch, pupil.device)
    with torch.autocast(tokens_BT.device.type, torch.bfloat16, enabled=fit.precision == "bfloat16"):
        losses_BT = token_losses(pupil, tokens_BT)
    loss = (losses_BT.mean(dim=1) * weight_B).sum() / num_rows
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())


def _add_up(pupil: Any, loss: Tensor) -> None:
    """Sum the loss and the gradients over all processes; a weight that none of them has used keeps no gradient, and so is left alone."""
    weights = list(learning(pupil).values())
    users = torch.tensor([float(weight.grad is not None) for weight in weights])
    for weight in weights:
        weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
    processes.add_up([loss, users, *(weight.grad for weight in weights if weight.grad is not None)])
    for weight, is_used in zip(weights, users.tolist(), strict=True):
        weight.grad = weight.grad if is_used else None


def learning(pupil: Any) -> dict[str, Tensor]:
    """Return the weights that can be trained, by name."""
    return {name: weight for name, weight in pupil.named_parameters() if weight.requires_grad}


def checksums(pupil: Any) -> list[int]:
    """Return a checksum of each weight that can be trained."""
    return [zlib.crc32(weight.detach().cpu().contiguous().numpy().data) for weight in learning(pupil).values()]


def snapshot(pupil: Any) -> dict[str, Tensor]:
    """Return a copy of the weights that can be trained."""
    return {name: weight.detach().clone() for name, weight in learning(pupil).items()}


@torch.no_grad()
def put_back(pupil: Any, weights: Mapping[str, Tensor]) -> None:
    """Put a snapshot's weights back."""
    for name, weight in learning(pupil).items():
        weight.copy_(weights[name])
