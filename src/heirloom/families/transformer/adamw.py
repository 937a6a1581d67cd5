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
    return {name: Averages(torch.zeros_like(weight), torch.zeros_like(weight), weight.new_zeros(())) for name, weight in weights.items()}


@torch.no_grad()
def update(weights: Mapping[str, Tensor], averages: Mapping[str, Averages], rate: float, weight_decay: float) -> None:
    """Move the weights by their gradients, and the averages with them; matrices decay, norms are left alone."""
    from torch.optim.adamw import adamw

    for num_axes, decay in ((2, weight_decay), (1, 0.0)):
        names = [name for name, weight in weights.items() if weight.ndim == num_axes]
        adamw(
            [weights[name] for name in names],
            [gradient for name in names if (gradient := weights[name].grad) is not None],
            [averages[name].first for name in names],
            [averages[name].second for name in names],
            [],
            [averages[name].steps for name in names],
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=rate,
            weight_decay=decay,
            eps=EPSILON,
            maximize=False,
        )
