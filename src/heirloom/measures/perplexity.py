"""Perplexity as other programs compute it, for numbers that are to be compared with theirs; ours is `measures.text.perplexity`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from heirloom.errors import HeirloomError
from heirloom.measures.text import row_perplexities


def batch_mean_perplexity(losses: ArrayLike, tokens_per_row: int, batch_rows: int) -> float:
    """Return exp(mean over batches of the batch's mean nats a token): a short last batch weighs as much as a full one.

    For comparison with numbers that were computed so, as by the published code of Shumailov et al. (2024); `perplexity` weighs every
    token the same. The two agree where all batches are full.

    Parameters
    ----------
    losses
        Summed negative log-likelihood of each row in nats, shape (N,), in the order in which batches are cut.
    tokens_per_row, batch_rows
        Predicted tokens per row; rows per batch.

    Raises
    ------
    HeirloomError
        If there is no row, or a loss is no perplexity's.
    """
    losses_N = np.asarray(losses, dtype=np.float64)
    if not losses_N.size:
        raise HeirloomError("perplexity needs at least one row, got none")
    means = [losses_N[start : start + batch_rows].mean() for start in range(0, losses_N.size, batch_rows)]
    return float(row_perplexities([np.mean(means)], tokens_per_row)[0])
