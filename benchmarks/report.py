"""Seconds and bytes of results/report.html for 100 lineages of 100 generations: `python benchmarks/report.py [seeds generations]`.

The measures are made by formula, so that nothing but the page is timed: 5 arms × 20 seeds, 12 measures over replicas.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import chdir
from pathlib import Path

import numpy as np
import pandas as pd

from heirloom import results
from heirloom.artefacts.files import dumps
from heirloom.config import Config, load
from heirloom.report import tables
from heirloom.report.page import build, vega

MEASURES = [
    *("covariance_trace", "log_determinant", "mean_squared_error", "wasserstein2_squared", "mean_first", "absorbed"),
    *("tail_mass_95", "tail_mass_97.5", "tail_mass_99", "kurtosis", "skewness", "range"),
]
SUMMARIES = ("mean", "se", "median", "q05", "q95")
REGIMES = {
    "replace": {},
    "keep": {"original": {"share": 0.1}},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
    "fresh": {"fresh": 0.1},
    "control": {"pool": 1.0, "synthetic": "none"},
}


def config(seeds: int, generations: int) -> Config:
    """Write the config into the working folder and return it."""
    experiment = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "rows": 100 * generations},
        "regimes": list(REGIMES),
        "seeds": list(range(seeds)),
        "generations": generations,
        "rows": 100,
        "num_replicas": 100,
        "granularity": "chain",
    }
    Path("config.yaml").write_text(dumps({"regimes": REGIMES, "experiments": {"many": experiment}}), encoding="utf-8")
    return load("config.yaml")


def measures(read: Config) -> pd.DataFrame:
    """Return the tidy table: every number a smooth function of its place."""
    (experiment,) = read.experiments.values()
    names = [f"{measure}.{what}" for measure in MEASURES for what in SUMMARIES] + ["ancestry.real_row_share", "ancestry.depth_mean"]
    arms = [("origin", [0])] + [(regime, list(range(1, experiment.generations + 1))) for regime in experiment.regimes]
    places = [(regime, seed, g, name) for regime, every in arms for seed in experiment.seeds for g in every for name in names]
    frame = pd.DataFrame(places, columns=["regime", "seed", "generation", "metric"])
    value = 1 + np.sin(np.arange(len(frame)) * 0.7) / 5 + frame["generation"] / 50
    return frame.assign(experiment="many", variant="", value=value)[list(tables.COLUMNS)]


def main() -> None:
    """Print the times and the size."""
    given = [int(text) for text in sys.argv[1:]]
    seeds, generations = given or (20, 100)
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        read = config(seeds, generations)
        frame = measures(read)
        Path(results.DEFAULT.metrics).parent.mkdir()
        frame.to_parquet(results.DEFAULT.metrics, index=False)
        begun = time.perf_counter()
        vega.script()
        bundled = time.perf_counter()
        cpu = time.process_time()
        build.write(read, Path("config.yaml"))
        print(f"{len(REGIMES) * seeds} lineages × {generations} generations, {len(frame):,} numbers")
        print(f"bundling Vega, once a version: {bundled - begun:.1f} s")
        print(f"page: {time.perf_counter() - bundled:.1f} s, {time.process_time() - cpu:.1f} CPU-s")
        print(f"size: {Path(results.DEFAULT.page).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
