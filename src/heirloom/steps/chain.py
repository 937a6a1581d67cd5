"""Chain: a whole lineage in one job, for families whose generations take milliseconds, or all lineages of a population.

Runs the same four functions as the step-by-step jobs, in memory (`lineages`), and writes one tidy trajectory a lineage, the snapshots that
the config lists, and in the trajectory's manifest the hash of every generation's data and model, kept or not. Where it has several
replicas, their measures of collapse are written by units (`measures.replicas`), so that an arm can be compared with its control replica by
replica. A chain on the path of sufficient statistics (`rowless`) has no synthetic rows: its manifest says so, and a snapshot is the model
alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import replacing
from heirloom.artefacts.kinds import Key
from heirloom.artefacts.manifest import Input
from heirloom.data.arrow import column, strings
from heirloom.families import family
from heirloom.families.abilities import Looping
from heirloom.measures import replicas
from heirloom.sources import input_files
from heirloom.specs import packages
from heirloom.stats.spacing import geometrically_spaced
from heirloom.steps import blend, evaluate, lineages, mix, sample, select, slices
from heirloom.steps import train as training
from heirloom.steps.chain_slice import Member, Slice, parts
from heirloom.steps.common import Paths, finish
from heirloom.steps.lineages import Generation

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
    """Return the slice of a whole lineage, or of the lineages of a population: the slices of its steps at generation 1, and its length."""
    experiment = config.experiments[key.experiment]
    membership = experiment.membership
    names = membership.experiments if membership else [key.experiment]
    keys = [key._replace(experiment=name, generation=1) for name in names]
    code: list[str] = []
    for member_key in keys:
        code += _family_code(config, member_key)
    optional_fields: slices.Settings = {} if experiment.has_rows else {"path": "statistics"}
    if experiment.until is not None:
        optional_fields["until"] = experiment.until
    if experiment.family.lineage_program is not None:
        optional_fields["program"] = experiment.family.lineage_program
    if membership:
        optional_fields |= {"population": [_member(config, member_key) for member_key in keys]}
    else:
        optional_fields |= {**slices.package(experiment), "steps": _steps(config, keys[0])}
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.chain:run", *dict.fromkeys(code)),
        regime=key.regime,
        seed=key.seed or 0,
        generations=experiment.generations,
        snapshots=sorted(experiment.snapshots),
        **optional_fields,
    )


def _member(config: Config, key: Key) -> Member:
    experiment = config.experiments[key.experiment]
    assert experiment.membership is not None
    return Member(seat=experiment.membership.seat, steps=_steps(config, key), **slices.package(experiment))


def _steps(config: Config, key: Key) -> dict[str, slices.Settings]:
    """Return the slices of a lineage's steps."""
    regime = config.regimes[key.regime]
    modules: list[Any] = [mix, training, sample, evaluate]
    modules += [select] if regime.judges else []
    modules += [blend] if regime.repair is not None else []
    return parts(module.slice_of(config, key) for module in modules)


