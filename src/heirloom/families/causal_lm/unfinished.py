"""A fine-tuning in the middle, as one safetensors file: what learns, AdamW's averages, and the best epoch so far.

Neither the order of the rows nor dropout needs saving: both are drawn from the step's stream, by epoch and by step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from heirloom import saved_files
from heirloom.families.causal_lm.optimisation import learning, put_back

FILE = "training.safetensors"
LOSSES, EPOCHS, LOWEST, BEST = "losses", "epochs", "lowest", "best"
AVERAGES = ("step", "exp_avg", "exp_avg_sq")


@dataclass
class Progress:
    """How far a training is.

    Parameters
    ----------
    losses
        Of each step so far, over all epochs, in nats a token.
    epochs
        Epochs that are over, their validation too.
    lowest, best, best_weights
        Lowest validation loss so far, the number of the epoch that had it (from 1; 0 for none), and its weights; none where they are the
        pupil's own, or nothing was validated.
    """

    losses: list[float] = field(default_factory=list)
    epochs: int = 0
    lowest: float = math.inf
    best: int = 0
    best_weights: dict[str, Tensor] | None = None


def save(folder: Path, pupil: Any, optimiser: torch.optim.Optimizer, progress: Progress) -> None:
    """Write the state of a training over what an earlier save has left."""
    from safetensors.torch import save_file

    numbers = {
        LOSSES: torch.tensor(progress.losses, dtype=torch.float64),
        EPOCHS: torch.tensor(progress.epochs),
        LOWEST: torch.tensor(progress.lowest, dtype=torch.float64),
        BEST: torch.tensor(progress.best),
    }
    tensors = {f"weight/{name}": weight.detach() for name, weight in learning(pupil).items()}
    for name, weight in learning(pupil).items():
        tensors |= {f"{average}/{name}": optimiser.state[weight][average] for average in AVERAGES}
    tensors |= {f"kept/{name}": weight for name, weight in (progress.best_weights or {}).items()}
    with saved_files.replacing(folder, FILE) as temporary:
        save_file(tensors | numbers, temporary)


def restore(folder: Path, pupil: Any, optimiser: torch.optim.Optimizer) -> Progress:
    """Fill weights and averages with a saved state, if there is an undamaged one, and return how far it is."""
    from safetensors.torch import load_file

    file = saved_files.find(folder, FILE)
    if file is None:
        return Progress()
    saved = load_file(file)
    put_back(pupil, _tensors_of(saved, "weight"))
    for name, weight in learning(pupil).items():
        optimiser.state[weight] = {average: saved[f"{average}/{name}"].to(weight.device) for average in AVERAGES}
    best_weights = {name: weight.to(pupil.device) for name, weight in _tensors_of(saved, "kept").items()}
    return Progress(
        losses=saved[LOSSES].tolist(),
        epochs=int(saved[EPOCHS]),
        lowest=float(saved[LOWEST]),
        best=int(saved[BEST]),
        best_weights=best_weights or None,
    )


def _tensors_of(saved: dict[str, Tensor], folder: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{folder}/"): tensor for name, tensor in saved.items() if name.startswith(f"{folder}/")}
