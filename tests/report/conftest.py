"""A finished run, made of formulas: every file of measures that a small config asks for, in a folder of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from heirloom.config import Config, parse
from heirloom.manifest import dumps, write_text
from heirloom.report import tables

Measures = Callable[[str, int, int], dict[str, float]]

REGIMES = {
    "replace": {},
    "keep": {"original": {"share": 0.1}},
    "accumulate": {"original": {"share": 1.0}, "synthetic": "all", "budget": "grows"},
    "control": {"pool": 1.0, "synthetic": "none"},
}

SPEED = {"origin": 0.0, "replace": 1.0, "keep": 0.3, "accumulate": 0.15, "control": 0.02}


def small() -> Config:
    gaussian = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "rows": 40},
        "regimes": ["replace", "keep", "accumulate", "control"],
        "generations": 6,
        "rows": 10,
        "num_replicas": 50,
        "granularity": "chain",
    }
    grid = {"fit": {"key": "family.training.divisor", "values": {"biased": "n", "unbiased": "n-1"}}}
    ngram = {
        "family": {"name": "ngram"},
        "source": {"name": "wikipedia"},
        "regimes": ["replace", "keep", "control"],
        "seeds": [0, 1],
        "generations": 3,
        "rows": 20,
    }
    crossed = {**gaussian, "generations": 2, "regimes": ["replace"], "granularity": "step", "grid": grid}
    return parse({"regimes": REGIMES, "experiments": {"toy": gaussian, "words": ngram, "crossed": crossed}})


def text_measures(regime: str, seed: int, generation: int) -> dict[str, float]:
    decay = math.exp(-0.2 * SPEED[regime] * generation)
    middle = 1.8 + 0.15 * SPEED[regime] * generation
    weights = {f"{edge / 10:.2f}": math.exp(-((edge / 10 - middle) ** 2) / 0.08) if 8 <= edge <= 34 else 0.0 for edge in range(41)}
    total = sum(weights.values())
    return {
        "test_perplexity": 60.0 / decay + seed,
        "origin_perplexity.median": 10**middle,
        "origin_perplexity_histogram.-inf": 0.0,
        **{f"origin_perplexity_histogram.{edge}": weight / total for edge, weight in weights.items()},
        "distinct_3": 0.66 * decay - 0.01 * seed,
        "token_entropy": 6.3 * decay**0.3,
        **{
            f"tail_survival.{band}": decay ** (3 / rank) * min(1.0, 0.3 * rank)
            for rank, band in enumerate(("1", "2-4", "5-16", "17-64", "65+"), 1)
        },
        **({"tail_survival_drift.2-4": 0.5**generation} if generation else {}),
        "word_types": 5000.0 * decay,
    }


def gaussian_measures(regime: str, seed: int, generation: int) -> dict[str, float]:
    variance = 0.9 ** (1 + SPEED[regime] * generation)
    measured = {
        "covariance_trace": variance,
        "log_determinant": math.log(variance),
        "mean_squared_error": 1 - variance,
        "wasserstein2_squared": 1 - variance,
    }
    return {f"{name}.{what}": value for name, mean in measured.items() for what, value in _summary(mean).items()}


def all_measures(own: Measures, regime: str, seed: int, generation: int) -> dict[str, float]:
    real = 1.0 if regime in {"origin", "control"} else 0.1
    ancestry = {"real_row_share": real, "depth_mean": (1 - real) * generation, "depth_max": generation, "distinct_real_rows": 10.0}
    return own(regime, seed, generation) | {f"ancestry.{name}": value for name, value in ancestry.items()}


def _summary(mean: float) -> Mapping[str, float]:
    return {
        "mean": mean,
        "se": 0.02,
        "median": 0.9 * mean,
        "median_low": 0.8 * mean,
        "median_high": mean,
        "q05": 0.5 * mean,
        "q95": 1.5 * mean,
    }


@pytest.fixture
def config() -> Config:
    return small()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Config) -> Path:
    """The working directory of a finished run, without results."""
    monkeypatch.chdir(tmp_path)
    for key, path in tables.measure_files(config):
        experiment = config.experiments[key.experiment]
        own = text_measures if experiment.is_text else gaussian_measures
        measures = partial(all_measures, own)
        if key.generation is not None:
            write_text(path, dumps(measures(key.regime, key.seed, key.generation)))
            continue
        rows = [
            {"generation": g, "metric": name, "value": value}
            for g in range(1, experiment.generations + 1)
            for name, value in measures(key.regime, key.seed, g).items()
        ]
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_parquet(path, index=False)
    return tmp_path
