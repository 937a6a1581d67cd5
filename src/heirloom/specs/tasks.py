"""Tasks of lm-evaluation-harness in config: which ones, where their files lie, and how they are put to a model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from heirloom.specs.base import Many, Strict
from heirloom.specs.places import Place
from heirloom.specs.sizes import MOST_BATCH_ROWS, MOST_ROWS

PREFIX = "task."
"""Begins the names of scores among the measures."""

Id = Annotated[str, Field(min_length=1)]


class Benchmark(Strict):
    """What a task is called on a hub, whose leaderboards read scores from the folder of a model."""

    dataset: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="Id of the benchmark's data set, `owner/name`.")
    task: Id = Field("default", description="Id of the task within the benchmark.")
    revision: str | None = Field(None, pattern=r"^[0-9a-f]{40}$", description="Commit of the data set that the task's rows are from.")
    metric: Id = Field("acc", description="Which of the task's metrics is its score.")


class Tasks(Strict):
    """Tasks that the model of each generation is given, by lm-evaluation-harness (Gao et al. 2024), of the extra `eval`."""

    names: Many[Id] = Field(min_length=1, description="Tasks, groups or tags of the folder.")
    folder: Place = Field(
        description="Folder with the task files (YAML), their functions and their data; each file is hashed. No hub is asked."
    )
    fewshot: int | None = Field(
        None, ge=0, le=MOST_BATCH_ROWS, description="Solved items in a prompt, by a fixed seed; null is what each task says."
    )
    limit: int | None = Field(None, ge=1, le=MOST_ROWS, description="First items of each task that are asked; null is all.")
    batch_rows: int = Field(16, ge=1, le=MOST_BATCH_ROWS, description="Requests in one forward pass; changes the last bits of likelihoods.")
    benchmarks: dict[str, Benchmark] = Field(
        {}, description="Task to benchmark on a hub: `heirloom export hf` writes these scores to .eval_results/."
    )
