"""Named weights in place: their checksums, copies of them, and copies put back."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import torch
from torch import Tensor


def checksums(weights: Mapping[str, Tensor]) -> list[int]:
    """Return a checksum of each weight."""
    return [zlib.crc32(weight.detach().cpu().contiguous().numpy().data) for weight in weights.values()]


def snapshot(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a copy of the weights."""
    return {name: weight.detach().clone() for name, weight in weights.items()}


@torch.no_grad()
def put_back(weights: Mapping[str, Tensor], copies: Mapping[str, Tensor]) -> None:
    """Put the values of copies into the weights."""
    for name, weight in weights.items():
        weight.copy_(copies[name])


@torch.no_grad()
def blended(weights: Mapping[str, Tensor], base: Mapping[str, Tensor], base_share: float) -> dict[str, Tensor]:
    """Return b base + (1 - b) weights, each weight by itself; what holds no floating-point numbers is a copy of the first."""
    blend = {}
    for name, weight in weights.items():
        is_float = weight.is_floating_point()
        blend[name] = weight.mul(1.0 - base_share).add_(base[name], alpha=base_share) if is_float else weight.clone()
    return blend
