"""AdamW over named weights (Loshchilov and Hutter 2019, algorithm 2), by torch's fused kernel.

The kernel is called as a function: torch's optimiser classes import a compiler on first use, two seconds in every training job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

BETAS = (0.9, 0.95)
EPSILON = 1e-8


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
    return Averages(first=torch.zeros_like(weight), second=torch.zeros_like(weight), steps=weight.new_zeros(()))


@torch.no_grad()
def update(weights: Mapping[str, Tensor], averages: Mapping[str, Averages], rate: float, weight_decay: float) -> None:
    """Move the weights by their gradients, and the averages with them; matrices decay, norms are left alone."""
    from torch.optim.adamw import adamw

    for num_axes, decay in ((2, weight_decay), (1, 0.0)):
        names = [name for name, weight in weights.items() if weight.ndim == num_axes]
        parameters = [weights[name] for name in names]
        gradients = [weight.grad for weight in parameters if weight.grad is not None]
        first_moments = [averages[name].first for name in names]
        second_moments = [averages[name].second for name in names]
        steps = [averages[name].steps for name in names]
        adamw(
            parameters,
            gradients,
            first_moments,
            second_moments,
            [],
            steps,
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=rate,
            weight_decay=decay,
            eps=EPSILON,
            maximize=False,
        )
