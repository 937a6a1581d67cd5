"""Rows to train on, of one length or of many: which of them make a step, and how each of their tokens counts in its loss.

The loss of a step is the sum of the nats of all its labelled tokens, each times the weight of its row, divided by the number of labelled
tokens of the whole step: over all forward passes and all processes.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from heirloom.data import arrow, buckets, pairs
from heirloom.data.columns import PROMPT
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import minibatches
from heirloom.families.lm.network import Batch, Network, check_length, check_tokens
from heirloom.runtime.streams import Stream


@dataclass(frozen=True)
class Rows:
    """Rows at random access.

    Parameters
    ----------
    tokens
        The tokens of all rows, one row after the other, perhaps on disk.
    ends
        Where each row ends in them; it begins where the one before ends, (M,).
    first_labels
        Place in each row of its first token that is to be learnt, (M,); at least 1, because nothing precedes a row's first token.
    positions
        Which rows are meant, ascending, (N,).
    weights
        How much the loss of each of all rows counts, 1 on average, (M,); None where all count the same.
    """

    tokens: NDArray[Any]
    ends: NDArray[np.int64]
    first_labels: NDArray[np.int64]
    positions: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None

    @classmethod
    def blocks(cls, tokens_NT: NDArray[Any], weight_N: NDArray[np.float64] | None = None) -> Rows:
        """Return rows of one length, of which all tokens but the first are to be learnt."""
        num_rows, width = tokens_NT.shape
        numbers = np.arange(num_rows)
        return cls(tokens_NT.reshape(-1), (numbers + 1) * width, np.ones_like(numbers), numbers, weight_N)

    def subset(self, numbers: NDArray[np.int64]) -> Rows:
        """Return some of the rows."""
        return replace(self, positions=self.positions[numbers])

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.positions)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row, (N,)."""
        return np.diff(self.ends, prepend=0)[self.positions]

    @cached_property
    def num_labels(self) -> NDArray[np.int64]:
        """Tokens of each row that are to be learnt, (N,)."""
        return self.lengths - self.first_labels[self.positions]

    @cached_property
    def are_blocks(self) -> bool:
        """Whether all rows are equally long, and all tokens but the first are to be learnt."""
        return bool((self.lengths == self.lengths[0]).all() and (self.num_labels == self.lengths - 1).all())

    def num_steps(self, batch_rows: int) -> int:
        """Return the number of steps of an epoch."""
        return math.ceil(len(self) / batch_rows)

    def steps(self, epoch: int, batch_rows: int, stream: Stream) -> list[NDArray[np.int64]]:
        """Return the numbers of the rows of each step of an epoch, in an order that is drawn from ``stream.child("order", epoch)``.

        Where rows differ in length, those of a step are of like length (`data.buckets.epoch_batches`).
        """
        if self.are_blocks:
            return list(minibatches.one_epoch(len(self), epoch, batch_rows, stream))
        return list(buckets.epoch_batches(self.lengths, epoch, batch_rows, stream))

    def batch(self, rows: NDArray[np.int64], step: NDArray[np.int64], device: torch.device) -> Batch:
        """Return some of the rows of a step, on a device; shorter ones are filled up with their own last token, which is no label."""
        positions, lengths = self.positions[rows], self.lengths[rows]
        places_T, ends = np.arange(lengths.max()), self.ends[positions]
        sources_BT = np.minimum((ends - lengths)[:, None] + places_T, ends[:, None] - 1)
        tokens = torch.from_numpy(np.asarray(self.tokens[sources_BT], dtype=np.int64)).to(device)
        weights = None if self.weights is None else torch.from_numpy(self.weights[positions]).float().to(device)
        is_label = None
        if not self.are_blocks:
            is_label_BT = (places_T >= self.first_labels[positions][:, None]) & (places_T < lengths[:, None])
            is_label = torch.from_numpy(is_label_BT[:, 1:]).to(device)
        return Batch(tokens, weights, is_label, int(self.num_labels[step].sum()))

    def check(self, network: Network) -> None:
        """Refuse rows that a network cannot be trained on.

        Raises
        ------
        HeirloomError
            If a row is shorter than two tokens or longer than the context, or an id is outside the vocabulary.
        """
        if self.lengths.min(initial=2) < 2:
            raise HeirloomError(f"training rows have {self.lengths.min()} token: each must have at least 2")
        check_tokens(network, self.tokens, "training rows")
        check_length(network, int(self.lengths.max(initial=0)), "training rows")

    @torch.inference_mode()
    def nats(self, network: Network, share: slice) -> float:
        """Return the nats of all labelled tokens of a share of the rows."""
        numbers, total = np.arange(len(self))[share], 0.0
        for start in range(0, len(numbers), network.rows_at_once):
            chunk = numbers[start : start + network.rows_at_once]
            batch = self.batch(chunk, chunk, network.device)
            nats_BT = network.nats(batch.tokens).double()
            total += float((nats_BT if batch.is_label is None else nats_BT[batch.is_label]).sum())
        return total


@contextmanager
def at_random_access(dataset: Dataset) -> Iterator[Rows]:
    """Yield a dataset's rows, blocks or pairs, with their tokens in a temporary file: of pairs the completions are to be learnt."""
    weights = dataset.weights() if dataset.is_weighted else None
    if not pairs.are_in(dataset):
        with minibatches.memory_mapped(dataset, "tokens", np.int32) as tokens_NT:
            yield Rows.blocks(tokens_NT, weights)
        return
    prompt_lengths, completion_lengths = pairs.lengths(dataset, PROMPT), pairs.lengths(dataset, "tokens")
    with tempfile.TemporaryFile() as file:
        for batch in dataset.batches([PROMPT, "tokens"]):
            file.write(_joined(batch.column(0), batch.column(1)).tobytes())
        file.flush()
        tokens = np.memmap(file, dtype=np.int32, mode="r")
        ends = np.cumsum(prompt_lengths + completion_lengths)
        yield Rows(tokens, ends, np.maximum(prompt_lengths, 1), np.arange(len(ends)), weights)


def _joined(prompts: pa.ListArray, completions: pa.ListArray) -> NDArray[np.int32]:
    """Return the tokens of each prompt and of its completion, one pair after the other."""
    lengths = np.column_stack([arrow.lengths(prompts), arrow.lengths(completions)])
    is_prompt = np.repeat(np.tile([True, False], len(prompts)), lengths.ravel())
    tokens = np.empty(len(is_prompt), np.int32)
    tokens[is_prompt], tokens[~is_prompt] = arrow.numbers(prompts.flatten()), arrow.numbers(completions.flatten())
    return tokens
