"""Chain: a whole lineage in one job, for families whose generations take milliseconds.

Runs the same four functions as the step-by-step jobs, in memory, and writes one tidy trajectory, the snapshots that the config
lists, and in the trajectory's manifest the hash of every generation's data and model, kept or not. Where it has several replicas, their
measures of collapse are written by units (`measures.replicas`), so that an arm can be compared with its control replica by replica. A chain
on the path of sufficient statistics (`rowless`) has no synthetic rows: its manifest says so, and a snapshot is the model alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heirloom import mixing
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import replacing
from heirloom.artefacts.fingerprints import fingerprint, recorded_sha256
from heirloom.artefacts.kinds import Key, Kind
from heirloom.data.arrow import column, strings
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.data.stack import Stack
from heirloom.families import family
from heirloom.families.abilities import Looping
from heirloom.judges.bench import JudgeModel, Witnesses
from heirloom.measures import replicas
from heirloom.sources import input_files
from heirloom.stats.spacing import geometrically_spaced
from heirloom.steps import blend, evaluate, mix, rowless, sample, select, slices
from heirloom.steps import train as training
from heirloom.steps.chain_slice import Slice, parts
from heirloom.steps.common import Paths, finish, naming

if TYPE_CHECKING:
    from heirloom.config import Config

ALL_UP_TO = 100
"""Most generations of which units are written: all of a short chain, of a longer one so many on a geometric scale."""

Cell = tuple[int, str, int, float]
"""Generation, measure, number of the unit, value."""

_ROWS = ("sample", "train", "evaluate")
_ROWLESS = ("summarise", "draw", "merge", "subset", "fitted", "measure")
"""What a chain calls of a family (`families.base`): with rows, and without."""


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of a whole lineage: the slices of its steps, as they are at generation 1, and its length."""
    experiment, first_key = config.experiments[key.experiment], key._replace(generation=1)
    modules: list[Any] = [mix, training, sample, evaluate]
    functions = [*(_ROWS if experiment.has_rows else _ROWLESS), "load", "save"]
    judge_code: list[str] = []
    if config.regimes[key.regime].judges:
        modules.append(select)
        judge_code = select.family_code(config, key)
    if config.regimes[key.regime].repair is not None:
        modules.append(blend)
        functions.append("blended")
    path_fields: slices.Settings = {} if experiment.has_rows else {"path": "statistics"}
    if experiment.until is not None:
        path_fields["until"] = experiment.until
    if experiment.family.lineage_program is not None:
        path_fields["program"] = experiment.family.lineage_program
        functions.append("whole_lineage")
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.chain:run", *slices.family_code(experiment, functions), *judge_code),
        **slices.package(experiment),
        regime=key.regime,
        seed=key.seed or 0,
        generations=experiment.generations,
        snapshots=sorted(experiment.snapshots),
        steps=parts(module.slice_of(config, first_key) for module in modules),
        **path_fields,
    )


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


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write the trajectory and the snapshots of one lineage.

    Parameters
    ----------
    inputs
        ``pool``, ``held_out`` (real rows), ``original`` and ``checkpoint`` (the origin's training set and model), ``judges``
        (checkpoints of other experiments that judge).
    outputs
        ``trajectory``: the Parquet file to write (generation, metric, value); that of units (generation, metric, unit, value) is written
        beside it, and snapshots go to the generations' folders.
    """
    hashes, rows, cells = [], list[tuple[int, str, float]](), list[Cell]()
    recorded_inputs = {**inputs, "judges": inputs.get("judges", "").split()}
    lineage, note = generations, dict[str, Any]()
    if step.path is not None:
        lineage, note = without_rows, {"rows": "none: sufficient statistics"}
    generation_files, trajectory = step.part(evaluate.Slice).files, outputs["trajectory"]
    generations_of_units = set(geometrically_spaced(step.generations, ALL_UP_TO))
    with _program(step), input_files.reading(input_files.planned_files(generation_files or ()), generation_files) as files:
        for generation in lineage(step, inputs):
            hashes.append(generation.entry)
            metrics, units = replicas.split_units(generation.measures)
            rows += [(generation.number, name, value) for name, value in metrics.items()]
            if generation.number in generations_of_units:
                cells += [(generation.number, *unit, value) for unit, value in units.items()]
            if generation.number in step.snapshots:
                _keep(step, recorded_inputs, generation, Path(trajectory).parent)
            if step.is_last(generation.number, metrics):
                note["stopped"] = generation.number
                break
    units_file = str(Path(trajectory).with_name(kinds.REPLICAS.file))
    for stale in (paths.fingerprint(units_file), paths.manifest(units_file), units_file):  # Snakemake knows of the trajectory alone
        Path(stale).unlink(missing_ok=True)
    if cells:
        numbers, names, places, values = zip(*cells, strict=True)
        _write(units_file, numbers, names, values, unit=column(np.asarray(places, np.int32)))
        finish(step, recorded_inputs, [units_file], files, **note)
    numbers, names, values = zip(*rows, strict=True)
    _write(trajectory, numbers, names, values)
    finish(step, recorded_inputs, [trajectory], files, generations=hashes, **note)


def _write(path: str, numbers: Sequence[int], names: Sequence[str], values: Sequence[float], **columns: pa.Array) -> None:
    table = pa.table(
        {
            "generation": column(np.asarray(numbers, np.int32)),
            "metric": strings(names),
            **columns,
            "value": column(np.asarray(values, np.float64)),
        }
    )
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", store_schema=False)


def _program(step: Slice) -> AbstractContextManager[None]:
    """Return the program of the user's that makes the whole lineage, where there is one, started and ended with a block."""
    if step.program is None:
        return nullcontext()
    return cast("Looping", family(step.part(training.Slice).family)).whole_lineage(step.program)


def generations(step: Slice, inputs: Paths) -> Iterator[Generation]:
    """Yield generations 1 … G of a lineage, each made from the one before."""
    mix_slice, train_slice = step.part(mix.Slice), step.part(training.Slice)
    sample_slice, evaluate_slice = step.part(sample.Slice), step.part(evaluate.Slice)
    select_slice = step.part(select.Slice) if step.has(select.Slice) else None
    module = family(train_slice.family)
    fit = module.Fit.model_validate(train_slice.fit)
    original = Dataset.of(Dataset.open(inputs["original"]).table())
    held_out = Dataset.open(inputs["held_out"])
    origin = model = module.load(Path(inputs["checkpoint"]))
    witnesses = _witnesses(select_slice, inputs, origin, original) if select_slice else None
    author = recorded_sha256(inputs["checkpoint"])
    train, supply = original, _Supply(step, inputs, original)
    for number in range(1, step.generations + 1):
        writer = train.tally.writer(author)
        newest = Dataset.of(pa.concat_tables(sample.vectors(sample_slice, model, writer, number)))
        selected_rows, notes = newest, select.Notes()
        if select_slice and witnesses:
            parent_model = JudgeModel(select_slice.family, model)
            selected_rows, notes = select.select(select_slice, newest, replace(witnesses, parent=parent_model), number)
        ingredients = supply.with_newest(selected_rows, partial(vector_table, born=number, writer=writer))
        train = mix.mix(mix_slice, ingredients, number)
        with naming(number):
            parent = {"scratch": None, "origin": origin, "previous": model}[fit.begins_from]
            trained = module.train(train, fit, parent, train_slice.stream(number))
        models = _models(step, module, trained, {"origin": origin, "previous": model}, number)
        model, author = [*models.values()][-1]
        sets = evaluate.gather(evaluate_slice, original, newest, held_out)
        measures = evaluate.descend(evaluate_slice, train) | evaluate.measure(evaluate_slice, model, sets, origin, number)
        measures |= evaluate.of_training_set(evaluate_slice, model, sets, origin, train, number)
        datasets = {kinds.SYNTHETIC: newest, kinds.TRAIN: train}
        if select_slice:
            datasets[kinds.SELECTED] = selected_rows
        yield Generation(number, datasets, models, measures, notes)


def _witnesses(step: select.Slice, inputs: Paths, origin: Any, original: Dataset) -> Witnesses:
    """Return what a lineage's judges may look at in each generation."""
    return Witnesses(JudgeModel(step.family, origin), None, select.judge_models(step, inputs), original, step.chunk_rows)


class _Supply:
    """What the generations of a lineage are mixed from; where they keep every synthetic set, these lie on a stack behind the original.

    Rows of tables have no one type to be stacked by: their sets lie side by side.
    """

    def __init__(self, step: Slice, inputs: Paths, original: Dataset) -> None:
        mix_slice, pool = step.part(mix.Slice), Dataset.open(inputs["pool"])
        is_read = mix_slice.mixing.redraws_pool
        self._real_rows = mixing.Ingredients(Dataset.of(pool.table()) if is_read else pool, original, (), mix_slice.num_replicas)
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


def _keep(step: Slice, inputs: Mapping[str, str | Sequence[str]], snapshot: Generation, lineage: Path) -> None:
    """Write a generation's datasets and checkpoint where the step-by-step jobs would."""
    folder = lineage / Path(kinds.GENERATION.pattern).name.format(generation=snapshot.number)
    files = {str(folder / kind.file): dataset for kind, dataset in snapshot.datasets.items()}
    for file, dataset in files.items():
        dataset.write(file)
    model_folders = {str(folder / kind.file): model for kind, (model, _) in snapshot.models.items()}
    for path, model in model_folders.items():
        with replacing(path) as temporary:
            family(step.part(training.Slice).family).save(model, temporary)
    finish(step, inputs, [*files, *model_folders], (), generation=snapshot.number, **snapshot.judge_entry)