def _family_code(config: Config, key: Key) -> list[str]:
    """Return the entries, for the hash of the code, of what a lineage calls of families."""
    experiment, regime = config.experiments[key.experiment], config.regimes[key.regime]
    functions = [*(_ROWS if experiment.has_rows else _ROWLESS), "load", "save"]
    functions += ["blended"] if regime.repair is not None else []
    functions += ["whole_lineage"] if experiment.family.lineage_program is not None else []
    judge_code = select.family_code(config, key) if regime.judges else []
    return [*slices.family_code(experiment, functions), *judge_code]


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write the trajectories and the snapshots of one lineage, or of the members of a population.

    Parameters
    ----------
    inputs
        ``pool``, ``held_out`` (real rows), ``original`` and ``checkpoint`` (the origin's training set and model), one for each member;
        ``judges`` (checkpoints of other experiments that judge).
    outputs
        ``trajectory``: the Parquet files to write (generation, metric, value), one for each member; that of units (generation, metric,
        unit, value) is written beside it, and snapshots go to the generations' folders.
    """
    recorded_inputs = {role: role_paths.split() for role, role_paths in inputs.items()}
    members = step.lineages()
    trajectories = outputs["trajectory"].split()
    for member in step.population:
        if member.package is not None:
            packages.check(member.package)
    records = [_Record(step, member, recorded_inputs, path) for member, path in zip(members, trajectories, strict=True)]
    with _program(step, members[0]), ExitStack() as stack:
        for record in records:
            record.open_files(stack)
        for generations in _generations(members, recorded_inputs):
            ends = [record.add(generation) for record, generation in zip(records, generations, strict=True)]
            if all(ends):
                break
    for record in records:
        record.write()


def _program(step: Slice, lineage: Slice) -> AbstractContextManager[None]:
    """Return the program of the user's that makes the whole lineage, where there is one, started and ended with a block."""
    if step.program is None:
        return nullcontext()
    return cast("Looping", family(lineage.part(training.Slice).family)).whole_lineage(step.program)


def _generations(members: Sequence[Slice], inputs: Mapping[str, Sequence[str]]) -> Iterator[list[Generation]]:
    """Yield the generations of each member's lineage, all members at a time."""
    inputs_of = [_inputs_of(inputs, number) for number in range(len(members))]
    if len(members) > 1:
        yield from lineages.generations_of_members(list(zip(members, inputs_of, strict=True)))
        return
    lineage = lineages.generations if members[0].path is None else lineages.without_rows
    for generation in lineage(members[0], inputs_of[0]):
        yield [generation]


def _inputs_of(inputs: Mapping[str, Sequence[str]], number: int) -> dict[str, str]:
    """Return what a member's lineage takes: its own artefact of each role, and all judges."""
    judges = {"judges": " ".join(inputs.get("judges", ()))}
    return {role: role_paths[number] for role, role_paths in inputs.items() if role not in judges} | judges


class _Record:
    """What a job writes of a lineage: the trajectory, its manifest, and the snapshots on the way."""

    def __init__(self, step: Slice, lineage: Slice, inputs: Mapping[str, Sequence[str]], trajectory: str) -> None:
        self._step, self._lineage, self._inputs, self._trajectory = step, lineage, inputs, trajectory
        self._hashes: list[dict[str, Any]] = []
        self._rows: list[tuple[int, str, float]] = []
        self._cells: list[Cell] = []
        self._files: Sequence[Input] = ()
        self._note: dict[str, Any] = {} if step.path is None else {"rows": "none: sufficient statistics"}
        self._generations_of_units = set(geometrically_spaced(step.generations, ALL_UP_TO))

    def open_files(self, stack: ExitStack) -> None:
        """Open the files that the measures read, until the stack is closed."""
        files = self._lineage.part(evaluate.Slice).files
        self._files = stack.enter_context(input_files.reading(input_files.planned_files(files or ()), files))

    def add(self, generation: Generation) -> bool:
        """Take down a generation, and write it where the config lists it; return whether it is the last one."""
        self._hashes.append(generation.entry)
        metrics, units = replicas.split_units(generation.measures)
        self._rows += [(generation.number, name, value) for name, value in metrics.items()]
        if generation.number in self._generations_of_units:
            self._cells += [(generation.number, *unit, value) for unit, value in units.items()]
        if generation.number in self._step.snapshots:
            self._keep(generation)
        is_last = self._step.is_last(generation.number, metrics)
        if is_last:
            self._note["stopped"] = generation.number
        return is_last

    def write(self) -> None:
        """Write the trajectory, and beside it that of units where there are any."""
        units_file = str(Path(self._trajectory).with_name(kinds.REPLICAS.file))
        for stale in (paths.fingerprint(units_file), paths.manifest(units_file), units_file):  # Snakemake knows of the trajectory alone
            Path(stale).unlink(missing_ok=True)
        if self._cells:
            numbers, names, places, values = zip(*self._cells, strict=True)
            _write(units_file, numbers, names, values, unit=column(np.asarray(places, np.int32)))
            finish(self._step, self._inputs, [units_file], self._files, **self._note)
        numbers, names, values = zip(*self._rows, strict=True)
        _write(self._trajectory, numbers, names, values)
        finish(self._step, self._inputs, [self._trajectory], self._files, generations=self._hashes, **self._note)

    def _keep(self, snapshot: Generation) -> None:
        """Write a generation's datasets and checkpoint where the step-by-step jobs would."""
        folder = Path(self._trajectory).parent / Path(kinds.GENERATION.pattern).name.format(generation=snapshot.number)
        files = {str(folder / kind.file): dataset for kind, dataset in snapshot.datasets.items()}
        for file, dataset in files.items():
            dataset.write(file)
        model_folders = {str(folder / kind.file): model for kind, (model, _) in snapshot.models.items()}
        for path, model in model_folders.items():
            with replacing(path) as temporary:
                family(self._lineage.part(training.Slice).family).save(model, temporary)
        finish(self._step, self._inputs, [*files, *model_folders], (), generation=snapshot.number, **snapshot.judge_entry)


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
