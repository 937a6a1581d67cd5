"""The examples: what stands in ``examples/`` runs at a small size, and what guards a trainer sees what it guards against."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pandas as pd
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from helpers import ROOT, run_in

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
