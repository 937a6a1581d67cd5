"""How surprised a model is by rows of tokens: cross-entropy in nats, row by row or position by position.

Perplexity is ``exp(sum of nats / number of predicted tokens)``; a row of T tokens has T - 1 of them, because nothing precedes
the first.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.families.transformer.model import Llama, hidden_states

CHUNK_ROWS = 32  # rows whose logits exist at one time


@torch.inference_mode()
def position_losses(model: Llama, tokens: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return -log p(token | tokens before it in its row), in nats, for all but the first token of each row.

    Parameters
    ----------
    model
        The model that scores.
    tokens
        Token ids of shape (B, T).

    Returns
    -------
    array of shape (B, T - 1)

    Raises
    ------
    HeirloomError
        If rows have fewer than two tokens, or a token is outside the vocabulary.
    """
    _check(model, tokens)
    losses = np.empty((tokens.shape[0], tokens.shape[1] - 1))
    for start in range(0, len(tokens), CHUNK_ROWS):
        chunk = torch.from_numpy(tokens[start : start + CHUNK_ROWS].astype(np.int64)).to(model.device)
        scores = hidden_states(model, chunk[:, :-1]) @ model.head.T
        target_scores = scores.gather(2, chunk[:, 1:, None])[..., 0]
        losses[start : start + len(chunk)] = (scores.logsumexp(dim=-1) - target_scores).cpu().numpy()
    return losses


@torch.inference_mode()
def features(model: Llama, tokens: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the normalised last hidden state after each row of ``tokens`` (B, T), shape (B, E): what the model makes of the row.

    Raises
    ------
    HeirloomError
        As `position_losses` does.
    """
    _check(model, tokens)
    chunks = torch.split(torch.from_numpy(tokens.astype(np.int64)).to(model.device), CHUNK_ROWS)
    states = [hidden_states(model, chunk)[:, -1] for chunk in chunks]
    return torch.cat(states).cpu().numpy()


def _check(model: Llama, tokens: NDArray[np.integer]) -> None:
    if tokens.ndim != 2 or tokens.shape[1] < 2:
        raise HeirloomError(f"rows to score have shape {tokens.shape}: they must be (rows, tokens) of at least 2 tokens")
    if tokens.size and (tokens.min() < 0 or tokens.max() >= model.shape.vocab_size):
        raise HeirloomError(f"rows to score hold tokens {tokens.min()} to {tokens.max()}: allowed are 0 to {model.shape.vocab_size - 1}")


def row_losses(model: Llama, tokens: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the nats of each row of ``tokens`` (B, T), summed over its T - 1 predicted tokens."""
    losses: NDArray[np.float64] = position_losses(model, tokens).sum(axis=1)
    return losses
