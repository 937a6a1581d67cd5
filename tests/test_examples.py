"""The examples: what stands in ``examples/`` runs at a small size, and what guards a trainer sees what it guards against."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from helpers import ROOT, run_in, seal_alone

EXAMPLES = ROOT / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["copula", "flow", "trl", "gate"])
def test_an_example_runs_at_a_small_size(workspace: Path, name: str) -> None:
    (workspace / "examples").symlink_to(EXAMPLES)
    if name == "gate":
        run_in(workspace, "python", "examples/gate/snippets.py")
    run_in(workspace, "snakemake", "--configfile", f"examples/{name}/small.yaml")
    metrics = pd.read_parquet(workspace / "results/small/metrics.parquet")
    assert set(metrics["regime"]) > {"origin", "replace"}


@pytest.mark.parametrize("folder", sorted(place.name for place in EXAMPLES.iterdir() if place.is_dir()))
def test_an_example_has_a_readme_and_at_most_200_lines_of_code(folder: str) -> None:
    place = EXAMPLES / folder
    assert (place / "README.md").is_file()
    assert sum(len(file.read_text().splitlines()) for file in place.glob("*.py")) <= 200


FOLLOW = EXAMPLES / "tracking/follow.py"


def land(generation: int) -> None:
    """Do what a job does at its end: write the measures of a generation, and then their fingerprint."""
    folder = Path(f"data/mine/replace/seed=0/gen={generation}")
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({"spread": float(generation), "column_distance.age": 0.5}))
    seal_alone(folder / "metrics.json")


def tracked() -> dict[str, list[str]]:
    """Return measure → the rows that dvclive has of it."""
    files = sorted(Path("dvclive/mine/replace/seed=0/plots/metrics").rglob("*.tsv"))
    return {file.stem: [line.split("\t")[0] for line in file.read_text().splitlines()[1:]] for file in files}


def test_a_run_is_followed_while_its_generations_land_and_a_second_follower_leaves_no_row_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dvclive")
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("experiments: {mine: {regimes: [replace]}}\n")
    Path("data/mine/replace/seed=0/gen=1").mkdir(parents=True)
    Path("data/mine/replace/seed=0/gen=1/metrics.json").write_text("{")  # a job is writing
    command = [sys.executable, str(FOLLOW), "--configfile", "mine.yaml", "--every", "0.1"]
    for generations in ((0, 1), (2, 3)):  # the second follower goes on after the first has been killed
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
            try:
                assert follower.stdout is not None
                for generation in generations:
                    shutil.rmtree(f"data/mine/replace/seed=0/gen={generation}", ignore_errors=True)
                    land(generation)
                    said = list(range(generation + 1))
                    while f"generations {', '.join(map(str, said))}" not in follower.stdout.readline():
                        assert follower.poll() is None
                    assert tracked() == {"spread": [*map(str, said)], "column_distance.age": [*map(str, said)]}
            finally:
                follower.kill()
    summary = json.loads(Path("dvclive/mine/replace/seed=0/metrics.json").read_text())
    assert summary["spread"] == 3.0


ROWS = [{"prompt": "a b", "completion": "c"}, {"prompt": "b", "completion": "a c"}]
PREPARED = [{"input_ids": [1, 2, 3, 0], "completion_mask": [0, 0, 1, 1]}, {"input_ids": [2, 1, 3, 0], "completion_mask": [0, 1, 1, 1]}]


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer of four words, of which the first is the end."""
    words = Tokenizer(models.WordLevel({"end": 0, "a": 1, "b": 2, "c": 3}, unk_token="end"))  # noqa: S106
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, eos_token="end")  # noqa: S106


def test_the_guard_of_a_trainer_passes_what_is_as_given(tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES / "trl"))
    monkeypatch.delitem(sys.modules, "guard", raising=False)
    guard = importlib.import_module("guard")
    wanted = guard.expected(ROWS, tokenizer)
    assert wanted == (2, 8, 2)
    guard.check(PREPARED, wanted, 0)
    cut = [PREPARED[0], {"input_ids": [2, 1, 3], "completion_mask": [0, 1, 1]}]
    unlearnt = [PREPARED[0], {"input_ids": [2, 1, 3, 0], "completion_mask": [0, 1, 1, 0]}]
    for faulty in (cut, unlearnt, PREPARED[:1]):
        with pytest.raises(SystemExit, match=r"^SFTTrainer learns from Counts"):
            guard.check(faulty, wanted, 0)
