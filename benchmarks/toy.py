"""Toy families side by side with a plain loop: one function a row of the table, and CPU seconds, since machines are shared.

    OMP_NUM_THREADS=1 python benchmarks/toy.py [row …]

A row's baseline may run on a part of the work (fewer replicas or generations) and is scaled to the whole; its note says so.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from heirloom import config, paths, slices
from heirloom.steps import chain, mix, real, train
from heirloom.streams import Stream


class Row(NamedTuple):
    """One line of the table: CPU seconds of the whole work, ours and the baseline's."""

    ours: float
    baseline: float
    note: str


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds that a function takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def whole_chain(experiment: dict[str, Any]) -> float:
    """Return the CPU seconds of an experiment's whole-chain job under `replace`, everything that it writes included."""
    made = config.parse(
        {"regimes": {"replace": {}}, "experiments": {"toy": {**experiment, "regimes": ["replace"], "granularity": "chain"}}}
    )
    pool, held_out = paths.fill(paths.REAL_TRAIN, "toy"), paths.fill(paths.REAL_TEST, "toy")
    original, checkpoint = (paths.fill(pattern, "toy", paths.ORIGIN, 0, 0) for pattern in (paths.TRAIN, paths.CHECKPOINT))
    inputs = {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        real.run_vectors(slices.real(made, "toy"), pool, held_out)
        mix.run(slices.mix(made, "toy", paths.ORIGIN, 0, 0), pool, None, [], original)
        train.run(slices.train(made, "toy", paths.ORIGIN, 0, 0), original, None, checkpoint)
        step, trajectory = slices.chain(made, "toy", "replace", 0), paths.fill(paths.TRAJECTORY, "toy", "replace", 0)
        seconds = cpu_seconds(lambda: chain.run(step, inputs, trajectory))
        os.chdir(here)
    return seconds


def discrete() -> Row:
    """33,000 types, 33,000 rows a generation, 100 replicas, 100 generations."""
    types, replicas, generations = 33_000, 100, 100
    ours = whole_chain(
        {
            "family": {"name": "discrete", "path": "statistics"},
            "source": {"name": "categorical", "law": {"kind": "zipf", "types": types}, "rows": types, "test_rows": 1},
            "rows": types,
            "num_replicas": replicas,
            "generations": generations,
        }
    )
    rng = Stream(("benchmark",)).generator()

    def one_replica() -> None:
        law = 1 / np.arange(1, types + 1)
        for _ in range(generations + 1):
            counts = np.bincount(rng.choice(types, types, p=law / law.sum()), minlength=types)
            law = counts / types

    return Row(ours, replicas * cpu_seconds(one_replica), "statistics, all measures and manifests; baseline: numpy choice, 1 replica × 100")


ROWS: dict[str, Callable[[], Row]] = {"discrete": discrete}


def main(names: list[str]) -> None:
    """Print the rows that are named, or all."""
    for name in names or ROWS:
        row = ROWS[name]()
        print(
            f"{name:12} ours {row.ours:8.2f} s  baseline {row.baseline:8.2f} s  {row.baseline / row.ours:6.1f}x  ({row.note})", flush=True
        )


if __name__ == "__main__":
    main(sys.argv[1:])
