"""How surprised a language model is by rows of tokens: cross-entropy in nats, row by row or position by position.

Every row is scored on its own: its first token, which nothing precedes, is never a target, and no context crosses rows. Perplexity is
``exp(sum of nats / number of predicted tokens)``; a row of T tokens has T - 1 of them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heirloom.data import pairs as pair_data
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import answers, text
from heirloom.families.lm import pairs
from heirloom.families.lm.network import Network, check_length, check_tokens
from heirloom.runtime import memory


@torch.inference_mode()
def position_losses(network: Network, tokens: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Return -log p(token | tokens before it in its row), in nats, for all but the first token of each row.

    Parameters
    ----------
    network
        The model that scores.
    tokens
        Token ids of shape (B, T).

    Returns
    -------
    array of shape (B, T - 1)

    Raises
    ------
    HeirloomError
        If rows have fewer than two tokens or more than the context, a token is outside the vocabulary, or memory runs out.
    """
    _check(network, tokens)
    losses = np.empty((tokens.shape[0], tokens.shape[1] - 1))
    with memory.guard("scoring", "chunk_rows"):
        for start in range(0, len(tokens), network.rows_at_once):
            chunk = torch.from_numpy(tokens[start : start + network.rows_at_once].astype(np.int64))
            losses[start : start + len(chunk)] = network.nats(chunk.to(network.device)).cpu().numpy()
    return losses


def row_losses(network: Network, tokens: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Return the nats of each row of ``tokens`` (B, T), summed over its T - 1 predicted tokens."""
    losses: NDArray[np.float64] = position_losses(network, tokens).sum(axis=1)
    return losses


def log_likelihoods(model: Network, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return each row's log-likelihood in nats over its tokens but the first, or over its completion given its prompt, shape (1, N)."""
    if pair_data.are_in(rows):
        return answers.log_likelihoods(partial(pairs.completion_losses, model), rows, chunk_rows)
    return text.log_likelihoods(partial(position_losses, model), rows, chunk_rows)


@torch.inference_mode()
def features(network: Network, tokens: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """Return the last hidden state after each row of ``tokens`` (B, T), shape (B, E): what the model makes of the row.

    Raises
    ------
    HeirloomError
        As `position_losses` does.
    """
    _check(network, tokens)
    with memory.guard("scoring", "chunk_rows"):
        chunks = torch.split(torch.from_numpy(tokens.astype(np.int64)).to(network.device), network.rows_at_once)
        states = [network.features(chunk) for chunk in chunks]
        return torch.cat(states).cpu().numpy()


def _check(network: Network, tokens: NDArray[np.integer[Any]]) -> None:
    if tokens.ndim != 2 or tokens.shape[1] < 2:
        raise HeirloomError(f"rows to score have shape {tokens.shape}: they must be (rows, tokens) of at least 2 tokens")
    check_tokens(network, tokens, "rows to score")
    check_length(network, tokens.shape[1], "rows to score")
