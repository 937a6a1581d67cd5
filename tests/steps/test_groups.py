"""Groups of rows: told by the row itself, measured one by one, and lost as fast as chance loses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.artefacts.files import read_json
from heirloom.config import Config
from heirloom.data.dataset import Dataset
from heirloom.data.rows import cell_table, text_table, vector_table
from heirloom.errors import HeirloomError
from heirloom.families.base import Sets
from heirloom.report import group_table
from heirloom.report.page import groups as on_page
from heirloom.report.summary_tables import groups_table
from heirloom.specs.groups import ColumnGroups, QuantileGroups
from heirloom.steps import chain, evaluate, group_measures, mix, real, train

MIXTURE = {"name": "mixture", "weights": [0.8, 0.2], "means": [[0.0], [9.0]], "covariances": [1.0, 1.0], "rows": 40}
TYPES = {"name": "categorical", "law": {"kind": "weights", "weights": [0.5, 0.3, 0.2]}, "rows": 10, "test_rows": 1}
LARGEST = {"measure": "norm", "quantiles": [0.65]}


def config(family: str, source: dict[str, Any], groups: Any, **more: Any) -> Config:
    experiment = {"family": {"name": family}, "source": source, "regimes": ["replace"], "generations": 6, "rows": 10, "groups": groups}
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"e": {**experiment, **more}}})


def run(parsed: Config) -> pd.DataFrame:
    """Run a chain and the origin's measures, and return their tidy rows."""
    pool, held_out = kinds.REAL_TRAIN.path("e"), kinds.REAL_TEST.path("e")
    original, checkpoint = kinds.TRAIN.path("e", "origin", 0, 0), kinds.CHECKPOINT.path("e", "origin", 0, 0)
    real.run_vectors(slice_of("real", parsed, "e"), {"train": pool, "test": held_out})
    mix.run(slice_of("mix", parsed, "e", "origin", 0, 0), {"pool": pool}, {"train": original})
    train.run(slice_of("train", parsed, "e", "origin", 0, 0), {"train": original}, {"checkpoint": checkpoint})
    inputs = {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}
    origin_inputs = {**inputs, "origin": checkpoint, "train": original}
    evaluate.run(slice_of("evaluate", parsed, "e", "origin", 0, 0), origin_inputs, {"metrics": "origin.json"})
    chain.run(slice_of("chain", parsed, "e", "replace", 0), inputs, {"trajectory": kinds.TRAJECTORY.path("e", "replace", 0)})
    origin = pd.DataFrame(list(read_json("origin.json").items()), columns=["metric", "value"])
    arm = pd.read_parquet(kinds.TRAJECTORY.path("e", "replace", 0))
    frame = pd.concat([origin.assign(generation=0, regime="origin"), arm.assign(regime="replace")])
    return frame.assign(experiment="e", variant="", seed=0)


def test_a_group_of_resampled_rows_is_lost_as_fast_as_chance_loses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parsed = config("discrete", TYPES, LARGEST, num_replicas=2000, granularity="chain")
    tidy = run(parsed)
    table = group_table.table(tidy, parsed).set_index("group")
    rare = table.loc["q65-100"]
    assert rare["rank"] == 1
    assert rare["real_share"] == pytest.approx(0.2, abs=0.02)
    real_share: Any = rare["real_share"]
    neutral_G = group_table.neutral_alive(real_share, parsed.experiments["e"])
    assert neutral_G[-1] == rare["neutral_alive"]
    is_alive = (tidy["metric"] == "group.q65-100.alive.mean") & (tidy["generation"] > 0)
    alive_G = tidy.loc[is_alive, "value"].to_numpy()
    z_G = (alive_G - neutral_G) / np.sqrt(neutral_G * (1 - neutral_G) / 2000)
    assert np.abs(z_G).max() < 4
    assert abs(rare["share"] - rare["real_share"]) < 4 * rare["se"]  # without selection the expected share stays
    assert 0.4 < rare["neutral_alive"] < 0.8


def test_the_table_of_groups_is_written_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parsed = config("discrete", TYPES, LARGEST, num_replicas=50, granularity="chain")
    group_table.write(run(parsed), parsed)
    groups = group_table.load(parsed, "e")
    assert groups is not None
    assert groups["group"].tolist() == ["q65-100", "q0-65"]
    shown = on_page.context(parsed, "e")
    assert shown is not None
    assert [(row["arm"], row["rank"], row["group"]) for row in shown] == [("replace", "1", "q65-100"), ("replace", "2", "q0-65")]
    assert groups_table(groups, "e").row_count == 2
    assert group_table.load(config("discrete", TYPES, None), "e") is None


