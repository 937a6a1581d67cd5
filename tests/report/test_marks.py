"""An onset of collapse is a triangle on the curve of its measure, in every figure that draws one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
import vl_convert

from heirloom.config import Config, parse
from heirloom.report import tables
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.figures import draw
from report.conftest import figure_of

SEEDS = range(6)
FAMILIES: dict[str, dict[str, Any]] = {
    "words": {"family": {"name": "ngram"}, "source": {"name": "wikipedia"}},
    "digits": {"family": {"name": "vae"}, "source": {"name": "mnist"}},
    "normal": {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": 60}},
    "counts": {"family": {"name": "poisson"}, "source": {"name": "poisson", "rows": 60}},
}
MEASURES = {
    "words": {"test_perplexity": 1, "distinct_3": -1, "token_entropy": -1, "tail_survival.2-4": -1, "tail_survival.65+": 0},
    "digits": {"latent_spread": -1, "test_elbo": -1},
    "normal": {"covariance_trace": -1},
    "counts": {"squared_error": 1, "absorbed": 0},
}
"""Experiment → measure → the direction in which ``replace`` moves from generation 2 on."""
DRAWN = {
    "test_perplexity": ("words", 1),
    "diversity": ("words", 2),
    "tail_survival": ("words", 1),
    "latent": ("digits", 2),
    "variance": ("normal", 1),
    "beside_theory": ("counts", 1),
}
"""Kind of figure → its experiment, and how many of its curves have an onset."""


@pytest.fixture(scope="module")
def config() -> Config:
    body = {"regimes": ["replace", "control"], "seeds": list(SEEDS), "generations": 3, "rows": 20}
    regimes = {"replace": {}, "control": {"pool": 1.0, "synthetic": "none"}}
    return parse({"regimes": regimes, "experiments": {name: body | settings for name, settings in FAMILIES.items()}})


def tidy(experiment: str, moved: int) -> pd.DataFrame:
    """Return a run in which each seed of ``replace`` moves so far from generation 2 on."""
    rows = [
        (experiment, "", regime, seed, g, metric, 20.0 + 0.01 * (seed * g % 3) + moved * direction * (regime == "replace" and g > 1))
        for metric, direction in MEASURES[experiment].items()
        for regime, generations in {"origin": [0], "replace": [1, 2, 3], "control": [1, 2, 3]}.items()
        for seed in SEEDS
        for g in generations
    ]
    return pd.DataFrame(rows, columns=list(tables.COLUMNS))


def layers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield spec
    for part in ("layer", "hconcat", "vconcat"):
        for inner in spec.get(part, []):
            yield from layers(inner)
    if "spec" in spec:
        yield from layers(spec["spec"])


def triangles(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [layer for layer in layers(spec) if isinstance(layer.get("mark"), dict) and layer["mark"].get("shape") == "triangle-down"]


@pytest.mark.parametrize("kind", DRAWN)
def test_a_figure_marks_where_an_arm_begins_to_collapse(config: Config, kind: str) -> None:
    experiment, count = DRAWN[kind]
    figure, table = figure_of(config, experiment, kind), tidy(experiment, moved=2)
    numbers = draw.numbers(figure, {experiment: ExperimentResults(experiment, config, table)})
    onset_rows = numbers.dropna(subset="onset")
    assert onset_rows[["regime", "generation"]].to_numpy().tolist() == [["replace", 2]] * count
    spec = draw.chart(figure, numbers).to_dict()
    assert triangles(spec)
    assert "triangle: onset of collapse" in spec["title"]["subtitle"]
    points = re.findall('<path[^>]*roledescription="point"[^>]*>', vl_convert.vegalite_to_svg(spec))
    assert sum('stroke="#000000"' in point for point in points) == count


@pytest.mark.parametrize("kind", DRAWN)
def test_a_figure_of_arms_that_do_not_collapse_has_no_triangle(config: Config, kind: str) -> None:
    experiment = DRAWN[kind][0]
    figure = figure_of(config, experiment, kind)
    numbers = draw.numbers(figure, {experiment: ExperimentResults(experiment, config, tidy(experiment, moved=0))})
    spec = draw.chart(figure, numbers).to_dict()
    assert numbers["onset"].isna().all()
    assert not triangles(spec)
    assert "triangle" not in spec["title"]["subtitle"]
