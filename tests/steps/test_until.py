"""A chain that stops where a measure passes a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.report.generations import shared_generations
from heirloom.steps import chain, mix, real, train


def config(generations: Any, **more: Any) -> Config:
    experiment = {
        "family": {"name": "bernoulli"},
        "source": {"name": "bernoulli", "probability": 0.5, "rows": 20, "test_rows": 1},
        "regimes": ["replace"],
        "generations": generations,
        "rows": 6,
        "num_replicas": 50,
        "granularity": "chain",
        **more,
    }
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"e": experiment}})


def run(parsed: Config) -> pd.DataFrame:
    pool, held_out = kinds.REAL_TRAIN.path("e"), kinds.REAL_TEST.path("e")
    original, checkpoint = kinds.TRAIN.path("e", "origin", 0, 0), kinds.CHECKPOINT.path("e", "origin", 0, 0)
    real.run_vectors(slice_of("real", parsed, "e"), {"train": pool, "test": held_out})
    mix.run(slice_of("mix", parsed, "e", "origin", 0, 0), {"pool": pool}, {"train": original})
    train.run(slice_of("train", parsed, "e", "origin", 0, 0), {"train": original}, {"checkpoint": checkpoint})
    inputs = {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}
    trajectory = kinds.TRAJECTORY.path("e", "replace", 0)
    chain.run(slice_of("chain", parsed, "e", "replace", 0), inputs, {"trajectory": trajectory})
    return pd.read_parquet(trajectory).pivot_table(index="generation", columns="metric", values="value")


def test_a_chain_ends_with_the_first_generation_that_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stopped = run(config({"at_most": 200, "until": {"measure": "fixed_at_1", "above": 0.3}}))
    share, last = stopped["fixed_at_1.mean"], int(stopped.index[-1])
    assert last < 200
    assert share.iloc[-1] > 0.3 >= share.iloc[:-1].max()
    assert read_json(paths.manifest(kinds.TRAJECTORY.path("e", "replace", 0)))["stopped"] == last
    whole = run(config(last + 2))
    pd.testing.assert_frame_equal(whole.loc[:last], stopped, check_exact=True)
    never = run(config({"at_most": 3, "until": {"measure": "fixed_at_1.median", "above": 2.0}}))
    assert never.index.tolist() == [1, 2, 3]
    assert "stopped" not in read_json(paths.manifest(kinds.TRAJECTORY.path("e", "replace", 0)))


def test_a_measure_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HeirloomError, match=r"until\.measure is 'absorbed', but generation 1 measures fixed_at_0, fixed_at_1, probability"):
        run(config({"at_most": 3, "until": {"measure": "absorbed", "above": 0.5}}))


def test_a_config_without_it_has_the_slice_that_it_had_and_steps_cannot_stop() -> None:
    fields = slice_of("chain", config(3), "e", "replace", 0).json_fields()
    assert "until" not in fields
    assert fields["generations"] == 3
    with pytest.raises(HeirloomError, match=r"generations\.until is for granularity: chain"):
        config({"at_most": 3, "until": {"measure": "variance", "above": 0.5}}, granularity="step")
    with pytest.raises(HeirloomError, match=r"experiments\.e\.generations"):
        config({"at_most": 3})


def test_lineages_are_compared_where_all_of_them_have_generations() -> None:
    rows = pd.DataFrame({"regime": list("aaabb"), "seed": 0, "generation": [0, 1, 2, 0, 1]})
    stopping = config({"at_most": 3, "until": {"measure": "variance", "above": 0.5}}).experiments["e"]
    assert shared_generations(rows, stopping) == [1]
    assert shared_generations(rows, config(3).experiments["e"]) == [1, 2, 3]