def test_groups_change_no_other_measure_and_are_in_no_other_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    size: dict[str, Any] = {"num_replicas": 3, "granularity": "chain", "rows": 40}
    with_groups, without = config("gmm", MIXTURE, "component", **size), config("gmm", MIXTURE, None, **size)
    assert "groups" not in slice_of("evaluate", without, "e", "origin", 0, 0).json_fields()
    assert "groups" in slice_of("evaluate", with_groups, "e", "origin", 0, 0).json_fields()
    tidy = run(with_groups)
    is_of_group = tidy["metric"].str.startswith("group.")
    pd.testing.assert_frame_equal(tidy[~is_of_group].reset_index(drop=True), run(without).reset_index(drop=True))
    last = tidy[is_of_group & (tidy["generation"] == 6)].set_index("metric")["value"]
    shares = [last[f"group.component_{k}.share.mean"] for k in (0, 1)]
    assert sum(shares) == pytest.approx(1)
    assert last["group.component_1.mean_first.mean"] > 5


def test_a_component_is_known_by_identity_and_not_by_its_size() -> None:
    law = {"mean": [4.5], "covariance": [[1.0]], "weights": [0.8, 0.2], "means": [[0.0], [9.0]], "covariances": [[[1.0]], [[1.0]]]}
    rows = Dataset.of(vector_table(np.array([[[0.1], [8.8], [9.2], [9.1]]])))
    parts = group_measures.grouping("component", rows, law)
    assert parts.names == ["component_0", "component_1"]
    assert parts.labels(rows).tolist() == [[0, 1, 1, 1]]


def test_a_quantile_is_that_of_the_original_rows() -> None:
    original = Dataset.of(vector_table(np.arange(100.0).reshape(1, 100, 1)))
    parts = group_measures.grouping(QuantileGroups(measure="norm", quantiles=[0.1, 0.9]), original, None)
    assert parts.names == ["q0-10", "q10-90", "q90-100"]
    assert np.bincount(parts.labels(original)[0]).tolist() == [10, 80, 10]
    moved = Dataset.of(vector_table(np.array([[[1.0], [50.0], [500.0]]])))
    assert parts.labels(moved).tolist() == [[0, 1, 2]]


def test_values_of_a_column_that_no_original_row_has_belong_to_no_group() -> None:
    def table(values: list[str]) -> Dataset:
        return Dataset.of(cell_table(pa.table({"sex": values, "age": np.arange(float(len(values)))})))

    original = table(["m", "f", "f", "m"])
    parts = group_measures.grouping(ColumnGroups(column="sex"), original, None)
    assert parts.names == ["f", "m"]
    assert parts.labels(table(["m", "x", "f"])).tolist() == [[1, -1, 0]]


def test_a_family_measures_each_group_of_text_by_itself() -> None:
    def rows(number: int, width: int) -> Dataset:
        tokens = np.arange(number * 8, dtype=np.int32).reshape(number, 8)
        tokens[: number // 2] = width
        return Dataset.of(text_table(tokens, [str(row) for row in range(number)], first_row=0))

    real_rows, written = rows(40, 7), rows(30, 9)
    sets = Sets(written, written, real_rows, real_rows)
    parts = group_measures.grouping(QuantileGroups(measure="distinct_tokens", quantiles=[0.4]), real_rows, None)
    measured = group_measures.measure(parts, sets, real_rows, lambda own: {"rows": own.sample.num_rows + own.held_out.num_rows / 100})
    assert measured["group.q0-40.rows"] == 15.2
    assert measured["group.q40-100.rows"] == 15.2
    assert measured["group.q0-40.share"] == measured["group.q0-40.trained"] == 0.5
    few = Sets(rows(10, 9), rows(10, 9), real_rows, real_rows)
    assert "group.q0-40.rows" not in group_measures.measure(parts, few, real_rows, lambda own: {"rows": 1.0})


@pytest.mark.parametrize(
    ("family", "source", "groups", "message"),
    [
        ("gaussian", {"name": "normal", "rows": 10}, "component", "groups is 'component', which source 'mixture' has"),
        (
            "gaussian",
            {"name": "normal", "rows": 10},
            {"column": "sex"},
            "groups.column is 'sex'; source 'normal' has no columns: table, files and hub have",
        ),
        ("gaussian", {"name": "normal", "rows": 10}, {"measure": "tokens", "quantiles": [0.1]}, "allowed: norm"),
        ("ngram", {"name": "wikipedia"}, {"measure": "norm", "quantiles": [0.1]}, "allowed: tokens, distinct_tokens"),
        ("gaussian", {"name": "normal", "rows": 10}, {"measure": "norm", "quantiles": [0.9, 0.1]}, "quantiles must ascend"),
    ],
)
def test_rows_that_cannot_be_told_apart_are_refused_in_one_line(family: str, source: dict[str, Any], groups: Any, message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        config(family, source, groups)


def test_statistics_have_no_groups() -> None:
    with pytest.raises(HeirloomError, match="groups are of rows"):
        configuration.parse(
            {
                "regimes": {"replace": {}},
                "experiments": {
                    "e": {
                        "family": {"name": "gaussian", "path": "statistics"},
                        "source": {"name": "normal", "rows": 10},
                        "regimes": ["replace"],
                        "generations": 1,
                        "rows": 10,
                        "granularity": "chain",
                        "groups": LARGEST,
                    }
                },
            }
        )
