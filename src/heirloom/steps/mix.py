"""Mix: describe a generation's training set and write it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from heirloom import dealing, mixing
from heirloom.artefacts.kinds import Key
from heirloom.data.dataset import Dataset
from heirloom.runtime import streams
from heirloom.runtime.streams import Stream
from heirloom.specs.population import Exchange
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
    exchange: slices.NonDefault[Exchange] | None = None


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of a generation's training set."""
    experiment = config.experiments[key.experiment]
    row_fields: dict[str, Any] = {"rows": experiment.original_rows}
    if key.generation:
        regime = config.regimes[key.regime]
        row_fields = {"rows": experiment.rows, "mixing": regime if experiment.is_chain else regime.until(key.generation)}
    if experiment.membership:
        row_fields["exchange"] = experiment.membership.exchange
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.mix:run"),
        **slices.place(config, key),
        num_replicas=experiment.num_replicas,
        **row_fields,
    )


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write the training set of one generation.

    Parameters
    ----------
    inputs
        ``pool``: the real training rows. ``original``: the origin's training set, none for the origin itself. ``synthetic``: synthetic
        sets, oldest first; in a population those of all writers that the member reads, generation by generation.
    outputs
        ``train``: the file to write.
    """
    pool, original = real_pool(step, Dataset.open(inputs["pool"])), inputs.get("original")
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


def real_pool(step: Slice, pool: Dataset) -> Dataset:
    """Return the real rows that a lineage is given: the pool, or in a population the member's share of it."""
    if step.seat is None or step.exchange is None:
        return pool
    return dealing.share_of_pool(pool, step.exchange, step.seat.number, step.num_replicas, Stream((step.seed, "segments")))


def mix(step: Slice, ingredients: mixing.Ingredients, generation: int) -> Dataset:
    """Return the training set that a slice describes."""
    assert step.rows is not None
    ingredients = _dealt(step, ingredients, generation)
    return mixing.mix(step.mixing, ingredients, step.rows, generation, shuffle=shuffle(step.seed), lineage=step.lineage)


def _dealt(step: Slice, ingredients: mixing.Ingredients, generation: int) -> mixing.Ingredients:
    """Return what a member's training set is mixed from: of each generation the rows that it is dealt, as many as it takes.

    Where its budget is fixed that is what the real rows leave of the budget, and else as many as each member writes.
    """
    if step.seat is None or step.exchange is None or step.rows is None:
        return ingredients
    written, num_writers = ingredients.synthetic, sum(weight > 0 for weight in step.exchange.weights[step.seat.number])
    rows = step.mixing.filling_rows(step.rows, generation)
    first = generation + 1 - len(written) // num_writers
    shared = streams.lineage(step.seed, step.regime)
    sets = []
    for number in range(first, generation + 1):
        place = (number - first) * num_writers
        sets_of_generation = written[place : place + num_writers]
        count = sets_of_generation[0].num_rows // step.num_replicas if rows is None else rows
        stream = shared.child(number, "dealt")
        sets.append(dealing.dealt(sets_of_generation, step.exchange, step.seat.number, count, step.num_replicas, stream))
    return replace(ingredients, synthetic=sets)


def shuffle(seed: int) -> Stream:
    """Return the stream that shuffles the real pool: one per seed, whatever the regime."""
    return Stream((seed, "pool"))
