"""Real rows for a trial of programs of the user's: made as a run would make them, in a folder that goes again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from heirloom.artefacts.kinds import Key
from heirloom.data.dataset import Dataset
from heirloom.steps import real

if TYPE_CHECKING:
    from heirloom.config import Config


class RealRows(NamedTuple):
    """The pool of real rows, and those that are held out."""

    pool: Dataset
    held_out: Dataset


def real_rows(config: Config, name: str, folder: Path) -> RealRows:
    """Return the real rows of an experiment's first pool, written into a folder."""
    experiment = config.experiments[name]
    outputs = {"train": "train.parquet", "test": "test.parquet"}
    if experiment.is_text:
        outputs |= {"valid": "valid.parquet", "tokenizer": "tokenizer.json", "documents": "documents.parquet"}
    places = {role: str(folder / file) for role, file in outputs.items()}
    real.run(real.slice_of(config, Key(name, seed=experiment.pools[0] or None)), {}, places)
    return RealRows(Dataset.open(places["train"]), Dataset.open(places["test"]))
