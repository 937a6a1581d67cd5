"""Trainings of a native Llama on rows in memory, with the settings that the transformer family has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.families.lm import adamw, loop
from heirloom.families.lm.native.learner import Learner
from heirloom.families.lm.native.model import Llama
from heirloom.families.lm.rows import Rows
from heirloom.families.lm.schedules import warmed_cosine
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Precision


@dataclass(frozen=True)
class TrainSettings:
    epochs: int
    batch_rows: int
    learning_rate: float
    weight_decay: float = 0.1
    warmup: float = 0.05
    clip: float = 1.0
    micro_rows: int | None = None
    precision: Precision = "float32"


def train(
    model: Llama, rows: NDArray[Any], stream: Stream, settings: TrainSettings, weight_N: NDArray[np.float64] | None = None
) -> tuple[Llama, list[float]]:
    """Return the model trained on blocks (N, T), and the loss of each step."""
    learner, blocks = Learner.of(model, settings.precision), Rows.blocks(rows, weight_N)
    blocks.check(model)
    loop_settings = loop.Settings(
        settings.epochs,
        settings.batch_rows,
        warmed_cosine(settings.learning_rate, settings.warmup),
        adamw.Settings((0.9, 0.95), settings.weight_decay, matrices_only=True),
        settings.clip,
        settings.micro_rows,
    )
    progress = loop.train(loop.Training(learner, blocks, loop_settings, stream))
    return learner.trained(), progress.losses
