"""A program of the user's that makes a whole lineage: started once, asked for each step, and held to the contract of the steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import small_lineages
from by_hand import fields_of, slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.artefacts.files import read_json
from heirloom.artefacts.paths import manifest
from heirloom.config import Config
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.runtime import program
from heirloom.steps import chain

TRAIN = """
import pathlib, sys
import numpy as np
import pyarrow.parquet as pq

def train(rows, checkpoint, seed):
    x = np.stack(pq.read_table(rows)["x"].to_numpy())
    folder = pathlib.Path(checkpoint)
    folder.mkdir()
    (folder / "model.txt").write_text(f"{float(x.mean())!r} {float(x.std())!r}")

if __name__ == "__main__":
    train(*sys.argv[1:])
"""
SAMPLE = """
import pathlib, sys
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

def sample(checkpoint, num_rows, rows, seed):
    mean, deviation = map(float, (pathlib.Path(checkpoint) / "model.txt").read_text().split())
    x = np.random.default_rng(int(seed)).normal(mean, deviation, (int(num_rows), 2))
    pq.write_table(pa.table({"x": list(x)}), rows)

if __name__ == "__main__":
    sample(*sys.argv[1:])
"""
LOOP = """
import json, pathlib, sys, time
from sample import sample
from train import train

with open("starts", "a") as starts:
    starts.write("started\\n")
for generation, line in enumerate(sys.stdin, 1):
    request = json.loads(line)
    if request["step"] == "train":
        train(request["train"], request["checkpoint"], request["seed"])
    else:
        sample(request["checkpoint"], request["num_rows"], request["synthetic"], request["seed"])
    print("step", request["step"])
    FAULT
    print(request["answer"], flush=True)
"""
REGIMES: dict[str, Any] = {
    "replace": {},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(TRAIN)
    Path("sample.py").write_text(SAMPLE)
    write_loop()


def write_loop(fault: str = "") -> None:
    Path("loop.py").write_text(LOOP.replace("FAULT", fault))


def declared(**family: Any) -> Config:
    programs = {
        "train": {"command": ["python", "train.py", "{train}", "{checkpoint}", "{seed}"]},
        "sample": {"command": ["python", "sample.py", "{checkpoint}", "{num_rows}", "{synthetic}", "{seed}"]},
    }
    experiment = {
        "family": {"name": "external", "rows": "vectors", **programs, "code": ["*.py"], **family},
        "source": {"name": "normal", "rows": 60, "test_rows": 10, "dim": 2},
        "regimes": list(REGIMES),
        "generations": 3,
        "rows": 20,
        "granularity": "chain",
        "snapshots": [1, 3],
    }
    return configuration.parse({"regimes": REGIMES, "experiments": {"mine": experiment}})


LOOPING: Mapping[str, Any] = {"lineage": {"command": ["python", "loop.py"]}}


def run(config: Config, regime: str = "replace") -> dict[str, Any]:
    """Run a lineage, and return its measures and the hashes of all its generations."""
    inputs = small_lineages.make_origin(config, "mine")
    trajectory = kinds.TRAJECTORY.path("mine", regime, 0)
    chain.run(slice_of("chain", config, "mine", regime, 0), inputs, {"trajectory": trajectory})
    return {"measures": pq.read_table(trajectory).to_pylist(), "generations": read_json(manifest(trajectory))["generations"]}


@pytest.mark.parametrize("regime", REGIMES)
def test_one_program_for_a_lineage_makes_what_commands_for_each_step_make(regime: str) -> None:
    by_step = run(declared(), regime)
    assert not Path("starts").exists()
    assert run(declared(**LOOPING), regime) == by_step
    assert Path("starts").read_text() == "started\n"
    kept = Dataset.open(kinds.TRAIN.path("mine", regime, 0, 3))
    assert kept.num_rows == {"replace": 20, "accumulate": 80}[regime]


def test_what_the_program_prints_beside_its_answers_goes_to_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    run(declared(**LOOPING))
    said, log = capfd.readouterr()
    assert said == ""
    assert log.splitlines() == ["step sample", "step train"] * 3


def test_the_program_is_in_the_slice_of_the_lineage_and_of_no_other_step() -> None:
    with_program, without = declared(**LOOPING), declared()
    key = ("mine", "replace", 0)
    program_fields = fields_of("chain", with_program, *key)["program"]
    assert program_fields["command"] == ["python", "loop.py"]
    assert [file["path"] for file in program_fields["files"]] == ["loop.py", "sample.py", "train.py"]
    assert "program" not in fields_of("chain", without, *key)
    origin = ("mine", "origin", 0, 0)
    assert fields_of("train", with_program, *origin) == fields_of("train", without, *origin)


ONCE = "if generation == 4: "
WRITE = "import pyarrow as pa, pyarrow.parquet as pq; pq.write_table(pa.table({'x': ROWS}), request['synthetic'])"
FAULTS: Mapping[str, tuple[str, str]] = {
    "status": (f"{ONCE}sys.exit(3)", "generation 2: command python loop.py: asked to train: ended with status 3; what it printed"),
    "hang": (f"{ONCE}time.sleep(60)", "asked to train: not done after 5 s, the time_limit; it was ended"),
    "rows": (
        f"if generation == 3: {WRITE.replace('ROWS', '[[1.0, 2.0]]')}",
        "generation 2: family.lineage.command: {synthetic} has 1 rows; 20 were asked for",
    ),
    "input": (
        f"{ONCE}pathlib.Path(request['train']).write_text('')",
        "generation 2: family.lineage.command changed its input train.parquet",
    ),
    "checkpoint": (
        f"{ONCE}import shutil; shutil.rmtree(request['checkpoint'])",
        "generation 2: family.lineage.command ended well, but left no folder with a file at {checkpoint}",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_in_a_generation_is_one_line_and_nothing_is_taken(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    code, message = FAULTS[fault]
    write_loop(code)
    monkeypatch.setenv(program.TIME_LIMIT, "5")
    with pytest.raises(HeirloomError) as caught:
        run(declared(**LOOPING))
    assert message in str(caught.value)
    assert len(caught.value.lines) == 1
    assert not Path(kinds.TRAJECTORY.path("mine", "replace", 0)).exists()


def test_the_command_has_no_placeholders() -> None:
    with pytest.raises(HeirloomError, match=r"command has the placeholder \{train\}; allowed are none"):
        declared(lineage={"command": ["python", "loop.py", "{train}"]})


def test_a_program_that_fails_when_its_input_has_ended_fails_the_lineage() -> None:
    Path("loop.py").write_text(Path("loop.py").read_text() + "sys.exit(4)\n")
    with pytest.raises(
        HeirloomError,
        match=r"^command python loop.py: ended with status 4; what it printed stands above, or in the job's log$",
    ):
        run(declared(**LOOPING))
