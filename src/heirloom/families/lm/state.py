"""A training in the middle, as one safetensors file: what learns, AdamW's averages, and the best epoch so far.

Neither the order of the rows nor dropout needs saving: both are drawn from the step's stream, by epoch and by step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from heirloom import saved_files
from heirloom.families.lm.adamw import Averages
from heirloom.families.lm.network import Learner
from heirloom.families.lm.weights import put_back
from heirloom.runtime import processes

FILE = "training.safetensors"
LOSSES, EPOCHS, LOWEST, BEST = "losses", "epochs", "lowest", "best"
WEIGHT, KEPT = "weight", "kept"


@dataclass
class Progress:
    """How far a training is.

    Parameters
    ----------
    losses
        Of each step so far, over all epochs, before its update, in nats a labelled token.
    epochs
        Epochs that are over, their validation too.
    lowest, best, best_weights
        Lowest validation loss so far, the number of the epoch that had it (from 1; 0 for none), and its weights; none where they are the
        learner's own, or nothing was validated.
    """

    losses: list[float] = field(default_factory=list)
    epochs: int = 0
    lowest: float = math.inf
    best: int = 0
    best_weights: dict[str, Tensor] | None = None


def save(folder: Path, learner: Learner, averages: Mapping[str, Averages], progress: Progress) -> None:
    """Write the state of a training over what an earlier save has left; the first process writes the whole of what all hold."""
    from safetensors.torch import save_file

    weights, whole = learner.weights, learner.layout.whole

    numbers = {
        LOSSES: torch.tensor(progress.losses, dtype=torch.float64),
        EPOCHS: torch.tensor(progress.epochs),
        LOWEST: torch.tensor(progress.lowest, dtype=torch.float64),
        BEST: torch.tensor(progress.best),
    }
    tensors = {f"{KEPT}/{name}": whole(name, weight) for name, weight in (progress.best_weights or {}).items()}
    for name, weight in weights.items():
        tensors[f"{WEIGHT}/{name}"] = whole(name, weight.detach())
        tensors |= {f"{part}/{name}": whole(name, value) for part, value in vars(averages[name]).items()}
    if processes.rank():
        return
    with saved_files.replacing(folder, FILE) as temporary:
        save_file(tensors | numbers, temporary)


@torch.no_grad()
def restore(folder: Path, learner: Learner, averages: Mapping[str, Averages]) -> Progress:
    """Fill weights and averages with a saved state, if there is an undamaged one, and return how far it is."""
    from safetensors.torch import load_file

    weights, part_of = learner.weights, learner.layout.part

    file = saved_files.find(folder, FILE)
    if file is None:
        return Progress()
    saved = load_file(file)
    put_back(weights, {name: part_of(name, weight) for name, weight in _tensors_of(saved, WEIGHT).items()})
    for name in weights:
        for part, value in vars(averages[name]).items():
            value.copy_(part_of(name, saved[f"{part}/{name}"]))
    best_weights = {name: part_of(name, weight).to(weights[name].device) for name, weight in _tensors_of(saved, KEPT).items()}
    return Progress(
        losses=saved[LOSSES].tolist(),
        epochs=int(saved[EPOCHS]),
        lowest=float(saved[LOWEST]),
        best=int(saved[BEST]),
        best_weights=best_weights or None,
    )


def _tensors_of(saved: Mapping[str, Tensor], folder: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{folder}/"): tensor for name, tensor in saved.items() if name.startswith(f"{folder}/")}
