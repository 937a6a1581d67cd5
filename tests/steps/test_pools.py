"""A pool per seed: who draws one, which rows are in it, where it lies, what it is called, and what came from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds, paths
from heirloom.config import Config
from heirloom.diffs import belonging
from heirloom.diffs.sides import locate
from heirloom.errors import HeirloomError
from heirloom.export import subject
from heirloom.lineage import references
from heirloom.lineage.project import Project
from heirloom.lineage.prune import config_folders
from heirloom.lineage.trace_row import trace_row
from heirloom.runtime.streams import Stream
from heirloom.sources import module
from heirloom.steps import chain, mix, real, train
from heirloom.workflow import folders
from heirloom.workflow.steps import job_of

EXPERIMENT: dict[str, Any] = {
    "family": {"name": "gaussian"},
    "source": {"name": "normal", "rows": 30, "test_rows": 10},
    "regimes": ["control"],
    "seeds": [0, 1],
    "generations": 1,
    "snapshots": [1],
    "granularity": "chain",
    "rows": 20,
    "num_replicas": 2,
}


def declared(**changes: Any) -> Config:
    regimes = {"control": {"pool": 1.0, "synthetic": "none"}}
    return configuration.parse({"regimes": regimes, "experiments": {"e": {**EXPERIMENT, **changes}}})


def draw_pool(config: Config, seed: int) -> tuple[str, str]:
    pool, held_out = (kind.of_pool("e", seed) for kind in (kinds.REAL_TRAIN, kinds.REAL_TEST))
    real.run_vectors(slice_of("real", config, "e", seed=seed), {"train": pool, "test": held_out})
    return pool, held_out


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Two seeds, each with its pool, its origin, and one generation of the control."""
    monkeypatch.chdir(tmp_path)
    config = declared()
    for seed in (0, 1):
        pool, held_out = draw_pool(config, seed)
        original, checkpoint = (kind.path("e", "", seed, 0) for kind in (kinds.TRAIN, kinds.CHECKPOINT))
        mix.run(slice_of("mix", config, "e", "origin", seed, 0), {"pool": pool}, {"train": original})
        train.run(slice_of("train", config, "e", "origin", seed, 0), {"train": original}, {"checkpoint": checkpoint})
        inputs = {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}
        chain.run(slice_of("chain", config, "e", "control", seed), inputs, {"trajectory": kinds.TRAJECTORY.path("e", "control", seed)})
    return config


def x_of(path: str) -> np.ndarray[Any, Any]:
    return np.array(pq.read_table(path)["x"].to_pylist())


def test_seed_0_keeps_its_place_and_its_draws_and_every_other_seed_has_a_stream_of_its_own(project: Config) -> None:
    spec = project.experiments["e"].source
    streams = {"data/e/real": Stream(("real",)), "data/e/real/seed=1": Stream(("real", "seed", 1))}
    for folder, stream in streams.items():
        assert (x_of(f"{folder}/train.parquet") == module("normal").draw(spec, 2, stream).reshape(-1, 1)).all()
        assert (x_of(f"{folder}/test.parquet") == module("normal").draw_test(spec, 2, stream).reshape(-1, 1)).all()
    assert not set(x_of("data/e/real/train.parquet").flat) & set(x_of("data/e/real/seed=1/train.parquet").flat)
    assert "seed" not in slice_of("real", project, "e")


def test_another_seed_in_the_list_moves_no_pool() -> None:
    assert [declared(seeds=seeds).experiments["e"].pools for seeds in ([0], [0, 1], [3], [3, 1])] == [[0], [0, 1], [3], [3, 1]]
    assert slice_of("real", declared(seeds=[3]), "e", seed=3) == slice_of("real", declared(seeds=[0, 3]), "e", seed=3)


def test_seeds_share_a_fixed_corpus() -> None:
    digits = {"family": {"name": "vae"}, "source": {"name": "mnist", "rows": 100, "test_rows": 100}, "num_replicas": 1}
    assert declared(**digits, granularity="step", snapshots=[]).experiments["e"].pools == [0]


def test_the_rows_of_a_seed_are_those_of_its_pool(project: Config) -> None:
    for pool, seed in (("data/e/real/train.parquet", 0), ("data/e/real/seed=1/train.parquet", 1)):
        for name in (f"e/origin/{seed}/0", f"e/control/{seed}/1:train"):
            assert set(x_of(references.find(name)).flat) <= set(x_of(pool).flat)


def test_a_row_is_traced_to_the_pool_of_its_seed_and_the_export_speaks_of_it(project: Config) -> None:
    traced = trace_row("e/control/1/1:train#7")
    assert [references.name_of(text.path) for text in traced.texts] == ["e/control/1/1:train", "e/real/1:train"]
    assert traced.texts[0].row["x"] == traced.texts[1].row["x"]
    place = references.find("e/control/1/1:train")
    card = subject.describe(Project().artefact(place), Path("config.yaml"))
    assert card.real.path == "data/e/real/seed=1/train.parquet"


def test_a_run_whose_seeds_shared_a_pool_is_traced_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = declared()
    pool, _ = draw_pool(config, 0)
    mix.run(slice_of("mix", config, "e", "origin", 1, 0), {"pool": pool}, {"train": kinds.TRAIN.path("e", "", 1, 0)})
    assert [text.path for text in trace_row("e/origin/1/0#3").texts] == [kinds.TRAIN.path("e", "", 1, 0), pool]
    card = subject.describe(Project().artefact(kinds.TRAIN.path("e", "", 1, 0)), Path("config.yaml"))
    assert card.real.path == pool


def test_a_pool_is_a_unit_of_the_real_data_and_no_lineage(project: Config) -> None:
    assert folders.lineages()["data/e/real"] == ["data/e/real", "data/e/real/seed=1"]
    assert "data/e/real/seed=1" not in folders.lineages()
    assert folders.lineage_of("data/e/real/seed=1/train.parquet") == "data/e/real"
    assert folders.unit_of("data/e/real/seed=1/train.parquet") == "data/e/real/seed=1"
    assert paths.wildcards("data/e/real/seed=1") == {}
    assert {"data/e/real", "data/e/real/seed=1"} <= set(config_folders(project))
    assert job_of("real", "data/e/real/seed=1/train.parquet") == ("real", "e", "real", 1, None)


def test_a_pool_has_a_reference() -> None:
    path = "data/e/real/seed=1/test.parquet"
    assert (references.find("e/real/1:test"), references.name_of(path)) == (path, "e/real/1:test")
    assert references.find("e/real/0:test") == references.find("e/real:test") == "data/e/real/test.parquet"
    with pytest.raises(HeirloomError, match=r"^e/real/1:valid: no 'valid' there; it has train, test$"):
        references.find("e/real/1:valid")


def test_equal_ids_of_two_pools_name_different_rows(project: Config) -> None:
    def names(reference: str, other: str) -> np.ndarray[Any, Any]:
        sides = locate(reference), locate(other)
        answer = belonging.belonging(*sides)
        return np.concatenate([belonging.row_names(batch, answer) for batch in sides[0].batches(answer.columns)])

    of_zero, of_one = names("e/real", "e/real/1"), names("e/real/1", "e/real")
    assert len({*of_zero, *of_one}) == 120
    assert set(names("e/control/1/1:train", "e/real/1")) <= set(of_one)
    assert not set(names("e/control/1/1:train", "e/real")) & set(of_zero)
