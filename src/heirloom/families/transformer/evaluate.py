"""Measure a transformer on real text, and the generation's text under the origin."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from heirloom.data.dataset import Dataset
from heirloom.families import text
from heirloom.families.base import Measuring, Sets
from heirloom.families.transformer import scoring
from heirloom.families.transformer.model import Llama
from heirloom.runtime.streams import Stream


def evaluate(model: Llama, sets: Sets, origin: Llama, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Return the measures that all text families share (`families.text`)."""
    model_losses, origin_losses = partial(scoring.position_losses, model), partial(scoring.position_losses, origin)
    measures = text.evaluate(model_losses, origin_losses, sets, measuring)
    return measures | text.divergence(partial(scoring.features, origin), sets, measuring, stream)


def log_likelihoods(model: Llama, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return each row's log-likelihood in nats over its tokens but the first, shape (1, N)."""
    return text.log_likelihoods(partial(scoring.position_losses, model), rows, chunk_rows)
