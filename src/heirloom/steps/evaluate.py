"""Evaluate: measure a generation's model and its synthetic set against real data and the origin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heirloom import ancestry, mixing, streams
from heirloom.dataset import Dataset
from heirloom.families import family
from heirloom.families.base import Measuring, Sets
from heirloom.manifest import dumps, write_text
from heirloom.measures import replicas
from heirloom.sources.input_files import planned_files, reading
from heirloom.steps.common import finish, naming
from heirloom.streams import Stream


def run(step: Mapping[str, Any], inputs: Mapping[str, str], metrics: str) -> None:
    """Write the measures of one generation.

    Parameters
    ----------
    inputs
        ``checkpoint``, ``train`` and ``synthetic``: the generation's model, the rows it was trained on, and its synthetic set, empty at
        generation 0, where real rows stand in. ``held_out`` and ``original``: held-out real rows and the origin's training set. ``origin``:
        generation 0's checkpoint.
    metrics
        The JSON file to write: {measure: number}.
    """
    module = family(step["family"])
    synthetic = Dataset.open(inputs["synthetic"]) if inputs["synthetic"] else None
    sets = gather(step, Dataset.open(inputs["original"]), synthetic, Dataset.open(inputs["held_out"]))
    model, origin = module.load(Path(inputs["checkpoint"])), module.load(Path(inputs["origin"]))
    with reading(planned_files(step), step.get("files")) as sources:
        measured = descend(step, Dataset.open(inputs["train"])) | measure(step, model, sets, origin, step["generation"])
    write_text(metrics, dumps(replicas.parted(measured)[0]))
    finish(step, inputs, [metrics], sources)


def gather(step: Mapping[str, Any], original: Dataset, synthetic: Dataset | None, held_out: Dataset) -> Sets:
    """Return what a generation is measured on: at most ``rows`` rows, whatever was sampled, so that generations compare.

    Held-out text is cut to ``evaluation_rows``, drawn once a seed.
    """
    num_replicas = step["num_replicas"]
    measured = synthetic or original
    rows = min(step["rows"], measured.num_rows // num_replicas)
    sample = mixing.mix_origin(measured, rows, Stream((step["seed"], "shown")), num_replicas)
    if "evaluation_rows" in step and held_out.num_rows > step["evaluation_rows"]:
        held_out = mixing.mix_origin(held_out, step["evaluation_rows"], Stream((step["seed"], "held_out")))
    return Sets(sample, sample if synthetic else held_out, held_out, original)


def descend(step: Mapping[str, Any], train: Dataset) -> dict[str, float]:
    """Return the ancestry figures of a generation's training set."""
    rows = train.tally
    tokens = ancestry.token_figures(rows) if "vocab_size" in step else {}
    return ancestry.figures(rows, train.count_distinct_real()) | tokens


def measure(step: Mapping[str, Any], model: Any, sets: Sets, origin: Any, generation: int) -> dict[str, float]:
    """Return the measures of one generation by name, those of units of replicas (`measures.replicas`) among them."""
    measuring = Measuring(
        step.get("chunk_rows", 1), step.get("vocab_size", 0), step.get("truth"), generation, step.get("divergence_rows", 0)
    )
    stream = streams.step(step["seed"], step["regime"], generation, "evaluate")
    with naming(generation):
        return family(step["family"]).evaluate(model, sets, origin, measuring, stream)
