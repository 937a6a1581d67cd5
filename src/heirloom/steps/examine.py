"""Examine: put tasks to a generation's model, and keep what it answers to each item."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from heirloom.artefacts.files import dumps, replacing, write_text
from heirloom.artefacts.kinds import Key
from heirloom.sources import input_files
from heirloom.specs.tasks import Tasks
from heirloom.steps import slices
from heirloom.steps.common import Paths, finish, naming
from heirloom.tasks.examination import examination
from heirloom.tasks.files import task_files

if TYPE_CHECKING:
    from heirloom.config import Config


class Slice(slices.GenerationSlice):
    """What the answers to tasks depend on: the tasks, their files, and the version of the harness."""

    name = "examine"

    family: str
    tasks: slices.NonDefault[Tasks]
    harness: str
    files: slices.Files


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of a generation's examination, of an experiment that has tasks."""
    experiment = config.experiments[key.experiment]
    assert experiment.tasks is not None
    files = input_files.hashed_inputs(task_files(experiment.tasks))
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.examine:run", "heirloom.tasks.program:main"),
        **slices.place(config, key),
        **slices.device(experiment),
        family=experiment.family.name,
        tasks=experiment.tasks.model_copy(update={"benchmarks": {}}),  # names on a hub change no answer
        harness=_version(),
        files=[entry._asdict() for entry in files],
    )


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write what a model answers.

    Parameters
    ----------
    inputs
        ``checkpoint``: the generation's model. ``tokenizer``: that of its experiment.
    outputs
        ``task_items``: the Parquet file to write, a row per item and metric. ``task_scores``: the JSON file, {measure: number}.
    """
    checkpoint, tokenizer = Path(inputs["checkpoint"]), Path(inputs["tokenizer"])
    planned = input_files.planned_files(step.files)
    with (
        naming(step.generation),
        input_files.reading(planned, step.files) as files,
        examination(checkpoint, tokenizer, step.tasks) as answers,
    ):
        with replacing(outputs["task_items"]) as temporary:
            shutil.copyfile(answers.items, temporary)
        write_text(outputs["task_scores"], dumps(answers.scores))
    artefacts = [outputs["task_items"], outputs["task_scores"]]
    finish(step, inputs, artefacts, files, examination=answers.record, environment=answers.environment)


def _version() -> str:
    """Return the version of lm-evaluation-harness; empty where it is not installed, which the preflight refuses."""
    try:
        return metadata.version("lm-eval")
    except metadata.PackageNotFoundError:
        return ""
