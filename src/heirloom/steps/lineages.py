"""Lineages in memory: each generation is written, mixed, trained and measured by the functions of the step-by-step jobs.

A lineage alone and the members of a population differ in what is mixed: the rows of its own model, or those that all members have written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from heirloom import mixing
from heirloom.artefacts import kinds
from heirloom.artefacts.fingerprints import fingerprint, recorded_sha256
from heirloom.artefacts.kinds import Kind
from heirloom.data.ancestry import Writer
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.data.stack import Stack
from heirloom.families import family
from heirloom.judges.bench import JudgeModel, Witnesses
from heirloom.steps import blend, evaluate, mix, rowless, sample, select
from heirloom.steps import train as training
from heirloom.steps.chain_slice import Slice
from heirloom.steps.common import Paths, naming


@dataclass(frozen=True)
class Generation:
    """One generation in memory."""

    number: int
    datasets: Mapping[Kind, Dataset]
    models: Mapping[Kind, tuple[Any, str]]
    measures: Mapping[str, float]
    judges: select.Notes = field(default_factory=list)

    @property
    def entry(self) -> dict[str, Any]:
        """What the manifest says of it: ``<kind>_content`` hashes of the data in memory, the fingerprints of its models, its judges."""
        contents = {f"{kind.name}_content": dataset.digest() for kind, dataset in self.datasets.items()}
        authors = {kind.name: author for kind, (_, author) in self.models.items()}
        return {"generation": self.number, **contents, **authors, **self.judge_entry}

    @property
    def judge_entry(self) -> dict[str, select.Notes]:
        """What manifests say of its judges: nothing where it has none."""
        return {"judges": self.judges} if self.judges else {}


def generations(step: Slice, inputs: Paths) -> Iterator[Generation]:
    """Yield generations 1 … G of a lineage, each made from the one before."""
    lineage = Lineage(step, inputs)
    supply = _Supply(step, inputs, lineage.original)
    for number in range(1, step.generations + 1):
        writer = lineage.write(number)
        yield lineage.learn(supply.with_newest(lineage.offer, partial(vector_table, born=number, writer=writer)), number)


def generations_of_members(members: Sequence[tuple[Slice, Paths]]) -> Iterator[list[Generation]]:
    """Yield generations 1 … G of the members of a population, all members at a time: each reads what all have written.

    Parameters
    ----------
    members
        The slice and the inputs of each member's lineage.
    """
    lineages = [Lineage(step, inputs) for step, inputs in members]
    mix_slices = [step.part(mix.Slice) for step, _ in members]
    real_rows = [_real_rows(step, inputs, lineage.original) for (step, inputs), lineage in zip(members, lineages, strict=True)]
    keeps_all = mix_slices[0].mixing.synthetic == "all"
    written: list[Sequence[Dataset]] = []  # the members' sets, generation by generation
    for number in range(1, members[0][0].generations + 1):
        for lineage in lineages:
            lineage.write(number)
        offers = [lineage.offer for lineage in lineages]
        written = [*written, offers] if keeps_all else [offers]
        made = []
        for mix_slice, lineage, ingredients in zip(mix_slices, lineages, real_rows, strict=True):
            sets = _read_sets(mix_slice, written)
            made.append(lineage.learn(replace(ingredients, synthetic=sets), number))
        yield made


def _read_sets(step: mix.Slice, written: Sequence[Sequence[Dataset]]) -> list[Dataset]:
    """Return the sets that a member reads, as `workflow.inputs.synthetic_sets` finds them for a job of its own."""
    assert step.exchange is not None
    assert step.member is not None
    if step.mixing.synthetic == "none":
        return []
    weights = step.exchange.weights[step.member]
    writers = [number for number, weight in enumerate(weights) if weight]
    return [sets[number] for sets, number in product(written, writers)]


class Lineage:
    """A lineage at one generation: its newest model, and what this was trained on.

    Attributes
    ----------
    original
        The origin's training set.
    offer
        What the next training set can be mixed from: the newest synthetic set, or what the judges keep of it.
    """

    def __init__(self, step: Slice, inputs: Paths) -> None:
        self._step, self._mix, self._sample = step, step.part(mix.Slice), step.part(sample.Slice)
        self._training, self._evaluate = step.part(training.Slice), step.part(evaluate.Slice)
        self._select = step.part(select.Slice) if step.has(select.Slice) else None
        self._module = family(self._training.family)
        self._fit = self._module.Fit.model_validate(self._training.fit)
        self.original = Dataset.of(Dataset.open(inputs["original"]).table())
        self._held_out = Dataset.open(inputs["held_out"])
        self._origin = self._model = self._module.load(Path(inputs["checkpoint"]))
        self._author = recorded_sha256(inputs["checkpoint"])
        self._train = self._newest = self.offer = self.original
        self._notes: select.Notes = []
        self._witnesses = _witnesses(self._select, inputs, self._origin, self.original) if self._select else None

    def write(self, number: int) -> Writer:
        """Let the newest model write the synthetic set of a generation, and the judges look at it; return who it is as a writer."""
        writer = self._train.tally.writer(self._author, self._step.member)
        self._newest = Dataset.of(pa.concat_tables(sample.vectors(self._sample, self._model, writer, number)))
        self.offer, self._notes = self._newest, select.Notes()
        if self._select and self._witnesses:
            witnesses = replace(self._witnesses, parent=JudgeModel(self._select.family, self._model))
            self.offer, self._notes = select.select(self._select, self._newest, witnesses, number)
        return writer

    def learn(self, ingredients: mixing.Ingredients, number: int) -> Generation:
        """Mix the training set of a generation, and train and measure its model."""
        self._train = mix.mix(self._mix, ingredients, number)
        with naming(number):
            start = {"scratch": None, "origin": self._origin, "previous": self._model}[self._fit.begins_from]
            trained = self._module.train(self._train, self._fit, start, self._training.stream(number))
        models = _models(self._step, self._module, trained, {"origin": self._origin, "previous": self._model}, number)
        self._model, self._author = [*models.values()][-1]
        sets = evaluate.gather(self._evaluate, self.original, self._newest, self._held_out)
        descent = evaluate.descend(self._evaluate, self._train)
        measures = descent | evaluate.measure(self._evaluate, self._model, sets, self._origin, number)
        measures |= evaluate.of_training_set(self._evaluate, self._model, sets, self._origin, self._train, number)
        datasets = {kinds.SYNTHETIC: self._newest, kinds.TRAIN: self._train}
        if self._select:
            datasets[kinds.SELECTED] = self.offer
        return Generation(number, datasets, models, measures, self._notes)


def _witnesses(step: select.Slice, inputs: Paths, origin: Any, original: Dataset) -> Witnesses:
    """Return what a lineage's judges may look at in each generation."""
    return Witnesses(JudgeModel(step.family, origin), None, select.judge_models(step, inputs), original, step.chunk_rows)


