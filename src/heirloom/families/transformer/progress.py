"""A training in the middle: weights, the optimiser's averages and the losses so far, in one safetensors file.

The order of the rows needs no saving: it is drawn from the step's stream, epoch by epoch, and the number of losses says where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from heirloom import saved_files
from heirloom.families.transformer.adamw import Averages

FILE = "training.safetensors"
LOSSES, TOKENS = "losses", "num_tokens"


def save(folder: Path, weights: Mapping[str, Tensor], averages: Mapping[str, Averages], losses: Sequence[float], num_tokens: int) -> None:
    """Write the state of a training after ``len(losses)`` steps over what an earlier save has left."""
    from safetensors.torch import save_file

    tensors = {LOSSES: torch.tensor(losses, dtype=torch.float64), TOKENS: torch.tensor(num_tokens)}
    for name, weight in weights.items():
        tensors |= {f"{name}/{part}": value for part, value in _parts(weight, averages[name]).items()}
    with saved_files.replacing(folder, FILE) as temporary:
        save_file(tensors, temporary)


@torch.no_grad()
def restore(folder: Path, weights: Mapping[str, Tensor], averages: Mapping[str, Averages]) -> tuple[list[float], int]:
    """Fill weights and averages with an undamaged saved state, and return its losses and the number of tokens read.

    Without one, nothing is filled and nothing has been read.
    """
    from safetensors.torch import load_file

    file = saved_files.find(folder, FILE)
    if file is None:
        return [], 0
    saved = load_file(file)
    for name, weight in weights.items():
        for part, value in _parts(weight, averages[name]).items():
            value.copy_(saved[f"{name}/{part}"])
    return saved[LOSSES].tolist(), int(saved[TOKENS])


def _parts(weight: Tensor, averages: Averages) -> dict[str, Tensor]:
    return {"weight": weight.detach(), **vars(averages)}
