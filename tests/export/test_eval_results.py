"""Scores of tasks in the form that a hub's leaderboards read, read back by the hub's own library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import parse_eval_result_entries

from heirloom.artefacts import kinds
from heirloom.artefacts.files import dumps, write_text
from heirloom.artefacts.manifest import seal
from heirloom.errors import HeirloomError
from heirloom.export.huggingface import export

CONFIG, OUT = Path("config.yaml"), Path("out")
BENCHMARK = {"dataset": "allenai/ai2_arc", "task": "ARC-Easy", "revision": "a" * 40}
pytestmark = pytest.mark.usefixtures("project")


def give_tasks(**benchmark: Any) -> None:
    """Give the experiment tasks, of which one is a benchmark, and write a generation's scores."""
    config = yaml.safe_load(CONFIG.read_text())
    config["experiments"]["lm"]["tasks"] = {
        "names": ["arc", "facts"],
        "folder": "tasks",
        "benchmarks": {"arc": {**BENCHMARK, **benchmark}},
    }
    CONFIG.write_text(yaml.safe_dump(config))
    path = kinds.TASK_SCORES.path("lm", "keep", 0, 1)
    write_text(path, dumps({"task.arc.acc": 0.25, "task.arc.acc_norm": 0.5, "task.facts.acc": 1.0}))
    examination = {"fewshot": {"arc": 5}, "softmax_dtype": "float32", "max_length": 8}
    seal([path], {"slice": {"harness": "0.4.13", "tasks": {"limit": 100}}, "inputs": [], "examination": examination})


def test_a_score_of_a_benchmark_is_written_as_the_hub_reads_it_and_no_other() -> None:
    give_tasks()
    export("lm/keep/0/1:checkpoint", OUT, CONFIG)
    assert [file.name for file in (OUT / ".eval_results").iterdir()] == ["arc.yaml"]
    (entry,) = parse_eval_result_entries(yaml.safe_load((OUT / ".eval_results/arc.yaml").read_text()))
    assert (entry.dataset_id, entry.task_id, entry.value, entry.dataset_revision) == ("allenai/ai2_arc", "ARC-Easy", 0.25, "a" * 40)
    settings = "acc as a share, 5-shot, softmax in float32, context of 8 tokens, first 100 items"
    assert entry.notes == f"lm-evaluation-harness 0.4.13, {settings}"


def test_a_metric_that_was_not_measured_is_refused() -> None:
    give_tasks(metric="f1")
    with pytest.raises(HeirloomError, match=r"tasks\.benchmarks\.arc\.metric: 'f1' was not measured in .*; it has acc, acc_norm"):
        export("lm/keep/0/1:checkpoint", OUT, CONFIG)


def test_without_scores_there_is_no_such_folder() -> None:
    export("lm/keep/0/1:checkpoint", OUT, CONFIG)
    assert not (OUT / ".eval_results").exists()
