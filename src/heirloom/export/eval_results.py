"""Scores of tasks as a hub's leaderboards read them: ``.eval_results/TASK.yaml``, for tasks that the config says are a benchmark there.

Measures without a benchmark on a hub stay in ``model-index`` (`export.model_tree`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from heirloom.artefacts import kinds
from heirloom.artefacts.files import read_json, write_text
from heirloom.config import load
from heirloom.errors import HeirloomError
from heirloom.export.subject import Subject
from heirloom.lineage.artefact import Artefact
from heirloom.specs.tasks import Benchmark

FOLDER = ".eval_results"


def write(subject: Subject, config: Path, folder: Path) -> None:
    """Write the scores of a checkpoint's generation into an export's folder; nothing where none is of a benchmark, or none is here.

    Parameters
    ----------
    config
        Names the benchmarks (``experiments.NAME.tasks.benchmarks``).

    Raises
    ------
    HeirloomError
        If the harness has no score of a benchmark's metric.
    """
    benchmarks = _benchmarks(subject.key.experiment, config)
    project, path = subject.artefact.project, kinds.TASK_SCORES.at(subject.key)
    if not benchmarks or not project.has_manifest(path):
        return
    artefact = project.recorded_artefact(path)
    if not artefact.is_here:
        return
    scores = read_json(artefact.data())
    for task, benchmark in sorted(benchmarks.items()):
        entries = eval_result_entries_to_yaml([_entry(task, benchmark, scores, artefact)])
        write_text(folder / FOLDER / f"{task}.yaml", yaml.safe_dump(entries, sort_keys=False, allow_unicode=True))


def _benchmarks(experiment: str, config: Path) -> dict[str, Benchmark]:
    """Return task → benchmark of an experiment, as the config is now."""
    declaration = load(config).experiments.get(experiment) if config.exists() else None
    return declaration.tasks.benchmarks if declaration and declaration.tasks else {}


def _entry(task: str, benchmark: Benchmark, scores: dict[str, Any], artefact: Artefact) -> EvalResultEntry:
    prefix = f"task.{task}."
    metrics = {name.removeprefix(prefix): value for name, value in scores.items() if name.startswith(prefix)}
    if benchmark.metric not in metrics:
        has = f"it has {', '.join(sorted(metrics))}" if metrics else "it has no score"
        raise HeirloomError(f"tasks.benchmarks.{task}.metric: {benchmark.metric!r} was not measured in {artefact.name}; {has}")
    return EvalResultEntry(
        dataset_id=benchmark.dataset,
        task_id=benchmark.task,
        value=float(metrics[benchmark.metric]),
        dataset_revision=benchmark.revision,
        notes=_notes(task, benchmark, artefact),
    )


def _notes(task: str, benchmark: Benchmark, artefact: Artefact) -> str:
    """Return how the score was measured."""
    examination = artefact.manifest["examination"]
    settings = [
        f"lm-evaluation-harness {artefact.slice['harness']}",
        f"{benchmark.metric} as a share",
        f"{examination['fewshot'].get(task, 0)}-shot",
        f"softmax in {examination['softmax_dtype']}",
        f"context of {examination['max_length']} tokens",
    ]
    limit = artefact.slice["tasks"].get("limit")
    return ", ".join([*settings, f"first {limit} items"] if limit else settings)
