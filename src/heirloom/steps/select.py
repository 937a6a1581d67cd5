"""Select: let a judge keep some of a generation's synthetic rows, before they are mixed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from heirloom import selection
from heirloom.artefacts.kinds import Key
from heirloom.data.dataset import Dataset
from heirloom.families import family
from heirloom.families.abilities import Judge
from heirloom.runtime import streams
from heirloom.specs.regime import Select
from heirloom.steps import slices
from heirloom.steps.common import Paths, finish, naming

if TYPE_CHECKING:
    from heirloom.config import Config


class Slice(slices.GenerationSlice):
    """What a selection depends on: the judge and its errors."""

    name = "select"

    family: str
    select: slices.NonDefault[Select]
    chunk_rows: int = 1


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of a generation's selection, of a regime that has one."""
    experiment, judge = config.experiments[key.experiment], config.regimes[key.regime].select
    assert judge is not None
    code = slices.family_code(experiment, ("log_likelihoods", "load"))
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.select:run", *code),
        **slices.place(key),
        **slices.chunks(experiment),
        **slices.device(experiment),
        family=experiment.family.name,
        select=judge,
    )


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write the synthetic rows that are kept.

    Parameters
    ----------
    inputs
        ``synthetic``: the generation's synthetic set. ``origin``: generation 0's checkpoint, the judge. ``parent``: the checkpoint of the
        model that wrote the rows, where the judge compares the two.
    outputs
        ``selected``: the file to write.
    """
    load, parent = family(step.family).load, inputs.get("parent")
    author = load(Path(parent)) if parent else None
    synthetic, origin = Dataset.open(inputs["synthetic"]), load(Path(inputs["origin"]))
    selected_rows = select(step, synthetic, origin, author, step.generation)
    selected_rows.write(outputs["selected"])
    finish(step, inputs, [outputs["selected"]])


def select(step: Slice, synthetic: Dataset, origin: Any, parent: Any, generation: int) -> Dataset:
    """Return the rows that a slice's judge keeps; ``parent`` is read by a detector only."""
    module = cast("Judge", family(step.family))
    with naming(generation):
        score_RN = module.log_likelihoods(origin, synthetic, step.chunk_rows)
        if step.select.by == "detector":
            score_RN = score_RN - module.log_likelihoods(parent, synthetic, step.chunk_rows)
    return selection.select(synthetic, score_RN, step.select, streams.step(step.seed, step.regime, generation, "select"))
