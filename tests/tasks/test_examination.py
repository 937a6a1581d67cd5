"""lm-evaluation-harness on a checkpoint of the chain: facts learnt by heart, guesses at chance, and the same likelihoods as our own."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer

import small_tasks
from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.config import Config
from heirloom.data import tokenization
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.errors import HeirloomError
from heirloom.families import transformer
from heirloom.families.lm import scoring
from heirloom.runtime.streams import Stream
from heirloom.specs.language_model import Schedule
from heirloom.specs.transformer import Architecture, TransformerFit
from heirloom.steps import examine
from helpers import seal_alone

pytestmark = pytest.mark.slow

WIDTH, VOCABULARY = 12, 270
PLACE = ("lm", "", 0, 0)
CHECKPOINT, ITEMS, SCORES = (kind.path(*PLACE) for kind in (kinds.CHECKPOINT, kinds.TASK_ITEMS, kinds.TASK_SCORES))
TOKENIZER = kinds.TOKENIZER.path("lm")
EXPERIMENT = {
    "family": {"name": "transformer"},
    "source": {"name": "files", "paths": ["facts.txt"], "text": {"vocab_size": VOCABULARY, "row_tokens": WIDTH}},
    "regimes": ["replace"],
    "generations": 1,
    "rows": 20,
    "tasks": {"names": ["colours"], "folder": "tasks", "batch_rows": 8},
}


def declared() -> Config:
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": EXPERIMENT}})


def sentences() -> list[str]:
    return [question + small_tasks.CHOICES[answer] for question, answer in small_tasks.facts()]


def learn_by_heart(tokenizer: Tokenizer) -> None:
    """Write the checkpoint of a model that has read each fact 150 times."""
    tokens = np.zeros((small_tasks.FACTS, WIDTH), np.int32)  # the end token fills rows up
    for row, sentence in enumerate(sentences()):
        ids = tokenizer.encode(sentence).ids
        tokens[row, : len(ids)] = ids
    fit = TransformerFit(
        architecture=Architecture(hidden_size=32, num_layers=2, num_heads=2, intermediate_size=64),
        vocab_size=VOCABULARY,
        context_tokens=WIDTH,
        schedule=Schedule(epochs=150, learning_rate=0.01, batch_rows=20),
        start="scratch",
        weight_decay=0.0,
        warmup_share=0.05,
        clip_norm=1.0,
    )
    model = transformer.train(Dataset.of(text_table(tokens, sentences(), first_row=0, born=0)), fit, None, Stream((0, "by heart")))
    transformer.save(model, Path(CHECKPOINT))
    seal_alone(CHECKPOINT)


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder of a project whose generation 0 has been examined; skip without the harness, and fail where CI lacks it."""
    if find_spec("lm_eval") is None:
        assert os.environ.get("CI") != "true", "lm_eval: missing"
        pytest.skip("no lm-evaluation-harness: make env")
    folder = tmp_path_factory.mktemp("examined")
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("TQDM_DISABLE", "1")
        small_tasks.write()
        tokenizer = tokenization.fit(sentences(), VOCABULARY)
        Path(TOKENIZER).parent.mkdir(parents=True)
        Path(TOKENIZER).write_text(tokenizer.to_str(), encoding="utf-8")
        seal_alone(TOKENIZER)
        learn_by_heart(tokenizer)
        step = slice_of("examine", declared(), "lm", "origin", 0, 0)
        examine.run(step, {"checkpoint": CHECKPOINT, "tokenizer": TOKENIZER}, {"task_items": ITEMS, "task_scores": SCORES})
        yield folder


def test_what_was_learnt_by_heart_is_right_and_what_is_drawn_is_right_by_chance(examined: Path) -> None:
    scores = read_json(SCORES)
    assert scores.keys() == {"task.facts.acc", "task.guesses.acc"}
    assert scores["task.facts.acc"] == 1.0
    z = (scores["task.guesses.acc"] - 0.25) / math.sqrt(0.25 * 0.75 / small_tasks.GUESSES)
    assert abs(z) < 4
    assert 0 < scores["task.guesses.acc"] < 1


def test_every_item_is_kept_with_the_likelihoods_that_our_own_network_gives(examined: Path) -> None:
    items = pd.read_parquet(ITEMS)
    by_task = items.groupby("task")["value"]
    assert by_task.size().to_dict() == {"facts": small_tasks.FACTS, "guesses": small_tasks.GUESSES}
    assert by_task.mean().to_dict() == {name: read_json(SCORES)[f"task.{name}.acc"] for name in ("facts", "guesses")}
    assert not items["is_cut"].any()
    model, tokenizer = transformer.load(Path(CHECKPOINT)), tokenization.from_json(Path(TOKENIZER).read_text())
    question, _ = small_tasks.facts()[3]
    their_likelihoods = [answer[0] for answer in json.loads(items["responses"][3])]
    for choice, theirs in zip(small_tasks.CHOICES, their_likelihoods, strict=True):
        ids, prompt_ids = tokenizer.encode(question + choice).ids, tokenizer.encode(question).ids
        nats = scoring.position_losses(model, np.array([ids]))[0, len(prompt_ids) - 1 :].sum()
        assert theirs == pytest.approx(-nats, abs=1e-4)


def test_the_manifest_says_how_the_tasks_were_put_and_which_files_they_are(examined: Path) -> None:
    content = read_json(paths.manifest(ITEMS))
    record = content["examination"]
    assert (record["softmax_dtype"], record["dtype"], record["batch_rows"], record["max_length"]) == ("float32", "float32", 8, WIDTH)
    assert record["fewshot"] == {"facts": 0, "guesses": 0}
    roles = [(entry["role"], entry["path"]) for entry in content["inputs"]]
    task_files = [f"tasks/{name}" for name in ("facts.jsonl", "facts.yaml", "guesses.jsonl", "guesses.yaml")]
    assert roles == [("checkpoint", CHECKPOINT), ("tokenizer", TOKENIZER), *(("task_file", name) for name in task_files)]
    assert content["environment"]["libraries"]["lm-eval"] == content["slice"]["harness"]


def test_the_checkpoint_keeps_its_bytes(examined: Path) -> None:
    assert fingerprint(Path(CHECKPOINT)) == read_json(paths.fingerprint(CHECKPOINT))
    assert sorted(file.name for file in Path(CHECKPOINT).iterdir()) == ["config.json", "model.safetensors"]


def test_a_task_that_has_changed_since_the_plan_is_refused(examined: Path) -> None:
    step = slice_of("examine", declared(), "lm", "origin", 0, 0)
    file = Path("tasks/facts.jsonl")
    text = file.read_text()
    file.write_text(text.replace("red", "rad"))
    try:
        with pytest.raises(HeirloomError, match=r"tasks/facts\.jsonl: changed since the run was planned"):
            examine.run(step, {"checkpoint": CHECKPOINT, "tokenizer": TOKENIZER}, {"task_items": ITEMS, "task_scores": SCORES})
        assert slice_of("examine", declared(), "lm", "origin", 0, 0) != step
    finally:
        file.write_text(text)
