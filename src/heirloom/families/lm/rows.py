"""Rows to train on, of one length or of many: which of them make a step, and how each of their tokens counts in its loss.

The loss of a step is the sum of the nats of all its labelled tokens, each times the weight of its row, divided by the number of labelled
tokens of the whole step: over all forward passes and all processes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heirloom.data import buckets
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
        """Return the numbers of the rows of each step of an epoch; the last step takes what is left.

        The epoch's order is a permutation drawn from ``stream.child("order", epoch)``. Where rows differ in length, a step's are alike
        (`data.buckets`).
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
            If a row is longer than the context, or an id is outside the vocabulary.
        """
        check_tokens(network, self.tokens, "training rows")
        check_length(network, int(self.lengths.max(initial=0)), "training rows")

    @torch.no_grad()
    def nats(self, network: Network, share: slice, num_passes: int) -> float:
        """Return the nats of all labelled tokens of a share of the rows, which ``num_passes`` forward passes are enough for.

        A pass that is left over reads the first row and counts nothing: other processes may need it (`layout`).
        """
        numbers, total = np.arange(len(self))[share], 0.0
        for number in range(num_passes):
            chunk = numbers[number * network.rows_at_once : (number + 1) * network.rows_at_once]
            rows = chunk if len(chunk) else np.zeros(1, np.int64)
            batch = self.batch(rows, rows, network.device)
            nats_BT = network.nats(batch.tokens).double()
            if len(chunk):
                total += float((nats_BT if batch.is_label is None else nats_BT[batch.is_label]).sum())
        return total
