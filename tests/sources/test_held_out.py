"""No held-out document is trained on, and what a source drops is counted: in the manifest of the real data, and in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.errors import HeirloomError
from heirloom.sources import counts
from heirloom.steps import real

PROSE = {name: f"The {name} stood by the river, and the {name} was old." for name in ("mill", "tree", "house", "boat", "stone", "bridge")}


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, *texts: str | None) -> str:
    """Write documents, one a line or row; a null where there is None."""
    if name.endswith(".parquet"):
        pq.write_table(pa.table({"text": pa.array(texts, pa.string())}), name)
    else:
        Path(name).write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return name


def make(source: dict[str, Any], **text: Any) -> dict[str, Any]:
    """Make real data; return the manifest of the training pool."""
    declared = {**source, "text": {"vocab_size": 257, "row_tokens": 4, **text}}
    experiment = {"family": {"name": "ngram"}, "source": declared, "regimes": ["replace"], "generations": 1, "rows": 20}
    config = configuration.parse({"regimes": {"replace": {}}, "experiments": {"e": experiment}})
    outputs = {split: getattr(kinds, f"REAL_{split.upper()}").path("e") for split in ("train", "valid", "test")}
    real.run_text(
        slice_of("real", config, "e"), {**outputs, "tokenizer": kinds.TOKENIZER.path("e"), "documents": kinds.DOCUMENTS.path("e")}
    )
    return read_json(paths.manifest(outputs["train"]))


def documents() -> list[tuple[str, str]]:
    return [(line["title"], line["split"]) for line in pq.read_table(kinds.DOCUMENTS.path("e")).to_pylist()]


def files(train: str, valid: str, test: str) -> dict[str, Any]:
    return {"name": "files", "paths": {"train": [train], "valid": [valid], "test": [test]}}


def test_documents_of_test_leave_train_and_valid_and_those_of_valid_leave_train() -> None:
    mill, tree, house, boat, stone, bridge = PROSE.values()
    train = write("train.jsonl", mill, tree, f"{house}\n", boat)
    manifest = make(files(train, write("valid.jsonl", house, stone, bridge), write("test.jsonl", tree, stone, tree)))
    assert documents() == [
        ("train.jsonl:1", "train"),
        ("train.jsonl:4", "train"),
        ("valid.jsonl:1", "valid"),
        ("valid.jsonl:3", "valid"),
        ("test.jsonl:1", "test"),
        ("test.jsonl:2", "test"),
        ("test.jsonl:3", "test"),
    ]
    assert manifest["counts"] == {
        "files": 3,
        "documents_read": 10,
        "dropped_null": 0,
        "dropped_without_text": 0,
        "train_dropped_equal_to_held_out": 2,
        "valid_dropped_equal_to_held_out": 1,
        "train_documents": 2,
        "valid_documents": 2,
        "test_documents": 3,
    }
    words = "10 read from 3 files; dropped: 2 of train equal to held-out ones, 1 of valid equal to test ones"
    assert counts.sentence(manifest) == words
    text = "".join(pq.read_table(kinds.REAL_TRAIN.path("e"))["text"].to_pylist())
    assert "mill" in text
    assert "tree" not in text


def test_documents_that_stand_three_times_are_in_one_split_however_they_are_drawn() -> None:
    path = write("a.jsonl", *(text for text in PROSE.values() for _ in range(3)))
    manifest = make({"name": "files", "paths": [path]})
    texts = {split: set(_texts(split)) for split in ("train", "valid", "test")}
    assert texts["train"].isdisjoint(texts["valid"] | texts["test"])
    assert texts["valid"].isdisjoint(texts["test"])
    num_kept = sum(manifest["counts"][f"{split}_documents"] for split in texts)
    dropped = sum(manifest["counts"][f"{split}_dropped_equal_to_held_out"] for split in ("train", "valid"))
    assert num_kept + dropped == 18
    assert dropped == 4  # one document in valid and one in test, with two copies each


def _texts(split: str) -> list[str]:
    """Return the first words of each document of a split, from its rows."""
    first = [line["first_row"] for line in pq.read_table(kinds.DOCUMENTS.path("e")).to_pylist() if line["split"] == split]
    rows = pq.read_table(getattr(kinds, f"REAL_{split.upper()}").path("e"))["text"].to_pylist()
    return ["".join(rows[row : row + 2]) for row in first]


def test_a_split_of_which_nothing_is_left_is_refused_in_one_line() -> None:
    mill, tree, house = list(PROSE.values())[:3]
    with pytest.raises(HeirloomError, match=r"^source: every document of train is held out as well, in test or valid"):
        make(files(write("train.jsonl", mill, tree), write("valid.jsonl", mill, house), write("test.jsonl", tree)))


def test_packed_lines_stay_because_they_are_running_text_and_are_counted() -> None:
    for name, lines in (("train", "a\n\nb = heading\nc\n"), ("valid", "b = heading\n\n"), ("test", "\nc\nd\n")):
        Path(f"{name}.txt").write_text(lines * 20)
    source = files("train.txt", "valid.txt", "test.txt") | {"lines": True}
    manifest = make(source, packing={"documents": 100, "lead": "none"})
    assert manifest["counts"] == {
        "files": 3,
        "documents_read": 180,
        "dropped_null": 0,
        "dropped_without_text": 0,
        "train_kept_equal_to_held_out": 60,
        "valid_kept_equal_to_held_out": 20,
        "train_documents": 80,
        "valid_documents": 40,
        "test_documents": 60,
    }
    assert "packed, so kept: 60 of train equal to held-out ones, 20 of valid equal to test ones" in counts.sentence(manifest)


@pytest.mark.parametrize("form", ["jsonl by files", "parquet by files", "parquet by hub"])
def test_nulls_and_empty_texts_are_dropped_and_counted_alike_by_every_source(form: str) -> None:
    mill, tree, house, boat, *_ = PROSE.values()
    Path("folder").mkdir()
    name = "folder/train.jsonl" if form.startswith("jsonl") else "folder/train.parquet"
    write(name, mill, None, tree, " \n", house, None, boat)
    source = {"name": "hub", "dataset": "folder", "splits": "train"} if form.endswith("hub") else {"name": "files", "paths": [name]}
    manifest = make(source)
    assert [manifest["counts"][key] for key in ("documents_read", "dropped_null", "dropped_without_text")] == [7, 2, 1]
    assert [title.rpartition(":")[2] for title, _ in documents()] == ["1", "3", "5", "7"]
    assert [(entry["role"], entry["path"]) for entry in manifest["inputs"]] == [("source", name)]
