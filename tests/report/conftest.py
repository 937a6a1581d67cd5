"""A finished run, made of formulas: every file of measures that a small config asks for, in a folder of its own."""

from __future__ import annotations

import contextlib
import copy
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from heirloom.artefacts import kinds
from heirloom.artefacts.files import dumps, write_text
from heirloom.artefacts.manifest import seal
from heirloom.config import Config, parse
from heirloom.data.ancestry import Writer
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table, vector_table
from heirloom.report import files
from heirloom.report.figures import plan
from heirloom.report.figures.plan import Figure
from heirloom.report.page import build, vega
from heirloom.workflow.jobs import measure_files
from helpers import seal_alone

Measures = Callable[[str, int, int], dict[str, float]]

REGIMES = {
    "replace": {},
    "keep": {"original": {"share": 0.1}},
    "accumulate": {"original": {"share": 1.0}, "synthetic": "all", "budget": "grows"},
    "control": {"pool": 1.0, "synthetic": "none"},
}

SPEED = {"origin": 0.0, "replace": 1.0, "keep": 0.3, "accumulate": 0.15, "control": 0.02}


def raw() -> dict[str, Any]:
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
    return {"regimes": REGIMES, "experiments": {"toy": gaussian, "words": ngram, "crossed": crossed}}


def small() -> Config:
    return parse(raw())


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
        "tail_mass_99": 0.01 * variance,
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


def figure_of(config: Config, name: str, kind: str) -> Figure:
    """Return a figure of an experiment or a grid."""
    (figure,) = (candidate for candidate in plan.figures(config) if (candidate.subject.name, candidate.kind.name) == (name, kind))
    return figure


def figure_names(config: Config) -> list[tuple[str, str]]:
    """Return what each figure of a config is of, with the name of its kind."""
    return [(figure.subject.name, figure.kind.name) for figure in plan.figures(config)]


def write_measures(config: Config) -> None:
    """Write every file of measures that a config asks for."""
    for key, path in measure_files(config):
        seed = key.seed or 0
        experiment = config.experiments[key.experiment]
        metrics_of_family = text_measures if experiment.is_text else gaussian_measures
        measures = partial(all_measures, metrics_of_family)
        if key.generation is not None:
            write_text(path, dumps(measures(key.regime, seed, key.generation)))
            seal_alone(path)
            continue
        rows = [
            {"generation": g, "metric": name, "value": value}
            for g in range(1, experiment.generations + 1)
            for name, value in measures(key.regime, seed, g).items()
        ]
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_parquet(path, index=False)
        seal_alone(path)


def write_vectors(config: Config) -> None:
    """Write the sets that figures show: rows of the line that draw nearer to each other, generation by generation."""
    for path in plan.artefacts(config):
        generation = int(Path(path).parent.name.partition("=")[2])
        Dataset.of(vector_table(np.linspace(-2, 2, 10).reshape(1, 10, 1) / (1 + generation))).write(path)
        seal_alone(path)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Config) -> Path:
    """The working directory of a finished run, without results."""
    monkeypatch.chdir(tmp_path)
    write_measures(config)
    write_vectors(config)
    return tmp_path


HOSTILE = (
    "<script>window.hacked = 1</script> plain words here",
    "</script><img src=x onerror='window.hacked = 2'> & \"quotes\" 'too'",
    "turned \u202e around \u200b and \U0001f600 smiling",
    "the cat sat the cat sat zzyzx again",
)
ROWS = 6


def hostile_texts(regime: str, generation: int) -> list[str]:
    return [f"start {HOSTILE[(row + generation) % len(HOSTILE)]} glorp {regime} end" for row in range(ROWS)]


def write_text_lineages(config: Config, key: str) -> None:
    """Write the datasets of a text experiment with their manifests: what the page shows rows of, every string of it hostile."""
    experiment = config.experiments[key]
    real = [f"start the cat sat plain words here {HOSTILE[row % 4]} end" for row in range(12)]
    write_text_set(kinds.REAL_TRAIN.path(key), 2 * real, "real")  # more rows than a generation has, so that a control redraws some
    for seed in experiment.seeds:
        write_text_set(kinds.TRAIN.path(key, "", seed, 0), real, "mix")
        for regime in experiment.regimes:
            for generation in range(1, experiment.generations + 1):
                where = (key, regime, seed, generation)
                write_text_set(kinds.SYNTHETIC.path(*where), hostile_texts(regime, generation), "sample", parents=range(ROWS))
                write_text_set(kinds.TRAIN.path(*where), hostile_texts(regime, generation), "mix")


def write_text_set(path: str, texts: Sequence[str], step: str, parents: Sequence[int] | None = None) -> None:
    """Write a dataset of texts with its manifest."""
    writer = None if parents is None else Writer("0" * 64, np.zeros(1), np.zeros(1, np.int32))
    tokens = np.zeros((len(texts), 2), np.int32)
    rows = text_table(tokens, texts, first_row=0, born=int(writer is not None), parent=parents, writer=writer)
    Dataset.of(rows).write(path)
    seal([path], {"slice": {"step": step, "note": HOSTILE[0]}, "inputs": {}, "environment": {"python": "3", "libraries": {"numpy": "2"}}})


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled script of Vega, made once."""
    folder = tmp_path_factory.mktemp("vega")
    with contextlib.chdir(folder):
        vega.script()
    return folder / vega.CACHE


def finish(config: Config, library: Path) -> None:
    """Add to a folder with measures all that the page shows: tables, texts, a config file."""
    write_text_lineages(config, "words")
    shutil.copytree(library, vega.CACHE)
    Path("config.yaml").write_text(f"# {HOSTILE[1]}\n{yaml.safe_dump(raw())}", encoding="utf-8")
    files.write(config)


@pytest.fixture
def declaration() -> dict[str, Any]:
    """The text of the config as a mapping, which a test may edit."""
    return copy.deepcopy(raw())


@pytest.fixture
def finished(run: Path, config: Config, library: Path) -> Path:
    """The working directory of a finished run with its tables and texts, ready for the page."""
    finish(config, library)
    return run


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, library: Path) -> Iterator[Path]:
    """The working directory of a finished run with its page, made once a module."""
    folder = tmp_path_factory.mktemp("page")
    with contextlib.chdir(folder):
        write_measures(small())
        write_vectors(small())
        finish(small(), library)
        build.write(small(), Path("config.yaml"))
        yield folder
