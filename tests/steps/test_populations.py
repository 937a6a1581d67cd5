"""Members of a population, step by step: whose rows each is trained on, and from which numbers it is drawn."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heirloom import config as configuration
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.artefacts.kinds import Key
from heirloom.config import Config
from heirloom.lineage.trace_row import trace_row
from heirloom.workflow.steps import STEPS
from populations_by_hand import run

REGIMES = {
    "replace": {},
    "keep": {"original": {"share": 0.5}},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
}
MIXED = {"members": 2, "synthetic_from": {"self": 0.7, "others": 0.3}, "public": 0.5}


def config_of(population: dict[str, Any] | None, **keys: Any) -> Config:
    experiment: dict[str, Any] = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "rows": 40, "test_rows": 1},
        "regimes": list(REGIMES),
        "generations": 2,
        "rows": 20,
        "num_replicas": 2,
        **keys,
    }
    experiment |= {"population": population} if population else {}
    return configuration.parse({"regimes": REGIMES, "experiments": {"e": experiment}})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train_of(experiment: str, regime: str, generation: int) -> pd.DataFrame:
    return pd.read_parquet(kinds.TRAIN.path(experiment, regime, 0, generation))


def test_each_training_set_has_exact_numbers_of_rows_by_writer(folder: Path) -> None:
    run(config_of(MIXED))
    writers = {name: recorded_sha256(kinds.CHECKPOINT.path(f"e__{name}", "origin", 0, 0)) for name in ("m1", "m2")}
    expected = {"replace": (0, 14, 6), "keep": (10, 7, 3), "accumulate": (20, 14, 6)}
    for regime, (num_real, own, others) in expected.items():
        rows = train_of("e__m1", regime, 1)
        for replica in (0, 1):
            counts = Counter(rows.loc[rows["replica"] == replica, "model"].fillna("real"))
            assert counts == Counter({"real": num_real, writers["m1"]: own, writers["m2"]: others}), (regime, replica)
    grown = train_of("e__m2", "accumulate", 2)
    assert grown.groupby(["replica", "born"]).size().to_list() == [20, 20, 20] * 2
    first = train_of("e__m2", "accumulate", 1)
    again = grown[grown["born"] == 1]
    assert {*again["x"].map(tuple)} == {*first.loc[first["born"] == 1, "x"].map(tuple)}, "rows of an earlier generation are dealt once"


def test_members_share_public_rows_alone_and_no_random_numbers(folder: Path) -> None:
    run(config_of(MIXED, origin_rows="all"))
    original, others = (train_of(f"e__{name}", "origin", 0) for name in ("m1", "m2"))
    for replica in (0, 1):
        ids, other_ids = ({*rows.loc[rows["replica"] == replica, "row"]} for rows in (original, others))
        assert (len(ids), len(other_ids), len(ids & other_ids), len(ids | other_ids)) == (30, 30, 20, 40)
    synthetic, other_synthetic = (pd.read_parquet(kinds.SYNTHETIC.path(f"e__{name}", "replace", 0, 1)) for name in ("m1", "m2"))
    noise, other_noise = (_standardised(rows) for rows in (synthetic, other_synthetic))
    assert np.abs(noise - other_noise).max() > 0.1


def test_measures_say_who_wrote_the_rows_and_whose_models_are_their_first_ancestors(folder: Path) -> None:
    run(config_of(MIXED))
    weights = np.array([[0.7, 0.3], [0.3, 0.7]])
    for generation in (0, 1, 2):
        for number, member in enumerate(("m1", "m2")):
            regime = "replace" if generation else "origin"
            metrics = read_json(kinds.METRICS.path(f"e__{member}", regime, 0, generation))
            written_by = weights[number] * (generation > 0)
            first_ancestors = np.linalg.matrix_power(weights, generation)[number] * (generation > 0)
            for other, name in enumerate(("m1", "m2")):
                assert metrics[f"ancestry.written_by.{name}"] == written_by[other]
                assert metrics[f"ancestry.first_ancestor.{name}"] == pytest.approx(first_ancestors[other], rel=1e-12)
            founders = np.linalg.matrix_power(weights, generation)[number]
            assert metrics["ancestry.founders"] == pytest.approx(1 / (founders**2).sum(), rel=1e-12)


def _standardised(rows: pd.DataFrame) -> np.ndarray:
    """Return the rows of one replica, less their mean and over their deviation, which leaves the noise that they were drawn with."""
    x = np.concatenate(rows.loc[rows["replica"] == 0, "x"].to_list())
    return np.asarray((x - x.mean()) / x.std())


def test_a_population_of_one_has_the_bytes_of_the_experiment_alone(folder: Path) -> None:
    digests = []
    for population, name in ((None, "e"), ({"members": 1, "public": 0.3}, "e__m1")):
        run(config_of(population))
        digests.append([recorded_sha256(kinds.TRAIN.path(name, regime, 0, 2)) for regime in REGIMES])
    assert digests[0] == digests[1]


@pytest.mark.parametrize("families", [False, True], ids=["copies", "two families"])
def test_a_population_in_one_job_is_the_same_population_step_by_step(families: bool, folder: Path) -> None:
    kinds_of_models = {"bell": {"name": "gaussian"}, "kernel": {"name": "kde"}}
    members: Any = {"kind": {"key": "family", "values": kinds_of_models}} if families else 2
    population = {**MIXED, "members": members}
    names = [*kinds_of_models] if families else ["m1", "m2"]
    run(config_of(population))
    by_steps = {}
    for name, regime, generation in product(names, REGIMES, (1, 2)):
        metrics = read_json(kinds.METRICS.path(f"e__{name}", regime, 0, generation))
        checkpoint = recorded_sha256(kinds.CHECKPOINT.path(f"e__{name}", regime, 0, generation))
        train = recorded_sha256(kinds.TRAIN.path(f"e__{name}", regime, 0, generation))
        by_steps[name, regime, generation] = metrics, checkpoint, train
    run(config_of(population, granularity="chain", snapshots=[2]))
    for (name, regime, generation), (metrics, checkpoint, train) in by_steps.items():
        path = kinds.TRAJECTORY.path(f"e__{name}", regime, 0)
        trajectory = pd.read_parquet(path)
        rows = trajectory[trajectory["generation"] == generation]
        assert dict(zip(rows["metric"], rows["value"], strict=True)) == metrics, (name, regime, generation)
        assert read_json(paths.manifest(path))["generations"][generation - 1]["checkpoint"] == checkpoint
        if generation == 2:
            assert recorded_sha256(kinds.TRAIN.path(f"e__{name}", regime, 0, generation)) == train


def test_a_row_is_traced_to_the_models_of_all_members_among_its_ancestors(folder: Path) -> None:
    run(config_of(MIXED))
    rows = train_of("e__m1", "replace", 2)
    position = int(np.flatnonzero(rows["population_member"] == 1)[0])
    trace = trace_row(f"e__m1/replace/0/2:train#{position}")
    expected = [kinds.CHECKPOINT.path("e__m2", "replace", 0, 1)]
    expected += [kinds.CHECKPOINT.path(f"e__{name}", "origin", 0, 0) for name in ("m1", "m2")]
    assert sorted(writer.checkpoint for writer in trace.writers) == sorted(expected)
    assert all(writer.train is not None for writer in trace.writers)


def test_jobs_of_a_member_ask_for_no_row_of_those_whom_it_does_not_read() -> None:
    config = config_of({"members": 2, "synthetic_from": {"self": 1.0}})
    for member in ("e__m1", "e__m2"):
        inputs = STEPS["mix"].inputs(config, Key(member, "accumulate", 0, 2))
        assert {Path(path).parts[1] for role_paths in inputs.values() for path in role_paths} == {member}
