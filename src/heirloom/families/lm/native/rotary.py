"""Rotary positions: by how much each pair of a head's numbers turns from one position to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

Rotary = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Stretch:
    """How a model that has learnt short contexts is made to read longer ones, as Llama 3.1 does (`rope_type: llama3`).

    Parameters
    ----------
    factor
        By which slow pairs are slowed down further.
    low, high
        Turns within the original context: pairs of fewer than ``low`` are slow, those of more than ``high`` stay as they are, and in
        between the two are mixed.
    original_tokens
        The original context.
    """

    factor: float
    low: float
    high: float
    original_tokens: int

    def stretched(self, frequencies: Tensor) -> Tensor:
        """Return frequencies in radians per position, slowed down.

        Grattafiori et al. (2024), The Llama 3 Herd of Models, name the method; the formula is that of `transformers`
        (``_compute_llama3_parameters``).
        """
        turns = self.original_tokens * frequencies / (2 * math.pi)
        share_kept = ((turns - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
        return (1.0 - share_kept) * frequencies / self.factor + share_kept * frequencies


def angles(head_size: int, theta: float, stretch: Stretch | None, positions: Tensor) -> Tensor:
    """Return the angle of each pair of numbers, (T, D / 2), at positions (T,).

    Pair i turns by ``position * theta ** (-2 i / D)`` radians (Su et al. 2021, equation 34).
    """
    exponents = torch.arange(0, head_size, 2, dtype=torch.float32, device=positions.device) / head_size
    frequencies = 1.0 / theta**exponents
    return torch.outer(positions, frequencies if stretch is None else stretch.stretched(frequencies))
