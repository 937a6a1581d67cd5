"""What is lost, counted by hand on a few rows: types, modes, classes and tails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heirloom.artefacts import kinds
from heirloom.config import parse
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.report import tables
from heirloom.report.generations import vanishing_unit
from heirloom.report.page import build, lost, remains
from heirloom.specs.experiment import Experiment
from heirloom.specs.vector_source import MixtureSource
from helpers import seal_alone

MIXTURE = {"name": "mixture", "weights": [0.9, 0.1], "means": [[0.0, 0.0], [4.0, 0.0]], "covariances": [1.0, 1.0], "rows": 9}
CATEGORIES = {"name": "categorical", "law": {"kind": "uniform", "types": 9}, "rows": 9}


def experiment(family: str, source: dict[str, Any], **changes: Any) -> Experiment:
    body = {"family": {"name": family}, "source": source, "regimes": ["replace"], "generations": 3, "rows": 4, **changes}
    return parse({"regimes": {"replace": {}}, "experiments": {"one": body}}).experiments["one"]


def write(generation: int, *replicas: list[Any]) -> None:
    x = np.array(replicas, dtype=np.float64)
    path = (kinds.SYNTHETIC if generation else kinds.TRAIN).path("one", "replace", 0, generation)
    Dataset.of(vector_table(x if x.ndim == 3 else x[..., None])).write(path)
    seal_alone(path)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def nothing() -> pd.DataFrame:
    return pd.DataFrame([], columns=list(tables.COLUMNS))


def test_a_type_is_lost_in_the_band_of_its_count_among_the_real_rows() -> None:
    write(0, [0, 0, 0, 1, 2, 2, 5])
    write(1, [0, 1, 2, 2, 2, 2])
    write(2, [0, 2, 2, 2, 2, 2])  # 1, once in the real rows, is lost
    write(3, [2, 2, 2, 2, 5, 7])  # 0, three times, is lost; of 5 and 7, both new here, the real rows have 5
    section = lost.context("one", experiment("discrete", CATEGORIES))
    assert section is not None
    (arm,) = section["arms"]
    assert section["unit"] == "types"
    assert [row["died"] for row in arm["generations"]] == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0]]
    assert [(row["types"], row["invented"], row["examples"]) for row in arm["generations"]] == [(2, 0, ["1"]), (3, 1, ["0"])]


def test_a_type_that_comes_back_was_not_lost() -> None:
    write(0, [0, 1])
    for generation, types in enumerate(([0, 1], [0, 0], [0, 1]), 1):
        write(generation, types)
    section = lost.context("one", experiment("discrete", CATEGORIES))
    assert section is not None
    assert [sum(row["died"]) for row in section["arms"][0]["generations"]] == [0, 0]


def test_only_texts_and_types_that_are_drawn_can_be_lost_one_by_one() -> None:
    assert vanishing_unit(experiment("discrete", CATEGORIES)) == "types"
    drawn_never = experiment("discrete", CATEGORIES, granularity="chain")
    assert vanishing_unit(drawn_never.model_copy(update={"family": drawn_never.family.model_copy(update={"path": "statistics"})})) is None
    assert vanishing_unit(experiment("gmm", MIXTURE)) is None


def test_a_row_is_of_the_mode_that_most_likely_gave_it() -> None:
    # between the two means the bound lies where 0.9 N(x; 0, 1) = 0.1 N(x; 4, 1): x = 2 + ln(9) / 4 = 2.549
    source = MixtureSource.model_validate(MIXTURE)
    x = np.array([[[0.0, 0.0], [2.5, 0.0], [2.6, 0.0], [4.0, 9.0]]])
    np.testing.assert_array_equal(remains.occupancy(x, source), [[0.5, 0.5]])


def test_a_mode_without_rows_is_gone_in_so_many_chains() -> None:
    both, first = [[0.0, 0.0], [4.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]
    for generation, chains in enumerate(([both, both], [both, both], [both, first], [first, first])):
        write(generation, *chains)
    (table,) = remains.context("one", experiment("gmm", MIXTURE, num_replicas=2), nothing())
    assert table["generations"] == [0, 1, 2, 3]
    rare = table["arms"][0]["rows"][1]
    assert rare["name"] == "2, at (4, 0)"
    assert [cell["share"] for cell in rare["cells"]] == ["50 %", "50 %", "25 %", ""]
    assert [cell["gone"] for cell in rare["cells"]] == ["", "", "gone in 1 of 2", "gone"]


def test_tails_and_classes_are_those_that_were_measured_from_the_origin_on() -> None:
    rows = [("one", "", "origin", 0, 0, metric, 0.05) for metric in ("tail_mass_95.mean", "class_share.2", "class_share.10")]
    rows += [("one", "", "replace", 0, 1, "tail_mass_95.mean", 0.01), ("one", "", "replace", 0, 1, "class_share.2", 0.0)]
    rows += [("one", "", "replace", 0, 1, "class_share.10", 1.0)]
    tidy = pd.DataFrame(rows, columns=list(tables.COLUMNS))
    classes, tails = remains.context("one", experiment("gaussian", {"name": "normal", "rows": 9}), tidy)
    assert [(row["name"], [cell["share"] for cell in row["cells"]]) for row in classes["arms"][0]["rows"]] == [
        ("2", ["5 %", ""]),
        ("10", ["5 %", "100 %"]),
    ]
    assert [cell["share"] for cell in tails["arms"][0]["rows"][0]["cells"]] == ["5 %", "1 %"]


def test_the_page_needs_the_sets_whose_types_and_modes_it_counts() -> None:
    body = {"source": MIXTURE, "family": {"name": "gmm"}, "regimes": ["replace"], "generations": 3, "rows": 4}
    types = body | {"source": CATEGORIES, "family": {"name": "discrete"}, "granularity": "chain", "snapshots": [1, 3]}
    config = parse({"regimes": {"replace": {}}, "experiments": {"modes": body, "types": types}})
    needed = [kinds.SYNTHETIC.path("modes", "replace", 0, g) for g in (1, 2, 3)]
    assert build.datasets(config) == [*needed, kinds.TRAJECTORY.path("types", "replace", 0)]
