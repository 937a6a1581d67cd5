"""Mix: describe a generation's training set and write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heirloom import mixing, streams
from heirloom.dataset import Dataset
from heirloom.specs.regime import Regime
from heirloom.steps.common import finish
from heirloom.streams import Stream


def run(step: Mapping[str, Any], pool: str, original: str | None, synthetic: Sequence[str], train: str) -> None:
    """Write the training set of one generation.

    Parameters
    ----------
    pool, original, synthetic
        The real training rows; the origin's training set (None for the origin itself); synthetic sets, oldest first.
    train
        The file to write.
    """
    opened = Dataset.open(pool)
    if original is None:
        rows = step["rows"] or opened.num_rows // step["num_replicas"]
        mixed = mixing.mix_origin(opened, rows, shuffle(step["seed"]), step["num_replicas"])
    else:
        offered = mixing.Ingredients(opened, Dataset.open(original), [Dataset.open(path) for path in synthetic], step["num_replicas"])
        mixed = mix(step, offered, step["generation"])
    mixed.write(train)
    finish(step, {"pool": pool, "original": original or "", "synthetic": list(synthetic)}, [train])


def mix(step: Mapping[str, Any], offered: mixing.Ingredients, generation: int) -> Dataset:
    """Return the training set that a slice describes."""
    lineage = streams.lineage(step["seed"], step["regime"])
    regime = Regime.model_validate(step["mixing"])
    return mixing.mix(regime, offered, step["rows"], generation, shuffle=shuffle(step["seed"]), lineage=lineage)


def shuffle(seed: int) -> Stream:
    """Return the stream that shuffles the real pool: one a seed, whatever the regime."""
    return Stream((seed, "pool"))
