"""What a hub draws its model tree and its scores from: a model's base, its datasets, and its measures with their intervals.

Hub ids come from manifests (``ID@COMMIT/FILE``). Artefacts of the project have no id on a hub unless the user names a namespace. Measures
without a benchmark on the hub stand in ``model-index``, which huggingface_hub 2.4 calls the legacy form; `EvalResultEntry`, the newer one,
demands the id of a benchmark and is for task scores.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from huggingface_hub import EvalResult

from heirloom import results
from heirloom.artefacts import kinds
from heirloom.artefacts.files import read_json
from heirloom.export.subject import Subject
from heirloom.lineage import references
from heirloom.lineage.artefact import Artefact, Input
from heirloom.sources.input_files import HUB_FILE, MODEL_FILE, SOURCE, SPLIT_ROLES
from heirloom.specs.declaration import FamilySpec
from heirloom.specs.family import SPECS
from heirloom.variants import VARIANT_MARK

Relation = Literal["finetune", "adapter", "merge", "quantized"]
"""The relations that the hub knows (its documentation of model cards, ``base_model_relation``)."""
FINETUNE: Relation = "finetune"
_TEXT_MEASURE = "test_perplexity"


class ModelTree(NamedTuple):
    """Ids on the hub of what a model began from and was trained on; empty where there are none."""

    base_models: list[str]
    datasets: list[str]


def tree(subject: Subject, namespace: str = "") -> ModelTree:
    """Return what a checkpoint began from and what it was trained on.

    Parameters
    ----------
    namespace
        The user or organisation under which the artefacts of the project are published, each by `hub_name`; none if empty.
    """
    artefact = subject.artefact
    starts = artefact.input_paths("start")
    bases = [f"{namespace}/{hub_name(subject.artefact.project.name(path))}" for path in starts] if namespace else []
    if any(kinds.PRETRAINED.wildcards(path) for path in starts) or not bases:
        bases = _pretrained_ids(artefact) or bases
    rows = [f"{namespace}/{hub_name(subject.train.name)}"] if namespace and subject.train else []
    return ModelTree(bases, [*rows, *_hub_ids(subject.real.inputs, {SOURCE, *SPLIT_ROLES.values()})])


def hub_name(reference: str) -> str:
    """Return what an artefact is called on a hub: its reference, without the characters that names of repositories lack."""
    return reference.replace("/", "-").replace(":", "-").replace(references.REVISION_MARK, "-")


def scores(subject: Subject, config_results: results.Results) -> list[EvalResult]:
    """Return the measures of a checkpoint that stand for its family, each with the interval over the seeds of its arm, if there is one.

    All scores share one data set, name, arguments and task, because huggingface_hub files scores that differ in these under the first
    one's. Values are plain floats, because it writes numpy's as objects that no reader opens.
    """
    measures = _measures(subject)
    intervals = _intervals(subject, Path(config_results.intervals))
    held_out = kinds.REAL_TEST.of_pool(subject.key.experiment, subject.key.seed or 0)
    headlines = (_TEXT_MEASURE,) if subject.is_text else SPECS.get(subject.family, FamilySpec).headlines
    names = [name for name in headlines if name in measures]
    reference = references.name_of(held_out)
    return [_score(name, float(measures[name]), intervals.get(name), reference, subject) for name in names]


def _score(name: str, value: float, interval: Mapping[str, Any] | None, held_out: str, subject: Subject) -> EvalResult:
    return EvalResult(
        task_type="text-generation" if subject.is_text else "other",
        dataset_type=hub_name(held_out),
        dataset_name=f"Held-out real rows, {held_out}",
        dataset_split="test",
        metric_type="perplexity" if name == _TEXT_MEASURE else name,
        metric_name=name,
        metric_value=value,
        metric_args=dict(interval) if interval else None,
    )


def _measures(subject: Subject) -> Mapping[str, Any]:
    """Return the measures of a checkpoint's generation; none where they are not here."""
    path = kinds.METRICS.at(subject.key)
    project = subject.artefact.project
    if not project.has_manifest(path):
        return {}
    metrics = project.recorded_artefact(path)
    return read_json(metrics.data()) if metrics.is_here else {}


def _intervals(subject: Subject, table: Path) -> dict[str, dict[str, Any]]:
    """Return measure → interval at 95 % of the checkpoint's arm and generation; none of a revision, or where results were not gathered."""
    if subject.artefact.project.commit or not table.is_file():
        return {}
    key = subject.key
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if _is_of(row, key)]
    intervals = {}
    for row in rows:
        if row["low"] and row["high"]:
            fields = {"level": 0.95, "low": float(row["low"]), "high": float(row["high"])}
            intervals[row["metric"]] = {**fields, "seeds": int(row["seeds"]), "estimand": row["estimand"]}
    return intervals


def _is_of(row: Mapping[str, str], key: kinds.Key) -> bool:
    """Return whether a row of the table tells of an experiment, an arm and a generation."""
    experiment = f"{row['experiment']}{VARIANT_MARK}{row['variant']}" if row["variant"] else row["experiment"]
    regime = kinds.ORIGIN if key.generation == 0 else key.regime
    return (experiment, row["regime"], row["generation"]) == (key.experiment, regime, str(key.generation))


def _pretrained_ids(artefact: Artefact) -> list[str]:
    """Return the hub ids of the pretrained models among what an artefact came from."""
    ancestors = artefact.project.ancestors([artefact])
    pretrained = [one for path, one in ancestors.items() if kinds.PRETRAINED.wildcards(path)]
    return [name for one in pretrained for name in _hub_ids(one.inputs, {MODEL_FILE})]


def _hub_ids(inputs: Iterable[Input], roles: set[str]) -> list[str]:
    """Return the ids of the hub repositories that inputs of some roles are files of, each once."""
    names = [source.name for source in inputs if source.role in roles]
    matches = (HUB_FILE.fullmatch(name) for name in names)
    return [*dict.fromkeys(match["repository"] for match in matches if match)]