def _real_rows(step: Slice, inputs: Paths, original: Dataset) -> mixing.Ingredients:
    """Return the real rows that a lineage's generations are mixed from, in memory where each generation takes some of them."""
    mix_slice = step.part(mix.Slice)
    pool = mix.real_pool(mix_slice, Dataset.open(inputs["pool"]))
    is_read = mix_slice.mixing.redraws_pool
    return mixing.Ingredients(Dataset.of(pool.table()) if is_read else pool, original, (), mix_slice.num_replicas)


class _Supply:
    """What the generations of a lineage are mixed from; where they keep every synthetic set, these lie on a stack behind the original.

    Rows of tables have no one type to be stacked by: their sets lie side by side.
    """

    def __init__(self, step: Slice, inputs: Paths, original: Dataset) -> None:
        mix_slice = step.part(mix.Slice)
        self._real_rows = _real_rows(step, inputs, original)
        self._stack: Stack | None = None
        self._sets: list[Dataset] = []
        self._keeps_all = mix_slice.mixing.synthetic == "all"
        if self._keeps_all and "x" in original.pieces[0].columns:
            sample_sizes = (sample.num_rows(step.part(sample.Slice), number) for number in range(1, step.generations + 1))
            self._stack = Stack(original.num_rows // mix_slice.num_replicas + sum(sample_sizes))
            self._stack.put(original)
            self._real_rows = replace(self._real_rows, original=self._stack.sets(0, 1))

    def with_newest(self, newest: Dataset, table: Callable[[NDArray[Any]], pa.Table]) -> mixing.Ingredients:
        """Return what the next generation can be mixed from; ``table`` makes the newest set's rows from their vectors."""
        if self._stack is None:
            self._sets = [*self._sets, newest] if self._keeps_all else [newest]
            return replace(self._real_rows, synthetic=self._sets)
        self._stack.put(newest, table)
        return replace(self._real_rows, synthetic=[self._stack.sets(1)])


def without_rows(step: Slice, inputs: Paths) -> Iterator[Generation]:
    """Yield generations 1 … G of a lineage, of which only sufficient statistics are drawn."""
    module = family(step.part(training.Slice).family)
    for number, (models, measures) in enumerate(rowless.generations(step, inputs), 1):
        yield Generation(number, {}, {kind: (model, _fingerprint(module, model)) for kind, model in models.items()}, measures)


def _models(step: Slice, module: Any, trained: Any, bases: Mapping[str, Any], number: int) -> dict[Kind, tuple[Any, str]]:
    """Return the models of a generation with their fingerprints, the one last that others read: repaired where the regime repairs."""
    models = blend.models(step.part(blend.Slice) if step.has(blend.Slice) else None, trained, bases, number)
    return {kind: (model, _fingerprint(module, model)) for kind, model in models.items()}


def _fingerprint(module: Any, model: Any) -> str:
    """Return the fingerprint that the model's checkpoint has, or would have, on disk."""
    with tempfile.TemporaryDirectory() as folder:
        module.save(model, Path(folder) / "checkpoint")
        return str(fingerprint(Path(folder) / "checkpoint")["sha256"])
