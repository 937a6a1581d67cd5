"""The network: from a place and a time to a velocity."""

import torch
from torch import nn


class Velocity(nn.Module):
    """Three layers; the time enters as a few waves."""

    def __init__(self, dimensions: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(dimensions + 8, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, dimensions)
        )

    def forward(self, places: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """Return the velocity at places of shape (B, D) and times of shape (B, 1)."""
        angles = times * torch.pi * torch.tensor([0.5, 1.0, 2.0, 4.0])
        return self.layers(torch.cat([places, angles.sin(), angles.cos()], dim=1))
