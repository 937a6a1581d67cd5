"""Datasets come in through the real ``datasets.load_dataset``, here from local folders of data files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heirloom import sources
from heirloom.errors import HeirloomError
from heirloom.specs.source import HubSource


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "stories"
    path.mkdir()
    for split, rows in (("train", ["a", None, "b"]), ("validation", ["c"]), ("test", ["d"])):
        pq.write_table(pa.table({"text": rows, "number": range(len(rows))}), path / f"{split}.parquet")
    return path


def source(dataset: object, **keys: object) -> HubSource:
    return HubSource.model_validate({"name": "hub", "dataset": str(dataset), **keys})


def test_the_splits_of_a_dataset_are_kept(folder: Path) -> None:
    found = list(sources.documents(source(folder)))
    assert [(one.title, one.text, one.split) for one in found] == [
        ("train:1", "a", "train"),
        ("train:3", "b", "train"),
        ("validation:1", "c", "valid"),
        ("test:1", "d", "test"),
    ]


def test_one_split_is_left_to_be_divided(folder: Path) -> None:
    found = list(sources.documents(source(folder, splits="train", max_documents=1)))
    assert [(one.text, one.split) for one in found] == [("a", None)]


def test_slices_of_a_split_serve_where_a_dataset_has_only_one(folder: Path) -> None:
    splits = {"train": "train[:1]", "valid": "train[2:]", "test": "test"}
    found = list(sources.documents(source(folder, splits=splits)))
    assert [(one.text, one.split) for one in found] == [("a", "train"), ("b", "valid"), ("d", "test")]


def test_rows_that_are_lines_are_joined_at_a_separator(tmp_path: Path) -> None:
    lines = ["", " = Fish = \n", " swims\n", " = Bird = \n", " flies\n"]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps({"line": line}) + "\n" for line in lines))
    spec = source(tmp_path, splits="train", text_column="line", document_separator="^ = [^=]+ = $")
    assert [(one.title, one.text) for one in sources.documents(spec)] == [
        ("Fish", " = Fish = \n swims"),
        ("Bird", " = Bird = \n flies"),
    ]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"text_column": "story"}, "split 'train' has no column 'story'; it has text, number"),
        ({"text_column": "number"}, "'number' holds Value('int64'), which is no text"),
        ({"splits": "dev"}, "split 'dev': "),
        ({"config": "small"}, "(small), split 'train': "),
    ],
)
def test_what_a_dataset_lacks_is_named(folder: Path, keys: dict[str, str], message: str) -> None:
    with pytest.raises(HeirloomError, match=re.escape(message)) as caught:
        list(sources.documents(source(folder, **keys)))
    assert str(caught.value).startswith("source.")
    assert "\n" not in str(caught.value)


def test_a_dataset_that_cannot_be_reached_is_one_clear_message() -> None:
    with pytest.raises(HeirloomError, match=r"^source.dataset: cannot load nobody/nothing, split 'train': .+$"):
        list(sources.documents(source("nobody/nothing")))


def test_a_folder_of_another_kind_is_one_clear_message(tmp_path: Path) -> None:
    datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(tmp_path)
    with pytest.raises(HeirloomError, match=r"^source.dataset: cannot load .+save_to_disk.+$"):
        list(sources.documents(source(tmp_path)))


@pytest.mark.parametrize("dataset", ["./none", "/none/here", "a/b/c", "~/none"])
def test_a_missing_folder_is_refused_before_any_job(dataset: str) -> None:
    with pytest.raises(HeirloomError, match=re.escape(f"source.dataset: no such folder: {dataset} (a hub id")):
        sources.preflight(source(dataset))


@pytest.mark.parametrize("dataset", ["imdb", "Salesforce/wikitext"])
def test_a_hub_id_is_not_looked_up_before_any_job(dataset: str) -> None:
    sources.preflight(source(dataset))
    assert sources.input_files(source(dataset)) == []


def test_input_files_of_a_folder_are_its_files(folder: Path) -> None:
    assert sources.input_files(source(folder)) == [folder / f"{name}.parquet" for name in ("test", "train", "validation")]
