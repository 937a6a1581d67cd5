"""Rows of the plane are shown as they are, coloured by the component that most likely wrote them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heirloom.artefacts import kinds
from heirloom.config import Config, parse
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.families import gmm
from heirloom.report import kept_rows
from heirloom.report.figures import plan, scatter
from helpers import seal_alone
from report.conftest import figure_names, figure_of

CENTRES = np.array([[[3.0, 0.0], [-3.0, 0.0]]])


def plane(**changes: Any) -> Config:
    body = {
        "family": {"name": "gmm"},
        "source": {"name": "normal", "dim": 2, "rows": 20},
        "regimes": ["replace"],
        "generations": 9,
        "rows": 20,
        "granularity": "chain",
        "snapshots": [4, 9],
    }
    return parse({"regimes": {"replace": {}}, "experiments": {"plane": body | changes}})


@pytest.fixture
def run_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Generations 0, 4 and 9: two rows, one near each of the two centres, of two replicas."""
    monkeypatch.chdir(tmp_path)
    model = gmm.Model(np.full((1, 2), 0.5), CENTRES, np.stack([np.eye(2), 4 * np.eye(2)])[None], np.array([1]))
    for path in kept_rows.vectors("plane", plane().experiments["plane"]).values():
        folder = Path(path).parent / "checkpoint"
        folder.parent.mkdir(parents=True)
        gmm.save(model, folder)
        Dataset.of(vector_table(np.array([[[2.9, 0.1], [-3.1, 0.2]], [[7.0, 7.0], [8.0, 8.0]]]))).write(path)
        seal_alone(folder, path)
    return plane()


def scatter_table(config: Config) -> pd.DataFrame:
    return scatter.numbers(figure_of(config, "plane", "scatter").subject, pd.DataFrame())


def test_a_row_has_the_component_that_most_likely_wrote_it_counted_from_the_left(run_config: Config) -> None:
    points = scatter_table(run_config)
    rows = points[points["part"] == "row"]
    assert sorted(set(rows["generation"])) == [0, 4, 9]
    first = rows[rows["generation"] == 4]
    assert first[["x", "y", "component"]].to_numpy().tolist() == [[2.9, 0.1, 1], [-3.1, 0.2, 0]]


def test_an_outline_is_two_standard_deviations_from_its_centre(run_config: Config) -> None:
    points = scatter_table(run_config)
    outline = points[(points["part"] == "outline") & (points["generation"] == 9)]
    for component, (centre, deviation) in enumerate(((-3.0, 2.0), (3.0, 1.0))):
        outline_of_component = outline[outline["component"] == component]
        np.testing.assert_allclose(np.hypot(outline_of_component["x"] - centre, outline_of_component["y"]), 2 * deviation)


def test_a_chain_s_snapshots_come_with_its_trajectory_and_the_origin_s_files_for_themselves(run_config: Config) -> None:
    artefacts = plan.artefacts(run_config)
    trajectory = kinds.TRAJECTORY.path("plane", "replace", 0)
    assert artefacts[kinds.SYNTHETIC.path("plane", "replace", 0, 9)] == trajectory
    assert artefacts[kinds.CHECKPOINT.path("plane", "replace", 0, 9)] == trajectory
    origin = kinds.TRAIN.path("plane", "origin", 0, 0)
    assert artefacts[origin] == origin
    stepwise = plan.artefacts(plane(granularity="step", snapshots=[]))
    assert stepwise[kinds.CHECKPOINT.path("plane", "replace", 0, 9)] == kinds.CHECKPOINT.path("plane", "replace", 0, 9)


def test_the_figure_needs_the_rows_and_the_models_that_outline_them(run_config: Config) -> None:
    figure = figure_of(run_config, "plane", "scatter")
    assert figure.can_be_drawn()
    shutil.rmtree(kinds.CHECKPOINT.path("plane", "replace", 0, 4))
    assert not figure.can_be_drawn()
    assert figure_of(run_config, "plane", "variance").can_be_drawn()


def test_all_panels_have_the_axes_of_the_real_rows_in_one_scale(run_config: Config) -> None:
    points = scatter_table(run_config)
    points.loc[(points["generation"] == 9) & (points["part"] == "row"), "x"] = 50.0
    chart = scatter.draw(figure_of(run_config, "plane", "scatter").subject, points).to_dict()
    encoding = chart["spec"]["layer"][0]["encoding"]
    assert encoding["x"]["scale"]["domain"] == encoding["y"]["scale"]["domain"] == [-3.7, 3.5]


def test_only_families_of_the_plane_whose_rows_are_kept_have_the_figure() -> None:
    def has(**changes: Any) -> bool:
        return ("plane", "scatter") in figure_names(plane(**changes))

    assert has()
    assert has(family={"name": "kde"})
    assert not has(snapshots=[])
    assert not has(source={"name": "normal", "dim": 3, "rows": 20})
    assert has(family={"name": "gaussian"})
    assert not has(family={"name": "gaussian", "path": "statistics"}, snapshots=[])
