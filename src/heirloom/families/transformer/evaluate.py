"""Measure a transformer on real text, and the generation's text under the origin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heirloom.dataset import Dataset
from heirloom.families import text
from heirloom.families.base import Measuring, Sets
from heirloom.families.transformer import scoring
from heirloom.families.transformer.model import Llama
from heirloom.streams import Stream


def evaluate(model: Llama, sets: Sets, origin: Llama, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Return the measures that all text families share (`families.text`)."""
    return text.evaluate(lambda rows: scoring.row_losses(model, rows), lambda rows: scoring.row_losses(origin, rows), sets, measuring)


def log_likelihoods(model: Llama, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return each row's log-likelihood in nats over its tokens but the first, shape (1, N)."""
    return text.log_likelihoods(lambda tokens_BT: scoring.row_losses(model, tokens_BT), rows, chunk_rows)
