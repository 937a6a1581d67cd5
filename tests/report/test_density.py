"""Rows of the line as a density: one set of bins for all generations, and areas that are shares of the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heirloom.config import Config, parse
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.report import kept_rows
from heirloom.report.figures import density
from helpers import seal_alone
from report.conftest import figure_names, figure_of


def line(**changes: Any) -> Config:
    body = {"family": {"name": "kde"}, "source": {"name": "normal", "rows": 9}, "regimes": ["replace"], "generations": 2, "rows": 9}
    return parse({"regimes": {"replace": {}}, "experiments": {"line": body | changes}})


@pytest.fixture
def run_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Real rows 0 … 8; generation 1 at 4 alone, generation 2 far away; a second replica that is not shown."""
    monkeypatch.chdir(tmp_path)
    rows = {0: np.arange(9.0), 1: np.full(9, 4.0), 2: np.full(9, 1e6)}
    for (_, generation), path in kept_rows.vectors("line", line().experiments["line"]).items():
        Dataset.of(vector_table(np.stack([rows[generation], rows[generation] + 100])[..., None])).write(path)
        seal_alone(path)
    return line()


def test_bins_are_those_of_the_real_rows_and_reach_half_a_range_beyond() -> None:
    edges = density.edges(np.arange(9.0))
    # interquartile range 4, so 2 * 4 / 9^(1/3) = 3.85: three bins of 8/3 in the range, and two more on either side
    np.testing.assert_allclose(edges, np.arange(-2, 6) * 8 / 3)


def test_the_area_of_a_generation_is_the_share_of_its_rows_within_the_axis(run_config: Config) -> None:
    density_table = density.numbers(figure_of(run_config, "line", "density").subject, pd.DataFrame())
    area = density_table.groupby("generation")["density"].sum() * 8 / 3
    assert area.round(12).tolist() == [1.0, 1.0, 0.0]
    first = density_table[density_table["generation"] == 1]
    assert first.loc[first["density"] > 0, "x"].tolist() == [4.0]


def test_the_chart_has_a_panel_an_arm_and_real_rows_in_black(run_config: Config) -> None:
    numbers = density.numbers(figure_of(run_config, "line", "density").subject, pd.DataFrame())
    chart = density.draw(figure_of(run_config, "line", "density").subject, numbers).to_dict()
    scale = chart["spec"]["encoding"]["color"]["scale"]
    assert (scale["domain"], scale["range"][0]) == ([0, 1, 2], "#000000")


def test_only_families_of_the_line_whose_rows_are_kept_have_the_figure() -> None:
    def has(**changes: Any) -> bool:
        return ("line", "density") in figure_names(line(**changes))

    assert has()
    assert has(family={"name": "gaussian"})
    assert not has(granularity="chain")
    assert has(granularity="chain", snapshots=[2])
    assert not has(source={"name": "normal", "dim": 2, "rows": 9})
