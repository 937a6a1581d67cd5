"""How large a model is: parameters, and what its memory depends on beside them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSize:
    """The sizes of a model that work and memory follow from.

    Parameters
    ----------
    parameters
        Numbers that a model holds.
    layers, width
        Blocks and numbers per token in the residual stream (text); 0 elsewhere.
    vocabulary
        Logits per token (text); 0 elsewhere.
    """

    parameters: int
    layers: int = 0
    width: int = 0
    vocabulary: int = 0


def moments(dim: int) -> int:
    """Return how many numbers a mean and a full covariance matrix have in D dimensions: D + D²."""
    return dim * (dim + 1)
