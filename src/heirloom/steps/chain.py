"""Chain: a whole lineage in one job, for families whose generations take milliseconds.

Runs the same four functions as the step-by-step jobs, in memory, and writes one tidy trajectory, the snapshots that the config
lists, and in the trajectory's manifest the hash of every generation's data and model, kept or not. Where it has several replicas, their
measures of collapse are written by units (`measures.replicas`), so that an arm can be compared with its control replica by replica. A chain
on the path of sufficient statistics (`rowless`) has no synthetic rows: its manifest says so, and a snapshot is the model alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from heirloom import mixing, paths, streams
from heirloom.arrow import column, strings
from heirloom.dataset import Dataset
from heirloom.families import family
from heirloom.manifest import fingerprint, recorded_sha256, replacing
from heirloom.measures import replicas
from heirloom.sources.input_files import planned_files, reading
from heirloom.steps import evaluate, mix, rowless, sample, select
from heirloom.steps.common import finish, naming

ALL_UP_TO = 100
"""Generations up to which those of units are all written; of a longer chain about as many, evenly on the logarithm."""

Cell = tuple[int, str, int, float]
"""Generation, measure, number of the unit, value."""


@dataclass(frozen=True)
class Generation:
    """One generation in memory."""

    number: int
    datasets: Mapping[str, Dataset]
    model: Any
    author: str
    measures: Mapping[str, float]

    @property
    def hashes(self) -> dict[str, str | int]:
        """Content hashes of the data in memory, ``synthetic_content`` and ``train_content``, and the checkpoint's fingerprint."""
        contents = {f"{name}_content": dataset.digest() for name, dataset in self.datasets.items()}
        return {"generation": self.number, **contents, "checkpoint": self.author}


def run(step: Mapping[str, Any], inputs: Mapping[str, str], trajectory: str) -> None:
    """Write the trajectory and the snapshots of one lineage.

    Parameters
    ----------
    inputs
        ``pool``, ``held_out`` (real rows), ``original`` and ``checkpoint`` (the origin's training set and model).
    trajectory
        The Parquet file to write (generation, metric, value); that of units (generation, metric, unit, value) is written beside it, and
        snapshots go to the generations' folders.
    """
    hashes, rows, cells = [], list[tuple[int, str, float]](), list[Cell]()
    made, note = generations, dict[str, Any]()
    if "path" in step:
        made, note = without_rows, {"rows": "none: sufficient statistics"}
    measuring, written = step["steps"]["evaluate"], spaced(step["generations"])
    with reading(planned_files(measuring), measuring.get("files")) as sources:
        for generation in made(step, inputs):
            hashes.append(generation.hashes)
            metrics, units = replicas.parted(generation.measures)
            rows += [(generation.number, name, value) for name, value in metrics.items()]
            cells += [(generation.number, *unit, value) for unit, value in units.items() if generation.number in written]
            if generation.number in step["snapshots"]:
                _keep(step, inputs, generation, Path(trajectory).parent)
    beside = str(Path(trajectory).with_name(Path(paths.REPLICAS).name))
    for stale in (paths.fingerprint(beside), paths.manifest(beside), beside):  # Snakemake knows of the trajectory alone
        Path(stale).unlink(missing_ok=True)
    if cells:
        numbers, names, places, values = zip(*cells, strict=True)
        _write(beside, numbers, names, values, unit=column(np.asarray(places, np.int32)))
        finish(step, inputs, [beside], sources, **note)
    numbers, names, values = zip(*rows, strict=True)
    _write(trajectory, numbers, names, values)
    finish(step, inputs, [trajectory], sources, generations=hashes, **note)


def spaced(last: int) -> set[int]:
    """Return the generations of which units are written: all from 1 to `ALL_UP_TO`, or from 1 to the last on a geometric scale."""
    if last <= ALL_UP_TO:
        return set(range(1, last + 1))
    return set(np.geomspace(1, last, ALL_UP_TO).round().astype(int).tolist())


def _write(path: str, numbers: Sequence[int], names: Sequence[str], values: Sequence[float], **columns: pa.Array) -> None:
    measured = {"metric": strings(names), **columns, "value": column(np.asarray(values, np.float64))}
    table = pa.table({"generation": column(np.asarray(numbers, np.int32)), **measured})
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", store_schema=False)


def generations(step: Mapping[str, Any], inputs: Mapping[str, str]) -> Iterator[Generation]:
    """Yield generations 1 … G of a lineage, each made from the one before."""
    slices = {name: {**own, "regime": step["regime"], "seed": step["seed"]} for name, own in step["steps"].items()}
    module = family(slices["train"]["family"])
    fit = module.Fit.model_validate(slices["train"]["fit"])
    pool, original, held_out = (Dataset.of(Dataset.open(inputs[role]).table()) for role in ("pool", "original", "held_out"))
    origin = model = module.load(Path(inputs["checkpoint"]))
    author = recorded_sha256(inputs["checkpoint"])
    train, offered = original, list[Dataset]()
    keeps_all = slices["mix"]["mixing"].get("synthetic") == "all"
    for number in range(1, step["generations"] + 1):
        drawn = sample.vectors(slices["sample"], model, train.tally.writer(author), number)
        newest = Dataset.of(pa.concat_tables(drawn))
        selected = select.select(slices["select"], newest, origin, model, number) if "select" in slices else newest
        offered = [*(offered if keeps_all else ()), selected]
        train = mix.mix(slices["mix"], mixing.Ingredients(pool, original, offered, slices["mix"]["num_replicas"]), number)
        with naming(number):
            begun = {"scratch": None, "origin": origin, "previous": model}[fit.begins_from]
            model = module.train(train, fit, begun, streams.step(step["seed"], step["regime"], number, "train"))
        author = _fingerprint(module, model)
        sets = evaluate.gather(slices["evaluate"], original, newest, held_out)
        measures = evaluate.descend(slices["evaluate"], train) | evaluate.measure(slices["evaluate"], model, sets, origin, number)
        datasets = {"synthetic": newest, "train": train} | ({"selected": selected} if "select" in slices else {})
        yield Generation(number, datasets, model, author, measures)


def without_rows(step: Mapping[str, Any], inputs: Mapping[str, str]) -> Iterator[Generation]:
    """Yield generations 1 … G of a lineage, of which only sufficient statistics are drawn."""
    module = family(step["steps"]["train"]["family"])
    for number, (model, measures) in enumerate(rowless.generations(step, inputs), 1):
        yield Generation(number, {}, model, _fingerprint(module, model), measures)


def _fingerprint(module: Any, model: Any) -> str:
    """Return the fingerprint that the model's checkpoint has, or would have, on disk."""
    with tempfile.TemporaryDirectory() as folder:
        module.save(model, Path(folder) / "checkpoint")
        return str(fingerprint(Path(folder) / "checkpoint")["sha256"])


def _keep(step: Mapping[str, Any], inputs: Mapping[str, str], kept: Generation, lineage: Path) -> None:
    """Write a generation's datasets and checkpoint where the step-by-step jobs would."""
    folder = lineage / Path(paths.GENERATION).name.format(generation=kept.number)
    named = {"synthetic": paths.SYNTHETIC, "selected": paths.SELECTED, "train": paths.TRAIN}
    files = {str(folder / Path(named[name]).name): dataset for name, dataset in kept.datasets.items()}
    for file, dataset in files.items():
        dataset.write(file)
    checkpoint = str(folder / Path(paths.CHECKPOINT).name)
    with replacing(checkpoint) as temporary:
        family(step["steps"]["train"]["family"]).save(kept.model, temporary)
    finish(step, inputs, [*files, checkpoint], generation=kept.number)
