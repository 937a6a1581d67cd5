"""Mix: describe a generation's training set and write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heirloom import mixing
from heirloom.artefacts.kinds import Key
from heirloom.data.dataset import Dataset
from heirloom.runtime import streams
from heirloom.runtime.streams import Stream
from heirloom.specs.regime import Regime
from heirloom.steps import slices
from heirloom.steps.common import Paths, finish

if TYPE_CHECKING:
    from heirloom.config import Config


class Slice(slices.GenerationSlice):
    """What a training set depends on: the regime's declaration and the row counts, or the origin's count alone."""

    name = "mix"

    num_replicas: int
    rows: int | None
    mixing: slices.NonDefault[Regime] = Regime()


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of a generation's training set."""
    experiment = config.experiments[key.experiment]
    row_fields: dict[str, Any] = {"rows": experiment.original_rows}
    if key.generation:
        regime = config.regimes[key.regime]
        row_fields = {"rows": experiment.rows, "mixing": regime if experiment.is_chain else regime.until(key.generation)}
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.mix:run"),
        **slices.place(key),
        num_replicas=experiment.num_replicas,
        **row_fields,
    )


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write the training set of one generation.

    Parameters
    ----------
    inputs
        ``pool``: the real training rows. ``original``: the origin's training set, none for the origin itself. ``synthetic``: synthetic
        sets, oldest first.
    outputs
        ``train``: the file to write.
    """
    pool, original = Dataset.open(inputs["pool"]), inputs.get("original")
    synthetic = inputs.get("synthetic", "").split()
    if original:
        sets = [Dataset.open(path) for path in synthetic]
        ingredients = mixing.Ingredients(pool, Dataset.open(original), sets, step.num_replicas)
        train = mix(step, ingredients, step.generation)
    else:
        rows = step.rows or pool.num_rows // step.num_replicas
        train = mixing.mix_origin(pool, rows, shuffle(step.seed), step.num_replicas)
    train.write(outputs["train"])
    finish(step, {**inputs, "synthetic": synthetic}, [outputs["train"]])


def mix(step: Slice, ingredients: mixing.Ingredients, generation: int) -> Dataset:
    """Return the training set that a slice describes."""
    assert step.rows is not None
    lineage = streams.lineage(step.seed, step.regime)
    return mixing.mix(step.mixing, ingredients, step.rows, generation, shuffle=shuffle(step.seed), lineage=lineage)


def shuffle(seed: int) -> Stream:
    """Return the stream that shuffles the real pool: one per seed, whatever the regime."""
    return Stream((seed, "pool"))
