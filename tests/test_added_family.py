"""A family is added by the files that CONTRIBUTING.md lists, and by no other; the page's own code is what is added."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import worked_examples
from by_hand import fields_of
from heirloom import config
from heirloom.codehash import modules

ROOT = Path(__file__).parents[1]
CONTRACT = "tests/families/test_contract.py"
FILES = ["src/heirloom/specs/laplace.py", "src/heirloom/families/laplace.py", "src/heirloom/specs/family.py", CONTRACT]

EXPERIMENT = {
    "source": {"name": "normal", "rows": 40, "test_rows": 10},
    "regimes": ["replace", "judged"],
    "generations": 2,
    "rows": 20,
    "num_replicas": 3,
    "granularity": "chain",
    "snapshots": [1],
}
REGIMES = {"replace": {}, "judged": {"multiple": 2.0, "select": {"by": "likelihood", "share": 0.5}}}
OTHERS = {"regimes": REGIMES, "experiments": {"old": {"family": {"name": "gaussian"}, **EXPERIMENT}}}

USE = """
import json, sys
from heirloom import config, schema
from heirloom.artefacts import kinds
from heirloom.errors import HeirloomError
from heirloom.planning.plan import plan
from heirloom.report import expected_curves, files, numbers
from heirloom.report.figures import draw
from heirloom.report.figures import plan as figures
from heirloom.steps import chain, mix, real, train
from heirloom.data.dataset import Dataset
from heirloom.workflow.steps import STEPS
import pyarrow.parquet as pq

experiment, others, regimes = json.loads(sys.argv[1])
made = config.parse({"regimes": regimes, "experiments": {"new": {"family": {"name": "laplace"}, **experiment}}})

def slice_of(step, config, *key):
    return STEPS[step].slice(config, kinds.Key(*key))

pool, held_out = kinds.REAL_TRAIN.path("new"), kinds.REAL_TEST.path("new")
original, checkpoint = kinds.TRAIN.path("new", "origin", 0, 0), kinds.CHECKPOINT.path("new", "origin", 0, 0)
real.run_vectors(slice_of("real", made, "new"), {"train": pool, "test": held_out})
mix.run(slice_of("mix", made, "new", "origin", 0, 0), {"pool": pool}, {"train": original})
train.run(slice_of("train", made, "new", "origin", 0, 0), {"train": original}, {"checkpoint": checkpoint})
inputs = {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}
trajectory = kinds.TRAJECTORY.path("new", "judged", 0)
chain.run(slice_of("chain", made, "new", "judged", 0), inputs, {"trajectory": trajectory})
frame = pq.read_table(trajectory).to_pandas().assign(experiment="new", variant="", regime="judged", seed=0)
scales = numbers.beside_theory("scale", frame, made.experiments["new"], made.regimes).assign(onset=float("nan"), measure="scale")
figure = next(one for one in figures.figures(made) if one.kind.name == "beside_theory")
try:
    config.parse({"regimes": {"replace": {"fresh": 0.5, "real_weight": 0.5}},
                  "experiments": {"new": {"family": {"name": "laplace"}, **experiment, "regimes": ["replace"]}}})
except HeirloomError as error:
    refused = str(error)
old = config.parse(others)
print(json.dumps({
    "measures": sorted(set(pq.read_table(trajectory)["metric"].to_pylist())),
    "intervals": len(files.headline_intervals(frame, made)),
    "axis": "scale" in json.dumps(draw.chart(figure, scales).to_dict()),
    "kept": Dataset.open(kinds.SELECTED.path("new", "judged", 0, 1)).num_rows,
    "figures": [one.kind.name for one in figures.figures(made)],
    "jobs": plan(made, {}).jobs,
    "closed forms": expected_curves.curves(made.experiments["new"], made.regimes["replace"]),
    "in the schema": "Laplace" in schema.generate(config.Config)["$defs"],
    "refused": refused,
    "slices": [slice_of("chain", old, "old", "judged", 0).json_fields(), slice_of("train", old, "old", "replace", 0, 0).json_fields()],
}))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a package with the added family answers, in a process and a folder of its own."""
    project = tmp_path_factory.mktemp("added")
    package = project / "src/heirloom"
    shutil.copytree(modules.ROOT, package, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "tests/families").mkdir(parents=True)
    shutil.copy(ROOT / CONTRACT, project / CONTRACT)
    assert worked_examples.follow("Add a family", project) == FILES
    folder = tmp_path_factory.mktemp("project")
    command = [sys.executable, "-c", USE, json.dumps([EXPERIMENT, OTHERS, REGIMES])]
    env = {**os.environ, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.run(command, cwd=folder, env=env, text=True, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr
    answers: dict[str, Any] = json.loads(process.stdout)
    return answers


def test_the_family_is_run_judged_planned_and_drawn(answers: dict[str, Any]) -> None:
    assert {"scale.mean", "ancestry.real_row_share"} <= set(answers["measures"])
    assert answers["kept"] == 3 * 20
    assert answers["intervals"] == 0  # its measure is no headline of all families
    assert answers["axis"]
    assert answers["figures"] == ["ancestry", "beside_theory"]
    assert answers["jobs"] == 6  # the real data, the origin's set, model and measures, and two chains
    assert answers["closed forms"] == {}
    assert answers["in the schema"]


def test_what_the_family_does_not_say_that_it_can_is_refused(answers: dict[str, Any]) -> None:
    assert "'replace' asks to weigh, which 'laplace' cannot" in answers["refused"]


def test_no_job_of_another_family_is_planned_again(answers: dict[str, Any]) -> None:
    old = config.parse(OTHERS)
    assert answers["slices"] == [fields_of("chain", old, "old", "judged", 0), fields_of("train", old, "old", "replace", 0, 0)]
