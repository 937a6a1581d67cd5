"""Toy families side by side with a plain loop: one function a row of the table, and CPU seconds, since machines are shared.

    OMP_NUM_THREADS=1 python benchmarks/toy.py [row …]

A row's baseline may run on a part of the work (fewer replicas or generations) and is scaled to the whole; its note says so.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from by_hand import slice_of
from heirloom import config
from heirloom.artefacts import kinds
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.families import em
from heirloom.families import gaussian as gaussians
from heirloom.families import gmm as mixtures
from heirloom.runtime import streams
from heirloom.runtime.streams import Stream
from heirloom.sources import mixture
from heirloom.specs.base import NoSettings
from heirloom.specs.gaussian import GaussianTraining
from heirloom.specs.gmm import GmmTraining
from heirloom.specs.vector_source import MixtureSource
from heirloom.steps import chain, mix, real, train


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
    pool, held_out = kinds.REAL_TRAIN.path("toy"), kinds.REAL_TEST.path("toy")
    original, checkpoint = (kind.path("toy", kinds.ORIGIN, 0, 0) for kind in (kinds.TRAIN, kinds.CHECKPOINT))
    inputs = {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        real.run_vectors(slice_of("real", made, "toy"), {"train": pool, "test": held_out})
        mix.run(slice_of("mix", made, "toy", kinds.ORIGIN, 0, 0), {"pool": pool}, {"train": original})
        train.run(slice_of("train", made, "toy", kinds.ORIGIN, 0, 0), {"train": original}, {"checkpoint": checkpoint})
        step, trajectory = slice_of("chain", made, "toy", "replace", 0), kinds.TRAJECTORY.path("toy", "replace", 0)
        seconds = cpu_seconds(lambda: chain.run(step, inputs, {"trajectory": trajectory}))
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


def gaussian() -> Row:
    """1,000 replicas, 2,000 generations, 100 rows a generation: the engine alone, and its model fitted to statistics."""
    replicas, generations, rows = 1000, 2000, 100
    start = gaussians.Model(np.zeros((replicas, 1)), np.ones((replicas, 1, 1)))
    rng = Stream(("benchmark",)).generator()

    def ours() -> None:
        model, fit = start, GaussianTraining()
        for generation in range(generations):
            stream = streams.step(0, "replace", generation, "sample")
            model = gaussians.fitted(gaussians.draw(model, rows, NoSettings(), stream), fit)

    def one_replica() -> None:
        mean, deviation = 0.0, 1.0
        for _ in range(generations):
            drawn = rng.normal(mean, deviation, rows)
            mean, deviation = drawn.mean(), drawn.std()

    baseline = replicas * np.median([cpu_seconds(one_replica) for _ in range(20)])
    return Row(cpu_seconds(ours), float(baseline), "statistics, no measures; baseline: numpy, one replica after the other, 20 of 1,000 run")


def gaussian_job() -> Row:
    """Run the same as a job: all measures of all generations, the hash of every model, trajectory and manifest."""
    ours = whole_chain(
        {
            "family": {"name": "gaussian", "path": "statistics"},
            "source": {"name": "normal", "rows": 100, "test_rows": 1},
            "rows": 100,
            "num_replicas": 1000,
            "generations": 2000,
        }
    )
    return Row(ours, gaussian().baseline, "as above, with everything that a job writes; the baseline measures and writes nothing")


def gmm(generations: int = 5) -> Row:
    """10,000 rows in two dimensions, two components, started from the generation before; sampling and fitting."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    rows, whole = 10_000, 2000
    law = MixtureSource(name="mixture", weights=(0.5, 0.5), means=((-1.5, 0.0), (1.5, 0.0)), covariances=(0.5, 0.5), rows=rows, test_rows=1)
    x_RND = mixture.draw(law, 1, Stream(("benchmark",)))
    fit = GmmTraining(estimator="em", start="previous")
    origin = mixtures.train(Dataset.of(vector_table(x_RND)), fit, None, Stream(()))
    theirs = GaussianMixture(2, tol=fit.tolerance, max_iter=fit.max_iterations, warm_start=True, random_state=0).fit(x_RND[0])

    def ours() -> None:
        model = origin
        for generation in range(generations):
            (drawn_RND,) = mixtures.sample(model, None, rows, NoSettings(), streams.step(0, "replace", generation, "sample"))
            begun = em.Parameters(model.weights, model.means, model.covariances)
            fitted = em.run(drawn_RND, begun, fit.tolerance, fit.max_iterations, fit.reg_covar)
            model = mixtures.Model(*fitted.parameters, fitted.iterations)

    def baseline() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for _ in range(generations):
                theirs.fit(theirs.sample(rows)[0])

    pairs = [(cpu_seconds(ours), cpu_seconds(baseline)) for _ in range(20)]
    least, least_baseline = (whole / generations * min(seconds) for seconds in zip(*pairs, strict=True))
    note = f"own EM; baseline: scikit-learn, warm_start; {generations} of {whole} generations at a time, the least disturbed of 20 turns"
    return Row(least, least_baseline, note)


def gmm_linear() -> Row:
    """Compare 40 generations at a time (ours) with 10 (baseline), both scaled to 2,000: a ratio of 1 is a cost linear in generations."""
    return Row(gmm(40).ours, gmm(10).ours, "own EM on both sides")


ROWS: dict[str, Callable[[], Row]] = {
    "discrete": discrete,
    "gaussian": gaussian,
    "gaussian_job": gaussian_job,
    "gmm": gmm,
    "gmm_linear": gmm_linear,
}


def main(names: list[str]) -> None:
    """Print the rows that are named, or all."""
    for name in names or ROWS:
        row = ROWS[name]()
        print(
            f"{name:12} ours {row.ours:8.2f} s  baseline {row.baseline:8.2f} s  {row.baseline / row.ours:6.1f}x  ({row.note})", flush=True
        )


if __name__ == "__main__":
    main(sys.argv[1:])
