"""A chain of sufficient statistics: it says that it has no rows, and what it keeps of real rows are the very rows of the other path.

Its law is compared with the closed forms in tests/families/test_closed_forms.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.families import discrete
from heirloom.steps import chain, mix, real, train

REGIMES: dict[str, Any] = {
    "replace": {},
    "keep": {"original": {"share": 0.5}},
    "all_original": {"original": {"share": 1.0}},
    "control": {"pool": 1.0, "synthetic": "none"},
    "grows": {"fresh": 0.2, "original": {"share": 1.0}, "synthetic": "all", "budget": "grows"},
}


def run(regime: str, path: str = "statistics") -> tuple[pd.DataFrame, dict[str, Any]]:
    """Run three generations of one arm, and return its measures and the trajectory's manifest."""
    experiment = {
        "family": {"name": "discrete", "path": path},
        "source": {"name": "categorical", "rows": 60, "test_rows": 1, "law": {"kind": "zipf", "types": 9}},
        "regimes": list(REGIMES),
        "generations": 3,
        "rows": 20,
        "num_replicas": 4,
        "granularity": "chain",
        "snapshots": [3],
    }
    config = configuration.parse({"regimes": REGIMES, "experiments": {"d": experiment}})
    pool, held_out, trajectory = kinds.REAL_TRAIN.path("d"), kinds.REAL_TEST.path("d"), kinds.TRAJECTORY.path("d", regime, 0)
    original, checkpoint = kinds.TRAIN.path("d", "origin", 0, 0), kinds.CHECKPOINT.path("d", "origin", 0, 0)
    real.run_vectors(slice_of("real", config, "d"), {"train": pool, "test": held_out})
    mix.run(slice_of("mix", config, "d", "origin", 0, 0), {"pool": pool}, {"train": original})
    train.run(slice_of("train", config, "d", "origin", 0, 0), {"train": original}, {"checkpoint": checkpoint})
    inputs = {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}
    chain.run(slice_of("chain", config, "d", regime, 0), inputs, {"trajectory": trajectory})
    measures = pd.read_parquet(trajectory).pivot_table(index="generation", columns="metric", values="value")
    return measures, read_json(paths.manifest(trajectory))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_manifest_says_that_no_rows_were_drawn_and_names_every_model() -> None:
    _, manifest = run("replace")
    assert manifest["rows"] == "none: sufficient statistics"
    assert manifest["slice"]["path"] == "statistics"
    assert [set(entry) for entry in manifest["generations"]] == [{"generation", "checkpoint"}] * 3
    folder = Path(kinds.CHECKPOINT.path("d", "replace", 0, 3)).parent
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint", "checkpoint.fingerprint.json", "checkpoint.manifest.json"]
    _, manifest = run("replace", "rows")
    assert "rows" not in manifest
    assert "path" not in manifest["slice"]


@pytest.mark.parametrize("regime", ["all_original", "control"])
def test_an_arm_of_real_rows_is_the_same_on_both_paths(regime: str) -> None:
    without, _ = run(regime)
    with_rows, _ = run(regime, "rows")
    pd.testing.assert_frame_equal(without, with_rows[without.columns], check_exact=True)


@pytest.mark.parametrize(("regime", "rows"), [("replace", 20), ("keep", 20), ("grows", 92)])
def test_a_training_set_has_as_many_rows_as_on_the_other_path(regime: str, rows: int) -> None:
    run(regime)
    by_statistics = discrete.load(Path(kinds.CHECKPOINT.path("d", regime, 0, 3))).num_rows
    run(regime, "rows")
    by_rows = discrete.load(Path(kinds.CHECKPOINT.path("d", regime, 0, 3))).num_rows
    assert by_statistics.tolist() == by_rows.tolist() == [rows] * 4
