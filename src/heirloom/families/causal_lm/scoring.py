"""How surprised a model is by rows of tokens: cross-entropy in nats, position by position, whatever the architecture.

Every row is scored on its own: its first token is never a target, and no context crosses rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from heirloom.errors import HeirloomError
from heirloom.families.causal_lm.model import CausalLM, check_context, check_tokens
from heirloom.runtime import memory

ROWS = 16  # rows whose logits exist at one time


@torch.inference_mode()
def position_losses(model: CausalLM, tokens: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
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
        If rows have fewer than two tokens or more than the context, or a token is outside the vocabulary.
    """
    _check(model, tokens)
    losses = np.empty((tokens.shape[0], tokens.shape[1] - 1))
    with memory.guard("scoring", "chunk_rows"):
        for start in range(0, len(tokens), ROWS):
            chunk = torch.from_numpy(tokens[start : start + ROWS].astype(np.int64)).to(model.module.device)
            losses[start : start + len(chunk)] = token_losses(model.module, chunk).cpu().numpy()
    return losses


@torch.inference_mode()
def features(model: CausalLM, tokens: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """Return the last hidden state after each row of ``tokens`` (B, T), shape (B, E): what the model makes of the row.

    Raises
    ------
    HeirloomError
        As `position_losses` does.
    """
    _check(model, tokens)
    last_states = []
    with memory.guard("scoring", "chunk_rows"):
        for chunk in torch.split(torch.from_numpy(tokens.astype(np.int64)), ROWS):
            output = model.module(input_ids=chunk.to(model.module.device), output_hidden_states=True, use_cache=False)
            last_states.append(output.hidden_states[-1][:, -1].float().cpu().numpy())
    return np.concatenate(last_states)


def token_losses(module: Any, tokens_BT: Tensor) -> Tensor:
    """Return the nats of all but the first token of each row, as float32 of shape (B, T - 1), with gradients where they are on."""
    logits_BTV = module(input_ids=tokens_BT, attention_mask=torch.ones_like(tokens_BT), use_cache=False).logits[:, :-1].float()
    # flat: of (B, V, T) torch has no gradient on CUDA that repeats itself
    nats_N = functional.cross_entropy(logits_BTV.flatten(0, 1), tokens_BT[:, 1:].flatten(), reduction="none")
    return nats_N.view(len(tokens_BT), -1)


def _check(model: CausalLM, tokens: NDArray[np.integer[Any]]) -> None:
    if tokens.ndim != 2 or tokens.shape[1] < 2:
        raise HeirloomError(f"rows to score have shape {tokens.shape}: they must be (rows, tokens) of at least 2 tokens")
    check_tokens(model, tokens, "rows to score")
    check_context(model, tokens.shape[1], "rows to score")
