"""The program that examines a checkpoint: a process of its own, in which lm-evaluation-harness reads no hub and no cache.

``python -P -m heirloom.tasks.program REQUEST`` reads the request of `examination.examine` and writes the items and the scores.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from heirloom.artefacts.files import dumps, write_text
from heirloom.environment import environment
from heirloom.runtime import device
from heirloom.specs.tasks import PREFIX, Tasks

PRECISION = "float32"
"""Of weights, logits and of the sum of log-probabilities. With a softmax in bfloat16 log-likelihoods come in steps of 2 to 4 nats."""
SEEDS = {"random_seed": 0, "numpy_random_seed": 1234, "torch_random_seed": 1234, "fewshot_random_seed": 1234}
"""The harness's own defaults, stated: the last one chooses the solved items of a prompt."""
_READ_WHOLE = {"multiple_choice", "loglikelihood"}
"""Kinds of tasks whose request is cut at the left where it is longer than the model's context."""

SCHEMA = pa.schema(
    [
        ("task", pa.string()),
        ("item", pa.int32()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("longest_request", pa.int32()),
        ("is_cut", pa.bool_()),
        ("document", pa.string()),
        ("prompt", pa.string()),
        ("target", pa.string()),
        ("responses", pa.string()),
    ]
)
"""A row per item and metric. ``value`` is null where a metric is of all items together. ``longest_request`` counts tokens; ``document``,
``prompt`` and ``target`` are the harness's hashes of them; ``responses`` is JSON."""


def main(request_file: str) -> None:
    """Examine one checkpoint."""
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    tasks = Tasks.model_validate(request["tasks"])
    model = _model(request["model"], tasks.batch_rows)
    results = _evaluate(model, tasks)
    items = list(_items(results, model))
    pq.write_table(pa.Table.from_pylist(items, SCHEMA), request["items"], compression="zstd", store_schema=False)
    answer = {"scores": _scores(results), "record": _record(results, model, tasks, items), "environment": environment(can_use_gpu=True)}
    write_text(request["answer"], dumps(answer))


def _model(folder: str, batch_rows: int) -> Any:
    from lm_eval.models.huggingface import HFLM

    settings = {"dtype": PRECISION, "softmax_dtype": PRECISION, "trust_remote_code": False}
    return HFLM(pretrained=folder, batch_size=batch_rows, device=str(device.current()), **settings)


def _evaluate(model: Any, tasks: Tasks) -> Mapping[str, Any]:
    """Return what the harness returns; neither its cache of answers nor that of requests knows which model or rows they are of."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=tasks.folder, include_defaults=False)
    results: Mapping[str, Any] = simple_evaluate(
        model=model,
        tasks=list(tasks.names),
        num_fewshot=tasks.fewshot,
        limit=tasks.limit,
        task_manager=manager,
        use_cache=None,
        cache_requests=False,
        bootstrap_iters=0,
        log_samples=True,
        **SEEDS,
    )
    return results


def _items(results: Mapping[str, Any], model: Any) -> Iterator[dict[str, Any]]:
    """Yield a row per item and metric, in the order of tasks, items and metrics."""
    for task, samples in sorted(results["samples"].items()):
        is_read_whole = results["configs"][task]["output_type"] in _READ_WHOLE
        for sample in sorted(samples, key=lambda one: one["doc_id"]):
            longest = max(_lengths(sample["arguments"], model))
            row = {
                "task": task,
                "item": sample["doc_id"],
                "longest_request": longest,
                "is_cut": is_read_whole and longest > model.max_length + 1,
                "document": sample["doc_hash"],
                "prompt": sample["prompt_hash"],
                "target": sample["target_hash"],
                "responses": json.dumps(sample["filtered_resps"], default=str),
            }
            for metric in sample["metrics"]:
                yield {**row, "metric": _metric(metric, sample["filter"]), "value": _number(sample[metric])}


def _lengths(requests: Sequence[Sequence[Any]], model: Any) -> Iterator[int]:
    """Yield the tokens of each request: a prompt, and the continuation whose likelihood is asked for."""
    for request in requests:
        texts = [part for part in request if isinstance(part, str)]
        yield len(model.tok_encode("".join(texts)))


def _scores(results: Mapping[str, Any]) -> dict[str, float]:
    """Return ``task.TASK.METRIC`` → score, of tasks and of groups."""
    scores = {}
    for task, entries in sorted(results["results"].items()):
        for key, value in entries.items():
            metric, is_metric, name_of_filter = key.partition(",")
            number = _number(value)
            if is_metric and not metric.endswith("_stderr") and number is not None:
                scores[f"{PREFIX}{task}.{_metric(metric, name_of_filter)}"] = number
    return scores


def _record(results: Mapping[str, Any], model: Any, tasks: Tasks, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a manifest says of an examination beside its settings."""
    cut_items = {(row["task"], row["item"]) for row in items if row["is_cut"]}
    return {
        "dtype": PRECISION,
        "softmax_dtype": PRECISION,
        "batch_rows": tasks.batch_rows,
        "max_length": model.max_length,
        "fewshot": results["n-shot"],
        "seeds": SEEDS,
        "task_versions": {task: str(version) for task, version in results["versions"].items()},
        "cut_items": len(cut_items),
    }


def _metric(metric: str, name_of_filter: str) -> str:
    """Return the name of a metric, with the filter of the answers where there is one."""
    return metric if name_of_filter == "none" else f"{metric}.{name_of_filter}"


def _number(value: Any) -> float | None:
    """Return a finite number; None for what is none, such as the parts of a perplexity."""
    is_number = isinstance(value, int | float | np.number | np.bool_)
    return float(value) if is_number and math.isfinite(value) else None


if __name__ == "__main__":
    main(sys.argv[1])
