"""Every arm of the toy families against its closed form, through the steps that a real chain runs; and against the wrong generation's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.report import expected_curves
from heirloom.steps import chain, mix, real, train

REGIMES: dict[str, dict[str, Any]] = {
    "replace": {},
    "keep": {"original": {"share": 0.3}},
    "keep_fixed": {"original": {"share": 0.3, "draw": "fixed"}},
    "fresh": {"fresh": 0.3},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
    "accumulate_fixed": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "drawn"},
    "control": {"pool": 1.0, "synthetic": "none"},
}
N, POOL, GENERATIONS = 10, 30, 3
FEW, MANY = 5_000, 40_000
ZIPF = {"name": "categorical", "law": {"kind": "zipf", "types": 6}}
BLOBS = {"name": "mixture", "weights": [0.3, 0.7], "means": [[-1.0, 0.0], [1.0, 0.5]], "covariances": [0.5, [[1.0, 0.3], [0.3, 0.5]]]}
EM = {"estimator": "em", "start": "previous", "max_iterations": 20, "reg_covar": 0.05}
EXPERIMENTS: dict[str, dict[str, Any]] = {
    "gaussian": {"family": {"name": "gaussian"}, "source": BLOBS, "regimes": ["replace", "keep"]},
    "gaussian_statistics": {
        "family": {"name": "gaussian", "path": "statistics", "training": {"divisor": "n-1"}},
        "source": {"name": "normal", "dim": 2, "covariance": [[2.0, 0.5], [0.5, 1.0]]},
        "regimes": [name for name in REGIMES if name != "accumulate_fixed"],
        "num_replicas": 4 * FEW,
    },
    "kde_fixed": {"family": {"name": "kde", "training": {"bandwidth": 0.8}}, "source": BLOBS},
    "kde_scott": {"family": {"name": "kde"}, "source": {"name": "normal"}},
    "gmm": {
        "family": {"name": "gmm", "training": EM},
        "source": BLOBS,
        "regimes": ["replace", "control"],
        "num_replicas": 600,  # of k-means, one by one
    },
    "rows": {"family": {"name": "discrete"}, "source": ZIPF},
    "statistics": {"family": {"name": "discrete", "path": "statistics"}, "source": ZIPF},
    "bernoulli": {"family": {"name": "bernoulli"}, "source": {"name": "bernoulli", "probability": 0.3}, "num_replicas": MANY},
    "poisson": {"family": {"name": "poisson"}, "source": {"name": "poisson", "rate": 0.4}, "num_replicas": MANY},
    "linear": {
        "family": {"name": "linear_regression", "sampling": {"noise": 0.5}},
        "source": {"name": "linear", "features": 3, "weights": [1.0, -2.0, 0.5], "noise": 0.5},
        "regimes": ["replace", "accumulate", "control"],
        "rows": 20,
    },
}
ARMS = [(name, regime) for name, body in EXPERIMENTS.items() for regime in body.get("regimes", REGIMES)]


def config(name: str) -> Config:
    body: dict[str, Any] = {"regimes": list(REGIMES), "generations": GENERATIONS, "rows": N, "num_replicas": FEW, "granularity": "chain"}
    body |= EXPERIMENTS[name]
    body["source"] = {"rows": POOL, "test_rows": 1, **body["source"]}
    return configuration.parse({"regimes": REGIMES, "experiments": {name: body}})


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("closed_forms"))
        yield Path()


@cache
def origin(name: str) -> dict[str, str]:
    """Make the real rows and generation 0, and return the inputs of a chain."""
    parsed_config = config(name)
    pool, held_out = kinds.REAL_TRAIN.path(name), kinds.REAL_TEST.path(name)
    original, checkpoint = kinds.TRAIN.path(name, "origin", 0, 0), kinds.CHECKPOINT.path(name, "origin", 0, 0)
    real.run_vectors(slice_of("real", parsed_config, name), {"train": pool, "test": held_out})
    mix.run(slice_of("mix", parsed_config, name, "origin", 0, 0), {"pool": pool}, {"train": original})
    train.run(slice_of("train", parsed_config, name, "origin", 0, 0), {"train": original}, {"checkpoint": checkpoint})
    return {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}


@cache
def measured(name: str, regime: str) -> pd.DataFrame:
    trajectory = kinds.TRAJECTORY.path(name, regime, 0)
    chain.run(slice_of("chain", config(name), name, regime, 0), origin(name), {"trajectory": trajectory})
    return pd.read_parquet(trajectory).pivot_table(index="generation", columns="metric", values="value")


def z_scores(name: str, regime: str, shift: int = 0) -> pd.DataFrame:
    """Return z of generations 1 … G - 1 against their expectation, or that of the generation ``shift`` later."""
    parsed_config, values = config(name), measured(name, regime)
    curves = expected_curves.curves(parsed_config.experiments[name], parsed_config.regimes[regime])
    assert curves
    z_scores = {}
    for metric, curve in curves.items():
        error = values[f"{metric}.se"].iloc[:-1]
        if (error > 0).all():
            z_scores[metric] = (values[f"{metric}.mean"].iloc[:-1] - curve[1 + shift : GENERATIONS + shift]) / error
    return pd.DataFrame(z_scores)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "regime"), ARMS)
def test_every_arm_agrees_with_its_closed_form(name: str, regime: str) -> None:
    z = z_scores(name, regime)
    assert (np.abs(z) < 4).all(axis=None), z


@pytest.mark.slow
@pytest.mark.parametrize("shift", [-1, 1])
@pytest.mark.parametrize(("name", "regime"), [arm for arm in ARMS if arm[1] != "control"])
def test_the_neighbouring_generation_is_rejected(name: str, regime: str, shift: int) -> None:
    z = z_scores(name, regime, shift)
    assert np.abs(z).max(axis=None) > 6, z
