"""Select: let a judge keep some of a generation's synthetic rows, before they are mixed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from heirloom import mixing, streams
from heirloom.dataset import Dataset
from heirloom.families import family
from heirloom.families.base import Judge
from heirloom.specs.regime import Select
from heirloom.steps.common import finish, naming


def run(step: Mapping[str, Any], synthetic: str, origin: str, parent: str | None, selected: str) -> None:
    """Write the synthetic rows that are kept.

    Parameters
    ----------
    synthetic
        The generation's synthetic set.
    origin, parent
        Generation 0's checkpoint, the judge; and that of the model that wrote the rows, where the judge compares the two.
    selected
        The file to write.
    """
    load = family(step["family"]).load
    author = load(Path(parent)) if parent else None
    select(step, Dataset.open(synthetic), load(Path(origin)), author, step["generation"]).write(selected)
    finish(step, {"synthetic": synthetic, "origin": origin, "parent": parent or ""}, [selected])


def select(step: Mapping[str, Any], synthetic: Dataset, origin: Any, parent: Any, generation: int) -> Dataset:
    """Return the rows that a slice's judge keeps; ``parent`` is read by a detector only."""
    module, judged = cast("Judge", family(step["family"])), Select.model_validate(step["select"])
    with naming(generation):
        score_RN = module.log_likelihoods(origin, synthetic, step.get("chunk_rows", 1))
        if judged.by == "detector":
            score_RN = score_RN - module.log_likelihoods(parent, synthetic, step.get("chunk_rows", 1))
    return mixing.select(synthetic, score_RN, judged, streams.step(step["seed"], step["regime"], generation, "select"))
