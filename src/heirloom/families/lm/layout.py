"""Which part of the weights a process holds: the whole in each of them, or a part in each (`library.sharding`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from heirloom.runtime import processes


class Layout(Protocol):
    """What a training asks about weights that processes share."""

    @property
    def is_sharded(self) -> bool:
        """Whether each process holds a part of each weight, so that a forward pass needs all of them."""

    def add_up(self, weights: Mapping[str, Tensor], loss: Tensor) -> None:
        """Sum the loss and the gradients over all processes; a weight that none of them has used keeps no gradient."""

    def norm(self, norm: Tensor) -> Tensor:
        """Return the Euclidean norm of all gradients, given that of the gradients which this process holds."""

    def num_passes(self, num_rows: int, at_once: int) -> int:
        """Return how many forward passes this process makes over its share of some rows."""

    def whole(self, name: str, part: Tensor) -> Tensor:
        """Return the whole of a weight, or of what is shaped like it, from the part that this process holds."""

    def part(self, name: str, whole: Tensor) -> Tensor:
        """Return the part that this process holds."""


class Whole:
    """Every process holds all weights and computes the gradients of its share of the rows."""

    is_sharded = False

    def add_up(self, weights: Mapping[str, Tensor], loss: Tensor) -> None:
        """Sum the loss and the gradients over all processes; a weight that none of them has used keeps no gradient."""
        if processes.count() == 1:
            return
        users = torch.tensor([float(weight.grad is not None) for weight in weights.values()])
        for weight in weights.values():
            weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
        processes.add_up([loss, users, *(weight.grad for weight in weights.values() if weight.grad is not None)])
        for weight, is_used in zip(weights.values(), users.tolist(), strict=True):
            weight.grad = weight.grad if is_used else None

    def norm(self, norm: Tensor) -> Tensor:
        """Return the norm as it is."""
        return norm

    def num_passes(self, num_rows: int, at_once: int) -> int:
        """Return how many forward passes this process makes over its share of some rows."""
        return math.ceil(len(range(num_rows)[processes.share(num_rows)]) / at_once)

    def whole(self, name: str, part: Tensor) -> Tensor:
        """Return the weight as it is."""
        return part

    def part(self, name: str, whole: Tensor) -> Tensor:
        """Return the weight as it is."""
        return whole


WHOLE = Whole()
