"""The step `sample` where a server writes: ancestry, manifest, and the same bytes again, by shards, and after a server that went down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import small_lineages
from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.artefacts.files import read_json
from heirloom.artefacts.paths import manifest
from heirloom.config import Config
from heirloom.data import tokenization
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import transformer
from heirloom.steps import sample
from stand_in import Body, completion, serving

PLACE = ("text", "replace", 0)
LIMITS = {"max_prompt_tokens": 24, "max_completion_tokens": 8}
INPUTS = {
    "checkpoint": kinds.CHECKPOINT.path(*PLACE, 0),
    "train": kinds.TRAIN.path(*PLACE, 0),
    "prompts": kinds.TRAIN.path(*PLACE, 0),
    "tokenizer": kinds.TOKENIZER.path("text"),
    "judge": "",
}
SYNTHETIC = kinds.SYNTHETIC.path(*PLACE, 1)


def declared(url: str) -> Config:
    shape = {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "intermediate_size": 32}
    schedule = {"epochs": 1, "learning_rate": 0.01, "batch_rows": 8}
    endpoint = {"engine": "a stand-in", "url": url, "retries": 0, "start_limit": 1.0, "probes": 64}
    training = {"architecture": shape, "origin": schedule, "generation": schedule}
    experiment = {
        "family": {"name": "transformer", "training": training, "sampling": {"endpoint": endpoint}},
        "source": {"name": "files", "paths": ["pairs.jsonl"], "text": {"vocab_size": 300, "rows": "pairs", "pairs": LIMITS}},
        "regimes": ["replace"],
        "generations": 1,
        "rows": 10,
        "chunk_rows": 4,
    }
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"text": experiment}})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with generation 0 of pairs."""
    monkeypatch.chdir(tmp_path)
    lines = [f'{{"prompt": "What is {number}?", "completion": "It is {number} of them."}}' for number in range(60)]
    Path("pairs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    small_lineages.make_origin(declared("http://127.0.0.1:1/v1"), "text")
    return tmp_path


def rows_of(url: str, file: str = SYNTHETIC, shard: tuple[int, int] | None = None) -> bytes:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    sample.run(slice_of("sample", declared(url), *PLACE, 1), INPUTS, {"synthetic": file}, shard)
    return b"" if shard else Path(file).read_bytes()


def test_rows_of_a_server_have_their_ancestry_and_a_manifest_and_repeat(project: Path) -> None:
    network = transformer.load(Path(INPUTS["checkpoint"]))
    tokenizer = tokenization.from_json(Path(INPUTS["tokenizer"]).read_text())
    requests: list[int] = []

    def respond(body: Body) -> tuple[int, Body]:
        requests.append(body["max_tokens"])
        return 200, completion(network, tokenizer, body)

    with serving(respond) as (url, _):
        written = rows_of(url)
        assert requests.count(1) == 64
        assert requests.count(8) == 2 * 8 + 10  # the probe's seeds, twice, and one request per row
        content: dict[str, Any] = read_json(manifest(SYNTHETIC))
        assert content["endpoint"]["engine"] == "a stand-in"
        assert content["endpoint"]["reproducible"] == "in bytes"
        assert content["slice"]["sampling"]["endpoint"]["url"] == url
        rows = Dataset.open(SYNTHETIC).table().to_pylist()
        original = {row["row"]: row for row in Dataset.open(INPUTS["prompts"]).table().to_pylist()}
        assert [row["row"] for row in rows] == list(range(10))
        assert all(row["prompt"] == original[row["parent"]]["prompt"] and row["born"] == 1 for row in rows)
        for shard in (1, 0):
            rows_of(url, "again/synthetic.parquet", (shard, 2))
        requests.clear()
        assert rows_of(url, "again/synthetic.parquet") == written
        assert requests.count(8) == 2 * 8  # shards have left all rows


def test_a_job_after_a_server_that_went_down_asks_for_what_is_missing(project: Path) -> None:
    network = transformer.load(Path(INPUTS["checkpoint"]))
    tokenizer = tokenization.from_json(Path(INPUTS["tokenizer"]).read_text())
    requests: list[int] = []
    last = [2 * 8 + 6]

    def respond(body: Body) -> tuple[int, Body]:
        requests.append(body["max_tokens"])
        if requests.count(8) > last[0]:
            return 500, {"error": "lost"}
        return 200, completion(network, tokenizer, body)

    with serving(respond) as (url, _):
        with pytest.raises(HeirloomError, match="the server is down or gives no answer, after 1 attempts"):
            rows_of(url)
        assert not Path(SYNTHETIC).exists()
        requests.clear()
        last[0] = 1000
        rows_of(url)
        assert requests.count(8) == 2 * 8 + 6  # four rows, a chunk, were kept
        assert Dataset.open(SYNTHETIC).num_rows == 10
