"""AdamW over named weights (Loshchilov and Hutter 2019, algorithm 2), by torch's fused kernel.

The kernel is called as a function: torch's optimiser classes import a compiler on first use, two seconds in every training job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

EPSILON = 1e-8


@dataclass(frozen=True)
class Settings:
    """How AdamW averages gradients, and what decays.

    Parameters
    ----------
    betas
        Shares of the averages of the gradient and of its square that stay in an update.
    weight_decay
        Decoupled decay.
    matrices_only
        Whether matrices alone decay, and norms and biases are left alone.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    matrices_only: bool = False


@dataclass(frozen=True)
class Averages:
    """What AdamW remembers of one weight's gradients.

    Parameters
    ----------
    first, second
        Running averages of the gradient and of its square, shaped like the weight.
    steps
        Updates so far, a number.
    """

    first: Tensor
    second: Tensor
    steps: Tensor


def begin(weights: Mapping[str, Tensor]) -> dict[str, Averages]:
    """Return the averages before the first update."""
    return {name: _no_averages(weight) for name, weight in weights.items()}


def _no_averages(weight: Tensor) -> Averages:
    steps = torch.zeros((), dtype=torch.float32, device=weight.device)
    return Averages(first=torch.zeros_like(weight), second=torch.zeros_like(weight), steps=steps)


@torch.no_grad()
def update(weights: Mapping[str, Tensor], averages: Mapping[str, Averages], rate: float, settings: Settings) -> None:
    """Move the weights that have gradients by them, and the averages with them."""
    names = [name for name, weight in weights.items() if weight.grad is not None]
    spared = [name for name in names if settings.matrices_only and weights[name].ndim == 1]
    decayed = [name for name in names if name not in set(spared)]
    for group, decay in ((decayed, settings.weight_decay), (spared, 0.0)):
        _update_group({name: weights[name] for name in group}, averages, rate, settings.betas, decay)


def _update_group(
    weights: Mapping[str, Tensor], averages: Mapping[str, Averages], rate: float, betas: tuple[float, float], decay: float
) -> None:
    from torch.optim.adamw import adamw

    if weights:
        adamw(
            list(weights.values()),
            [weight.grad for weight in weights.values() if weight.grad is not None],
            [averages[name].first for name in weights],
            [averages[name].second for name in weights],
            [],
            [averages[name].steps for name in weights],
            fused=True,
            amsgrad=False,
            beta1=betas[0],
            beta2=betas[1],
            lr=rate,
            weight_decay=decay,
            eps=EPSILON,
            maximize=False,
        )
