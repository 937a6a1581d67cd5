"""What the engine room knows of a language model: a few facts, a forward pass over rows, and weights that learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heirloom.errors import HeirloomError
from heirloom.families.lm.epochs import Epochs
from heirloom.families.lm.layout import Layout
from heirloom.runtime.streams import Stream


@dataclass(frozen=True)
class Batch:
    """The rows of one forward pass, a part of a step.

    Parameters
    ----------
    tokens
        Token ids, (B, T).
    weights
        How much each row's loss counts, (B,), float32; None where all count the same.
    is_label
        Which tokens but the first are to be learnt, (B, T - 1); None where all are.
    num_labels
        Labelled tokens of the whole step.
    """

    tokens: Tensor
    weights: Tensor | None
    is_label: Tensor | None
    num_labels: int


class Network(Protocol):
    """A causal language model: no token of a row changes what stands before it."""

    @property
    def vocab_size(self) -> int:
        """Token ids that the model has numbers for, V."""

    @property
    def longest_row(self) -> int | None:
        """Tokens of the longest row that the model reads; None where there is no limit."""

    @property
    def rows_at_once(self) -> int:
        """Rows whose logits exist at one time when rows are scored."""

    @property
    def end_ids(self) -> Sequence[int]:
        """Ids of the tokens that end a text."""

    @property
    def start_id(self) -> int:
        """Id of the token that stands before a text from nothing."""

    @property
    def epochs(self) -> Epochs | None:
        """The epochs of the training, where it was asked for the last one beside the best."""

    @property
    def device(self) -> torch.device:
        """Where the weights live."""

    def logits(self, tokens: Tensor) -> Tensor:
        """Return the logits (B, T, V), float32, of the token after each position of ``tokens`` (B, T)."""

    def nats(self, tokens: Tensor) -> Tensor:
        """Return -log p(token | tokens before it in its row), in nats, of all but the first of ``tokens`` (B, T), shape (B, T - 1)."""

    def features(self, tokens: Tensor) -> Tensor:
        """Return the last hidden state after each row of ``tokens`` (B, T), shape (B, E): what the model makes of the row."""


class Learner(Protocol):
    """A network in training: its weights change in place."""

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """The weights that learn, by name; of sharded ones the parts that this process holds."""

    @property
    def layout(self) -> Layout:
        """Which part of the weights this process holds."""

    @property
    def device(self) -> torch.device:
        """Where the weights live."""

    @property
    def network(self) -> Network:
        """The network as its weights are now, ready to score rows."""

    def noise(self, stream: Stream) -> AbstractContextManager[None]:
        """Return the context of a step's forward passes, in which dropout draws from a stream."""

    def add_gradients(self, batch: Batch) -> Tensor:
        """Add the gradients of a batch's part of a step's loss to those of the weights; return that part, float64, shape ()."""

    def apart(self) -> Learner:
        """Return a learner with the same weights that goes its own way."""

    def trained(self) -> Any:
        """Return the network as it is saved; the learner itself is spent."""


def check_tokens(network: Network, tokens: NDArray[np.integer[Any]], what: str) -> None:
    """Refuse tokens that a network has no numbers for.

    Raises
    ------
    HeirloomError
        If an id is outside the network's vocabulary.
    """
    if tokens.size and (tokens.min() < 0 or tokens.max() >= network.vocab_size):
        raise HeirloomError(
            f"{what} hold tokens {tokens.min()} to {tokens.max()}, but the model has 0 to {network.vocab_size - 1}: "
            "source.text.tokenizer must be the tokenizer of the model"
        )


def check_length(network: Network, num_tokens: int, what: str) -> None:
    """Refuse rows that are longer than a network's context.

    Raises
    ------
    HeirloomError
        If they are.
    """
    if network.longest_row is not None and num_tokens > network.longest_row:
        raise HeirloomError(
            f"{what} have {num_tokens} tokens, but the model's context is {network.longest_row}; lower source.text.row_tokens, of pairs "
            "max_prompt_tokens or max_completion_tokens"
        )
