"""One training from its rows to the network that is saved: which rows choose the epoch, the loop, and the epochs that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from heirloom.data import pairs as pair_data
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import minibatches
from heirloom.families.lm import loop, pairs
from heirloom.families.lm.epochs import Epochs
from heirloom.families.lm.network import Learner
from heirloom.families.lm.rows import Rows
from heirloom.families.lm.state import Progress
from heirloom.families.lm.weights import put_back
from heirloom.runtime import memory
from heirloom.runtime.streams import Stream
from heirloom.specs.language_model import EpochChoice


def train(
    learner: Learner,
    rows: Dataset,
    choice: EpochChoice,
    settings: loop.Settings,
    stream: Stream,
    state: Path | None,
    held_out: Dataset | None,
    fewest: int = 1,
) -> Any:
    """Return the network that a learner becomes.

    Parameters
    ----------
    choice
        Which epoch's weights are kept.
    state
        Folder in which progress is saved and found (`abilities.Resumable`); None saves none.
    held_out
        Real rows that are not trained on, for ``best_epoch: real``.
    fewest
        Rows that must be left to train on.

    Raises
    ------
    HeirloomError
        If rows do not fit the model or are too few, the loss is not finite, no weight changes, or memory runs out.
    """
    with ExitStack() as files, memory.guard("training", "family.training.micro_rows"):
        all_rows = files.enter_context(mapped(rows, choice))
        all_rows.check(learner.network)
        chosen_rows = None
        if choice.best_epoch == "real" and held_out is not None:
            chosen_rows = files.enter_context(mapped(held_out, choice)).subset(np.arange(held_out.num_rows)[: choice.validation_rows])
        trained_rows, validation = split(all_rows, choice, chosen_rows, stream, fewest)
        progress = loop.train(loop.Training(learner, trained_rows, settings, stream, validation), state)
    return _network(learner, progress, choice.last_epoch)


def _network(learner: Learner, progress: Progress, with_last_epoch: bool) -> Any:
    """Return the best epoch's network, which holds the last epoch's where both are asked for."""
    last_network = None
    if progress.best_weights is not None:
        last_network = learner.apart().trained() if with_last_epoch else None
        put_back(learner.weights, progress.best_weights)
    network = learner.trained()
    if not with_last_epoch:
        return network
    return replace(network, epochs=Epochs(progress.best, progress.epochs, last_network))


@contextmanager
def mapped(rows: Dataset, choice: EpochChoice) -> Iterator[Rows]:
    """Yield blocks or pairs as rows to learn, their tokens in a temporary file.

    Raises
    ------
    HeirloomError
        If blocks have a single token.
    """
    if pair_data.are_in(rows):
        with pairs.mapped(rows, choice.loss_on) as mapped_rows:
            yield mapped_rows
        return
    with minibatches.memory_mapped(rows, "tokens", np.int32) as tokens_NT:
        if tokens_NT.shape[1] < 2:
            raise HeirloomError(f"training rows have {tokens_NT.shape[1]} token: each must have at least 2")
        yield Rows.blocks(tokens_NT, rows.weights() if rows.is_weighted else None)


def split(rows: Rows, choice: EpochChoice, held_out: Rows | None, stream: Stream, fewest: int) -> tuple[Rows, Rows | None]:
    """Return the rows to train on, and those that choose the epoch, if any do.

    Raises
    ------
    HeirloomError
        If real rows are asked for and not there, or fewer than ``fewest`` are left.
    """
    if choice.best_epoch == "last":
        return rows, None
    if choice.best_epoch == "real":
        if held_out is None:
            raise HeirloomError("family.training.best_epoch: real needs the real validation split")
        return rows, held_out
    count = choice.held_out_rows(len(rows))
    if len(rows) - count < fewest:
        raise HeirloomError(f"holding out {count} of {len(rows)} rows for validation leaves fewer than {fewest} to train on")
    order = stream.child("validation").generator().permutation(len(rows))
    return rows.subset(np.sort(order[count:])), replace(rows.subset(np.sort(order[:count])[: choice.validation_rows]), weights=None)
