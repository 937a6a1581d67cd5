"""Complete prompts of unequal length, chunk by full chunk, until an end token or the limit, by random numbers keyed by row id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.data.pairs import Limit, Prompts
from heirloom.data.ragged import PADDING
from heirloom.families.lm.network import Network, check_length, check_tokens
from heirloom.runtime import memory
from heirloom.runtime.streams import Stream

Responder = Callable[[NDArray[Any], Limit, NDArray[np.float64]], NDArray[np.int32]]
"""What completes prompts (B, P), padded before, given uniforms (B, N) of as many tokens as the limit says; shape (B, C)."""


def complete(network: Network, respond: Responder, prompts: Iterable[Prompts], limit: Limit, stream: Stream) -> Iterator[NDArray[np.int32]]:
    """Yield the completions of each chunk of prompts, shape (B, C), padding behind the end token (`abilities.Completer`).

    Raises
    ------
    HeirloomError
        If prompt and completion do not fit the model's context, a token is outside the vocabulary, logits are not finite, or memory
        runs out.
    """
    for chunk in prompts:
        check_tokens(network, chunk.tokens[chunk.tokens != PADDING], "prompts")
        check_length(network, chunk.tokens.shape[1] + limit.tokens, "a prompt and its completion")
        with memory.guard("sampling", "chunk_rows or sampling.beams"):
            yield respond(chunk.tokens, limit, stream.child("tokens").uniforms_of(chunk.rows, limit.tokens))


def filled(prompts: NDArray[Any]) -> NDArray[np.int64]:
    """Return prompts (B, P) with each row's own first token where padding stands before it: it changes no penalty."""
    is_token = prompts != PADDING
    first_tokens = np.take_along_axis(prompts, is_token.argmax(axis=1)[:, None], axis=1)
    return np.where(is_token, prompts, first_tokens).astype(np.int64)
