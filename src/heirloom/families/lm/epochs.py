"""The last epoch's weights beside those of the best epoch, where a training is asked for both.

In a checkpoint `epochs.json` says which epoch was best and how many there were, and `last_epoch/` is a checkpoint of the last one; it is
left out where the last epoch is the best.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heirloom.artefacts.files import dumps

FILE = "epochs.json"
FOLDER = "last_epoch"


@dataclass(frozen=True)
class Epochs:
    """Which epochs a checkpoint holds.

    Parameters
    ----------
    best, last
        Numbers of the epoch whose weights are the model's, and of the last one; the first epoch is 1.
    network
        The last epoch's network before it is saved; None where it is the best epoch's.
    folder
        The checkpoint that they were read from; None before they are saved.
    """

    best: int
    last: int
    network: Any = None
    folder: Path | None = None

    @property
    def saved_last(self) -> Path | None:
        """The folder of the last epoch's own checkpoint; None where it is the best epoch's."""
        return self.folder / FOLDER if self.folder is not None and self.best < self.last else None


def measures(epochs: Epochs | None, perplexity: float, perplexity_of: Callable[[Path], float]) -> dict[str, float]:
    """Return the best epoch's number and the last epoch's test perplexity; nothing where the training was asked for the best one alone.

    Parameters
    ----------
    perplexity
        The best epoch's.
    perplexity_of
        The perplexity of the model in a folder.
    """
    if epochs is None:
        return {}
    folder = epochs.saved_last
    last_perplexity = perplexity if folder is None else perplexity_of(folder)
    return {"best_epoch": float(epochs.best), "test_perplexity.last_epoch": last_perplexity}


def write(epochs: Epochs | None, folder: Path, save: Callable[[Any, Path], None]) -> None:
    """Write into a checkpoint's folder what it is to hold of epochs, the last one's network by ``save``."""
    if epochs is None:
        return
    (folder / FILE).write_text(dumps({"best": epochs.best, "last": epochs.last}), encoding="utf-8")
    if epochs.network is not None:
        save(epochs.network, folder / FOLDER)


def read(folder: Path) -> Epochs | None:
    """Return the epochs that a checkpoint's folder tells of; None where the training was asked for the best epoch only."""
    if not (folder / FILE).is_file():
        return None
    numbers = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return Epochs(numbers["best"], numbers["last"], folder=folder)
