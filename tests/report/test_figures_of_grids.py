"""Figures over a grid: errors of a Gaussian at several sizes, and distances of mixtures, from the tidy table alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heirloom import theory
from heirloom.config import Config, parse
from heirloom.report import gaussian_errors
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.figures import distance, distances, draw, error_by_rows
from heirloom.report.figures.kind import Subject
from heirloom.report.gaussian_errors import DEVIATION, MEAN
from report.conftest import figure_names, figure_of

REGIMES = {"replace": {}, "keep": {"original": {"share": 0.1}}}


def sizes() -> Config:
    gaussian = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "covariance": 2.0, "rows": 100},
        "regimes": ["replace", "keep"],
        "generations": 5,
        "rows": 10,
        "num_replicas": 20,
        "granularity": "chain",
        "grid": {"rows": {"key": "rows", "values": {"few": 10, "many": 100}}},
    }
    return parse({"regimes": REGIMES, "experiments": {"sizes": gaussian}})


def grid(config: Config) -> Subject:
    return figure_of(config, "sizes", "error_by_rows").subject


def tidy(experiment: str, variant: str, regime: str, generation: int, measures: dict[str, float]) -> list[dict[str, Any]]:
    key = {"experiment": experiment, "variant": variant, "regime": regime, "seed": 0, "generation": generation}
    return [key | {"metric": name, "value": value} for name, value in measures.items()]


@pytest.fixture
def measured() -> pd.DataFrame:
    """A mean squared error of 0.01 (g + 1), and a squared error of the deviation of 0.04 (g + 1)."""
    rows = []
    for variant in ("few", "many"):
        for generation in range(6):
            for regime in ("replace", "keep") if generation else ("origin",):
                errors_of_measures = {"mean_squared_error": 0.01, "wasserstein2_squared": 0.05}
                values = {f"{name}.mean": value * (generation + 1) for name, value in errors_of_measures.items()}
                rows += tidy(
                    "sizes",
                    variant,
                    regime,
                    generation,
                    values | {f"{name}.{what}": 0.0 for name in errors_of_measures for what in ("se", "median")},
                )
    return pd.DataFrame(rows)


def test_the_error_of_the_deviation_is_what_the_mean_s_leaves_of_the_distance(measured: pd.DataFrame) -> None:
    table = gaussian_errors.errors(grid(sizes()), measured)
    of_two = table.query("variant == 'few' and regime == 'replace' and generation == 3").set_index("of")
    assert of_two.loc[MEAN, "error"] == pytest.approx(0.2)
    assert of_two.loc[DEVIATION, "error"] == pytest.approx(0.4)
    assert set(zip(table["variant"], table["rows"], table["divisor"], strict=True)) == {("few", 10, "n"), ("many", 100, "n")}


def test_the_closed_form_stands_beside_and_is_empty_where_there_is_none(measured: pd.DataFrame) -> None:
    table = gaussian_errors.errors(grid(sizes()), measured).query("variant == 'few' and generation == 5")
    expected = table.set_index(["regime", "of"])["expected"]
    moments, total = theory.replace(10, 6), theory.replace_wasserstein2_squared(10, 6)[-1]
    assert expected["replace", MEAN] == pytest.approx(2 * math.sqrt(moments.mean_square[-1]))
    assert expected["replace", DEVIATION] == pytest.approx(2 * math.sqrt(total - moments.mean_square[-1]))
    assert expected["keep", MEAN] == pytest.approx(2 * math.sqrt(theory.keep(10, 6, 1).mean_square[-1]))
    assert np.isnan(expected["keep", DEVIATION])


def test_the_first_fit_is_told_once_a_variant_whatever_the_regimes(measured: pd.DataFrame) -> None:
    first = error_by_rows.numbers(grid(sizes()), measured)
    assert first[["variant", "of"]].to_numpy().tolist() == [[variant, of] for variant in ("few", "many") for of in (MEAN, DEVIATION)]
    assert first["error"].tolist() == pytest.approx([0.1, 0.2, 0.1, 0.2])


def test_a_grid_of_sizes_has_both_figures_of_errors_and_its_variants_none(measured: pd.DataFrame) -> None:
    config = sizes()
    error_figures = [(name, kind) for name, kind in figure_names(config) if kind.startswith("error")]
    assert error_figures == [("sizes", "error_by_rows"), ("sizes", "error_by_generation")]
    results = {
        key: ExperimentResults(key, config, measured[measured["variant"] == key.removeprefix("sizes__")]) for key in config.experiments
    }
    for name, kind in error_figures:
        figure = figure_of(config, name, kind)
        chart = draw.chart(figure, draw.numbers(figure, results)).to_dict()
        assert chart["description"].startswith("sizes: Error of")
        assert '"type": "log"' in str(chart).replace("'", '"')


def mixtures(**changes: Any) -> Config:
    body = {
        "family": {"name": "gmm"},
        "source": {"name": "normal", "dim": 2, "rows": 100},
        "regimes": ["replace"],
        "generations": 2,
        "rows": 10,
        "granularity": "chain",
    }
    return parse({"regimes": REGIMES, "experiments": {"blob": body | changes}})


def test_distances_of_a_grid_have_a_line_a_variant_and_leave_out_generation_0() -> None:
    config = mixtures(grid={"rows": {"key": "rows", "values": {"few": 10, "many": 100}}})
    rows = [
        row
        for variant in ("few", "many")
        for g in range(3)
        for row in tidy("blob", variant, "replace" if g else "origin", g, {"squared_l2_origin": g * 0.5})
    ]
    subject = figure_of(config, "blob", "distances").subject
    table = distances.numbers(subject, pd.DataFrame(rows))
    assert table[["variant", "generation", "median"]].to_numpy().tolist() == [
        ["few", 1, 0.5],
        ["few", 2, 1.0],
        ["many", 1, 0.5],
        ["many", 2, 1.0],
    ]
    chart = distances.draw(subject, table).to_dict()
    assert [layer["mark"]["type"] for layer in chart["spec"]["layer"]] == ["line"]
    assert ("blob", "distances") in figure_names(config)
    assert "distance" not in {kind for _, kind in figure_names(config)}


def test_a_mixture_without_a_grid_has_a_line_a_regime_and_a_band_over_replicas() -> None:
    subject = figure_of(mixtures(), "blob", "distance").subject
    summary = {"median": 2.0, "q05": 1.0, "q95": 4.0, "mean": 2.2, "se": 0.1}
    rows = [
        row for g in (1, 2) for row in tidy("blob", "", "replace", g, {f"squared_l2_origin.{what}": v * g for what, v in summary.items()})
    ]
    table = distance.numbers(subject, pd.DataFrame(rows))
    assert table[["generation", "median", "low", "high"]].to_numpy().tolist() == [[1, 2, 1, 4], [2, 4, 2, 8]]
    chart = distance.draw(subject, table).to_dict()
    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["area", "line"]
