"""Measures of the user's own, of any family: what they read, what they are called, and what is refused in one line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from by_hand import fields_of, slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.artefacts.files import read_json
from heirloom.config import Config
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table, vector_table
from heirloom.errors import HeirloomError
from heirloom.families import family, gaussian
from heirloom.families.base import Sets
from heirloom.runtime.streams import Stream
from heirloom.specs.programs import Program
from heirloom.steps import evaluate, mix, own_measures, real, train
from helpers import ROOT

HEAD = "import json, os, sys, pyarrow.parquet as pq; write = lambda numbers: json.dump(numbers, open(sys.argv[1], 'w'))\n"
MODEL = gaussian.Model(np.zeros((1, 1)), np.ones((1, 1, 1)))


def vectors(*values: float) -> Dataset:
    return Dataset.of(vector_table(np.array(values)[None, :, None]))


SETS = Sets(vectors(1.0, 2.0), vectors(1.0, 2.0), vectors(3.0, 4.0, 5.0), vectors(6.0))


def program(text: str, *arguments: str) -> Program:
    return Program(command=("python", "-c", HEAD + text, "{measures}", *arguments))


def measured(text: str, *arguments: str) -> dict[str, float]:
    return own_measures.measure({"mine": program(text, *arguments)}, family("gaussian"), MODEL, SETS, Stream((0,)))


def test_a_measure_reads_the_sets_and_the_model_that_it_asks_for() -> None:
    text = "write({f'set{i}': sum(x[0] for x in pq.read_table(p)['x'].to_pylist()) for i, p in enumerate(sys.argv[2:])})"
    assert measured(text, "{synthetic}", "{held_out}", "{original}") == {"mine.set0": 3.0, "mine.set1": 12.0, "mine.set2": 6.0}
    assert measured("write({'files': len(os.listdir(sys.argv[2]))})", "{checkpoint}") == {"mine.files": 1.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "measures.mine.command: {measures} was not written, though the command ended well"),
        ("write([1])", "measures.mine.command: {measures} is [1]; it must be an object of names and numbers"),
        ("write({'a': float('nan')})", "measures.mine.command: {measures} has a: nan; allowed are finite numbers"),
        ("write({'../a': 1})", "measures.mine.command: {measures} has the name '../a'; allowed are a-z, 0-9 and _"),
        ("open(sys.argv[2], 'w'); write({})", "measures.mine.command changed its input {synthetic}, which it may only read"),
    ],
)
def test_a_measure_that_goes_wrong_is_one_line(text: str, message: str) -> None:
    with pytest.raises(HeirloomError) as caught:
        measured(text, "{synthetic}")
    assert message in str(caught.value)


def declared(command: list[str], family: dict[str, Any] | None = None, **experiment: Any) -> Config:
    settings = {
        "family": family or {"name": "gaussian"},
        "source": {"name": "normal", "rows": 20, "test_rows": 4},
        "regimes": ["replace"],
        "generations": 1,
        "rows": 10,
        "measures": {"mine": {"command": command, "code": ["*.py"]}},
        **experiment,
    }
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"g": settings}})


def test_its_numbers_stand_beside_the_familys_and_its_code_in_the_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text("import json, sys; json.dump({'seven': 7}, open(sys.argv[1], 'w'))")
    config = declared(["python", "own.py", "{measures}"])
    origin = ("g", "origin", 0, 0)
    pool, held_out = kinds.REAL_TRAIN.path("g"), kinds.REAL_TEST.path("g")
    original, checkpoint, metrics = (kind.path(*origin) for kind in (kinds.TRAIN, kinds.CHECKPOINT, kinds.METRICS))
    real.run_vectors(slice_of("real", config, "g"), {"train": pool, "test": held_out})
    mix.run(slice_of("mix", config, *origin), {"pool": pool}, {"train": original})
    train.run(slice_of("train", config, *origin), {"train": original}, {"checkpoint": checkpoint})
    inputs = {"checkpoint": checkpoint, "train": original, "held_out": held_out, "original": original, "origin": checkpoint}
    evaluate.run(slice_of("evaluate", config, *origin), inputs, {"metrics": metrics})
    assert {"mine.seven", "covariance_trace"} <= read_json(metrics).keys()
    fields = fields_of("evaluate", config, *origin)
    assert [file["path"] for file in fields["measures"]["mine"]["files"]] == ["own.py"]
    Path("own.py").write_text("import sys")
    assert fields_of("evaluate", config, *origin) != fields
    with pytest.raises(HeirloomError, match=r"own.py: measures.mine.code is not as it was when this job was planned"):
        evaluate.run(evaluate.Slice.model_validate(fields), inputs, {"metrics": metrics})


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        ({"command": ["own", "{rows}", "{measures}"]}, r"measures.mine: command has the placeholder \{rows\}; allowed are \{measures\}"),
        ({"command": ["own"]}, r"measures.mine: command lacks the placeholder \{measures\}"),
        ({"command": ["own", "{measures}"], "num_replicas": 3}, r"measures by command read the rows of one replica, but num_replicas is 3"),
        (
            {"command": ["own", "{measures}"], "granularity": "chain", "family": {"name": "gaussian", "path": "statistics"}},
            r"measures read rows, of which family.path: statistics has none; use path: rows",
        ),
    ],
)
def test_a_measure_that_cannot_be_is_one_line(experiment: dict[str, Any], message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        declared(**experiment)


def test_the_measure_on_the_page_has_ten_lines_and_measures_texts(tmp_path: Path) -> None:
    page = (ROOT / "docs/plug-ins.md").read_text(encoding="utf-8").partition("## Measures")[2]
    text = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[0]
    assert len(text.strip().splitlines()) <= 11
    file = tmp_path / "own.py"
    file.write_text(text)
    rows = Dataset.of(text_table(np.zeros((2, 2), np.int32), ["{a}", "{"], first_row=0))
    own = Program(command=("python", str(file), "{synthetic}", "{measures}"))
    assert own_measures.measure({"gate": own}, family("gaussian"), MODEL, Sets(rows, rows, rows, rows), Stream(())) == {
        "gate.length": 2.0,
        "gate.balanced": 0.5,
    }
