"""A lineage in one job and the same lineage step by step are the same lineage."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from by_hand import slice_of
from heirloom import config as configuration
from heirloom import theory
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.steps import blend, chain, evaluate, mix, real, sample, select, train
from helpers import ROOT

REGIMES = {
    "replace": {},
    "keep": {"original": {"share": 0.3}},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
    "accumulate_fixed": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "drawn"},
    "fresh": {"fresh": 0.3},
    "control": {"pool": 1.0, "synthetic": "none"},
}
JUDGED = {
    "fixed_real": {"original": {"share": 1.0, "draw": "fixed"}, "budget": "grows", "multiple": 2.0},
    "golden": {"fresh": 0.3, "real_weight": "golden"},
    "linear": {"growth": 1.0},
    "neon": {"repair": {"extrapolate": {"w": 0.5, "from": "previous"}}},
    "scheduled": {"fresh": [0.4, 0.2], "pool": [0.0, 0.1], "scale": [1.0, 2.0, 1.5], "multiple": [1.0, 1.5]},
    "fading": {"original": {"share": [0.6, 0.3], "draw": "fixed"}, "fresh": [0.2, 0.0], "synthetic": "all", "budget": "grows"},
    "merged": {"fresh": 0.3, "repair": {"merge": 0.25}},
    "filter": {"multiple": 2.0, "select": {"by": "likelihood", "share": 0.5}},
    "detector": {
        "original": {"share": 1.0},
        "synthetic": "all",
        "budget": "drawn",
        "select": {"by": "detector", "share": 0.5, "true_keep": 0.8, "false_keep": 0.2},
    },
    "best": {"multiple": 2.0, "select": [{"by": "parent", "best_of": 3}, {"by": {"measure": "norm"}, "share": 0.5, "keep": "lowest"}]},
}
RELABELLED = {"relabelled": {"select": {"by": "parent", "best_of": 2}}}
KEEP_ROWS = ["sh", "-c", 'mkdir "$1" && cp "$0" "$1/rows.parquet"', "{train}", "{checkpoint}"]
DRAW_ROWS = """
import random, sys
import pyarrow.parquet as pq
rows = pq.read_table(sys.argv[1] + "/rows.parquet")
random.seed(sys.argv[4])
pq.write_table(rows.take([random.randrange(len(rows)) for _ in range(int(sys.argv[2]))]), sys.argv[3])
"""
PROGRAMS = {
    "name": "external",
    "train": {"command": KEEP_ROWS},
    "sample": {"command": ["python", "-c", DRAW_ROWS, "{checkpoint}", "{num_rows}", "{synthetic}", "{seed}"]},
}
"""A bootstrap: a model is the rows that it was trained on, and a sample is drawn from them with replacement."""
TOYS: dict[str, dict[str, Any]] = {
    "external images": {
        "family": {**PROGRAMS, "rows": "images"},
        "source": {"name": "mnist", "rows": 100, "test_rows": 1},
        "num_replicas": 1,
    },
    "external table": {
        "family": {**PROGRAMS, "rows": "table"},
        "source": {
            "name": "table",
            "paths": [str(ROOT / "examples/table/rows.csv")],
            "columns": {
                **dict.fromkeys(("sepal_length", "sepal_width", "petal_length", "petal_width"), "number"),
                "species": "category",
            },
            "rows": 100,
            "test_rows": 50,
        },
        "num_replicas": 1,
    },
    "discrete": {"source": {"name": "categorical", "law": {"kind": "zipf", "types": 5}, "rows": 100, "test_rows": 1}},
    "bernoulli": {"source": {"name": "bernoulli", "rows": 100, "test_rows": 1}},
    "poisson": {"source": {"name": "poisson", "rows": 100, "test_rows": 1}},
    "linear_regression": {"source": {"name": "linear", "features": 2, "rows": 100, "test_rows": 1}},
    "vae": {
        "family": {"name": "vae", "training": {"latent": 2, "channels": 2, "origin_epochs": 1, "epochs": 2, "batch_rows": 4}},
        "source": {"name": "mnist", "rows": 100, "test_rows": 1},
        "num_replicas": 1,
    },
}


def make_lineage(
    generations: int, replicas: int, rows: int = 10, pool: int = 100, divisor: str = "n", snapshots: tuple[int, ...] = (), toy: str = ""
) -> configuration.Config:
    experiment = {
        "family": {"name": "gaussian", "training": {"divisor": divisor}},
        "source": {"name": "normal", "rows": pool, "test_rows": 1},
        "regimes": list(REGIMES | JUDGED),
        "generations": generations,
        "rows": rows,
        "num_replicas": replicas,
        "granularity": "chain",
        "snapshots": list(snapshots),
    }
    if toy:
        experiment |= {"family": {"name": toy}, **TOYS[toy], "regimes": list(REGIMES)}
    if toy == "linear_regression":
        experiment["regimes"] = [*REGIMES, *RELABELLED]
    return configuration.parse({"regimes": REGIMES | JUDGED | RELABELLED, "experiments": {"g": experiment}})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_origin(config: configuration.Config) -> dict[str, str]:
    """Make the real rows and generation 0, and return the inputs of a chain."""
    pool, held_out = kinds.REAL_TRAIN.path("g"), kinds.REAL_TEST.path("g")
    original, checkpoint = kinds.TRAIN.path("g", "origin", 0, 0), kinds.CHECKPOINT.path("g", "origin", 0, 0)
    real.run_vectors(slice_of("real", config, "g"), {"train": pool, "test": held_out})
    mix.run(slice_of("mix", config, "g", "origin", 0, 0), {"pool": pool}, {"train": original})
    train.run(slice_of("train", config, "g", "origin", 0, 0), {"train": original}, {"checkpoint": checkpoint})
    return {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}


def run_chain(config: configuration.Config, regime: str) -> pd.DataFrame:
    inputs = run_origin(config)
    trajectory = kinds.TRAJECTORY.path("g", regime, 0)
    chain.run(slice_of("chain", config, "g", regime, 0), inputs, {"trajectory": trajectory})
    return pd.read_parquet(trajectory).pivot_table(index="generation", columns="metric", values="value")


def run_steps(config: configuration.Config, regime: str) -> pd.DataFrame:
    inputs = run_origin(config)
    measured = {}
    for g in range(1, config.experiments["g"].generations + 1):
        synthetic = [kinds.SYNTHETIC.path("g", regime, 0, h) for h in range(1, g + 1)]
        training, checkpoint = kinds.TRAIN.path("g", regime, 0, g), kinds.CHECKPOINT.path("g", regime, 0, g)
        key = (config, "g", regime, 0, g)
        declared = config.regimes[regime]
        writers_kind = kinds.REPAIRED if declared.repair and g > 1 else kinds.CHECKPOINT
        writer, its_rows = (kind.path("g", regime, 0, g - 1) for kind in (writers_kind, kinds.TRAIN))
        inputs_of_sample = {"checkpoint": writer, "train": its_rows, "prompts": "", "tokenizer": "", "judge": ""}
        sample.run(slice_of("sample", *key), inputs_of_sample, {"synthetic": synthetic[-1]})
        selected = [kinds.SELECTED.path("g", regime, 0, h) for h in range(1, g + 1)]
        if declared.select:
            select.run(
                slice_of("select", *key),
                {"synthetic": synthetic[-1], "origin": inputs["checkpoint"], "parent": writer or ""},
                {"selected": selected[-1]},
            )
        mixed_source = selected if declared.select else synthetic
        offered = {"latest": mixed_source[-1:], "all": mixed_source, "none": []}[declared.synthetic]
        mix.run(
            slice_of("mix", *key),
            {"pool": inputs["pool"], "original": inputs["original"], "synthetic": " ".join(offered)},
            {"train": training},
        )
        handed_on = getattr(config.experiments["g"].family.training, "start", "scratch") == "origin"
        train.run(
            slice_of("train", *key),
            {"train": training, "start": (inputs["checkpoint"] if handed_on else None) or ""},
            {"checkpoint": checkpoint},
        )
        model = checkpoint
        if declared.repair:
            model = kinds.REPAIRED.path("g", regime, 0, g)
            base = writer if declared.repair.base == "previous" else inputs["checkpoint"]
            blend.run(slice_of("blend", *key), {"checkpoint": checkpoint, "base": base}, {"repaired": model})
        metrics = kinds.METRICS.path("g", regime, 0, g)
        inputs_of_generation = {"checkpoint": model, "train": training, "synthetic": synthetic[-1]}
        shared_inputs = {"held_out": inputs["held_out"], "original": inputs["original"], "origin": inputs["checkpoint"]}
        evaluate.run(slice_of("evaluate", *key), {**inputs_of_generation, **shared_inputs}, {"metrics": metrics})
        measured[g] = read_json(metrics)
    return pd.DataFrame.from_dict(measured, orient="index").sort_index(axis=1)


@pytest.mark.parametrize(
    ("toy", "regime"),
    [
        *(("", regime) for regime in REGIMES | JUDGED),
        *((toy, "keep" if toy != "external table" else "accumulate") for toy in TOYS),
        ("linear_regression", "relabelled"),
    ],
)
def test_both_granularities_give_the_same_snapshots_and_measures(folder: Path, toy: str, regime: str) -> None:
    config = make_lineage(generations=3, replicas=4, snapshots=(1, 2, 3), toy=toy)
    by_chain = run_chain(config, regime)
    kept_kinds = [kinds.SYNTHETIC, kinds.TRAIN, kinds.CHECKPOINT, *([kinds.SELECTED] if config.regimes[regime].select else [])]
    kept_kinds += [kinds.REPAIRED] if config.regimes[regime].repair else []
    artefacts = [kind.path("g", regime, 0, g) for kind in kept_kinds for g in (1, 2, 3)]
    hashes = {path: recorded_sha256(path) for path in artefacts}
    by_steps = run_steps(config, regime)
    assert [path for path in artefacts if recorded_sha256(path) != hashes[path]] == []
    pd.testing.assert_frame_equal(by_chain, by_steps, check_exact=True, check_names=False, check_index_type=False)


def test_a_trajectory_names_the_hash_of_every_generation_kept_or_not(folder: Path) -> None:
    config = make_lineage(generations=3, replicas=2, snapshots=(2,))
    run_chain(config, "replace")
    trajectory = kinds.TRAJECTORY.path("g", "replace", 0)
    generations = read_json(paths.manifest(trajectory))["generations"]
    assert [entry["generation"] for entry in generations] == [1, 2, 3]
    assert generations[1]["checkpoint"] == recorded_sha256(kinds.CHECKPOINT.path("g", "replace", 0, 2))
    assert not Path(kinds.CHECKPOINT.path("g", "replace", 0, 1)).exists()
    assert len({entry["train_content"] for entry in generations}) == 3


def test_adding_replicas_leaves_earlier_ones_unchanged(folder: Path) -> None:
    from heirloom.families import gaussian

    means = []
    for replicas in (2, 5):
        run_chain(make_lineage(generations=3, replicas=replicas, snapshots=(3,)), "accumulate_fixed")
        means.append(gaussian.load(Path(kinds.CHECKPOINT.path("g", "accumulate_fixed", 0, 3))).mean)
    assert np.array_equal(means[0], means[1][:2])


@pytest.mark.slow
@pytest.mark.parametrize("divisor", ["n", "n-1"])
@pytest.mark.parametrize("regime", REGIMES)
def test_every_arm_agrees_with_its_closed_form(folder: Path, regime: str, divisor: str) -> None:
    n, generations, ddof = 10, 4, 0 if divisor == "n" else 1
    expected = {
        "replace": lambda t: theory.replace(n, t, ddof=ddof),
        "keep": lambda t: theory.keep(n, t, 3, ddof=ddof),
        "accumulate": lambda t: theory.accumulate(n, t, ddof=ddof),
        "accumulate_fixed": lambda t: theory.accumulate_fixed(n, t, ddof=ddof),
        "fresh": lambda t: theory.fresh(n, t, 3, ddof=ddof),
        "control": lambda t: theory.control(n, t, ddof=ddof),
    }[regime](generations + 1)
    measured = run_chain(make_lineage(generations, replicas=20_000, rows=n, pool=30, divisor=divisor), regime)
    for metric, theirs in (("covariance_trace", expected.variance), ("mean_squared_error", expected.mean_square)):
        z = (measured[f"{metric}.mean"] - theirs[1:]) / measured[f"{metric}.se"]
        assert np.abs(z).max() < 4, (metric, z)


@pytest.mark.slow
def test_the_neighbouring_generation_is_rejected(folder: Path) -> None:
    measured = run_chain(make_lineage(4, replicas=20_000, rows=10), "replace")
    expected = theory.replace(10, 7, ddof=0).variance
    for shift in (-1, 1):
        z = (measured["covariance_trace.mean"] - expected[1 + shift : 5 + shift]) / measured["covariance_trace.se"]
        assert np.abs(z).min() > 6, z


@pytest.mark.parametrize("toy", ["", "discrete", "bernoulli", "poisson", "linear_regression"])
def test_a_chain_keeps_the_replicas_of_its_measures_of_collapse_beside_the_trajectory(folder: Path, toy: str) -> None:
    config = make_lineage(generations=3, replicas=4, toy=toy)
    trajectory = run_chain(config, "control")
    replicas = pd.read_parquet(kinds.REPLICAS.path("g", "control", 0))
    assert list(replicas.columns) == ["generation", "metric", "unit", "value"]
    assert set(replicas["unit"]) == {0, 1, 2, 3}
    for metric, values in replicas.groupby("metric"):
        middle = values.groupby("generation")["value"].median()
        np.testing.assert_allclose(middle, trajectory[f"{metric}.median"].loc[middle.index])
    assert not [name for name in trajectory.columns if ".unit." in name]
    assert recorded_sha256(kinds.REPLICAS.path("g", "control", 0))


def test_a_single_replica_leaves_no_file_of_replicas_nor_an_older_one(folder: Path) -> None:
    run_chain(make_lineage(generations=1, replicas=2), "control")
    run_chain(make_lineage(generations=2, replicas=1), "control")
    assert not Path(kinds.REPLICAS.path("g", "control", 0)).exists()


@pytest.mark.parametrize(("regime", "fewest", "most"), [("replace", -2, 2), ("accumulate", 8, 14), ("accumulate_fixed", 8, 14)])
def test_memory_of_a_chain_grows_by_a_number_for_each_row_that_its_regime_keeps(
    folder: Path, regime: str, fewest: float, most: float
) -> None:
    rows, lengths = 4_000, (1, 10, 30)  # the first imports what is imported late
    peaks = []
    for generations in lengths:
        config = make_lineage(generations, replicas=1, rows=rows, pool=11 * rows)  # `scheduled` is declared, too, and asks for so many
        inputs = run_origin(config)
        step = slice_of("chain", config, "g", regime, 0)
        tracemalloc.start()
        chain.run(step, inputs, {"trajectory": kinds.TRAJECTORY.path("g", regime, 0)})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    bytes_per_row = (peaks[2] - peaks[1]) / (lengths[2] - lengths[1]) / rows
    assert fewest < bytes_per_row < most
