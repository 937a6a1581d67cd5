"""Datasets come in through the real ``datasets.load_dataset``, here from local folders of data files."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants

from heirloom import sources
from heirloom.artefacts.fingerprints import sha256_file
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
    documents = list(sources.documents(source(folder)))
    assert [(document.title, document.text, document.split) for document in documents] == [
        ("train:1", "a", "train"),
        ("train:3", "b", "train"),
        ("validation:1", "c", "valid"),
        ("test:1", "d", "test"),
    ]


def test_one_split_is_left_to_be_divided(folder: Path) -> None:
    documents = list(sources.documents(source(folder, splits="train", max_documents=1)))
    assert [(document.text, document.split) for document in documents] == [("a", None)]


def test_slices_of_a_split_serve_where_a_dataset_has_only_one(folder: Path) -> None:
    splits = {"train": "train[:1]", "valid": "train[2:]", "test": "test"}
    documents = list(sources.documents(source(folder, splits=splits)))
    assert [(document.text, document.split) for document in documents] == [("a", "train"), ("b", "valid"), ("d", "test")]


def test_rows_that_are_lines_are_joined_at_a_separator(tmp_path: Path) -> None:
    lines = ["", " = Fish = \n", " swims\n", " = Bird = \n", " flies\n"]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps({"line": line}) + "\n" for line in lines))
    spec = source(tmp_path, splits="train", text_column="line", document_separator="^ = [^=]+ = $")
    assert [(document.title, document.text) for document in sources.documents(spec)] == [
        ("Fish", " = Fish = \n swims"),
        ("Bird", " = Bird = \n flies"),
    ]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"text_column": "story"}, "train.parquet has no column 'story'; it has text, number"),
        ({"text_column": "number"}, "train.parquet: 'number' holds int64; allowed is text (string, large_string, "),
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
    assert sources.source_files(source(dataset)) == []


def test_source_files_of_a_folder_are_those_of_the_splits(folder: Path) -> None:
    assert [(file.role, file.place) for file in sources.source_files(source(folder))] == [
        ("test_source", folder / "test.parquet"),
        ("train_source", folder / "train.parquet"),
        ("valid_source", folder / "validation.parquet"),
    ]
    assert [(file.role, file.place) for file in sources.source_files(source(folder, splits="train[:2]"))] == [
        ("source", folder / "train.parquet")
    ]
    splits = {"train": "train[:90%]", "valid": "train[90%:]", "test": "test"}
    assert [(file.role, file.place.name) for file in sources.source_files(source(folder, splits=splits))] == [
        ("test_source", "test.parquet"),
        ("source", "train.parquet"),
    ]


def test_exchanged_rows_are_read_though_name_and_time_stamp_are_the_old_ones(folder: Path) -> None:
    train = folder / "train.parquet"
    status = train.stat()
    assert [document.text for document in sources.documents(source(folder, splits="train"))] == ["a", "b"]
    pq.write_table(pa.table({"text": ["x", None, "y"], "number": range(3)}), train)
    os.utime(train, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert [document.text for document in sources.documents(source(folder, splits="train"))] == ["x", "y"]


def test_hidden_files_and_folders_are_no_input(folder: Path) -> None:
    files = sources.source_files(source(folder))
    for place in (folder / ".git" / "objects" / "train.parquet", folder / ".train.parquet"):
        place.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"text": ["hidden"]}), place)
    assert sources.source_files(source(folder)) == files
    assert len(list(sources.documents(source(folder)))) == 4


def test_a_card_that_says_which_files_are_data_is_an_input_and_one_of_words_is_none(folder: Path) -> None:
    (folder / "README.md").write_text("# Stories\n")
    assert "README.md" not in [file.place.name for file in sources.source_files(source(folder))]
    pq.write_table(pa.table({"text": ["more"]}), folder / "more.parquet")
    data_files = "".join(f"  - split: {name}\n    path: {name}.parquet\n" for name in ("validation", "test", "more"))
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: default\n  data_files:\n{data_files}---\n# Stories\n")
    spec = source(folder, splits={"train": "more", "valid": "validation", "test": "test"})
    assert [file.place.name for file in sources.source_files(spec)] == [
        "more.parquet", "test.parquet", "validation.parquet", "README.md",
    ]  # fmt: skip
    assert [document.text for document in sources.documents(spec)] == ["more", "c", "d"]


@pytest.mark.parametrize("name", ["more.parquet", "deep/more.parquet"])
def test_files_that_a_split_word_in_one_name_would_hide_are_refused_before_any_job(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    pq.write_table(pa.table({"text": ["more"]}), folder / name)
    with pytest.raises(HeirloomError, match=rf"of 4 data files in .* datasets reads 3, such as test.parquet, and passes over {name}:"):
        sources.preflight(source(folder))


def test_a_folder_that_lacks_a_split_or_content_is_refused_before_any_job(folder: Path) -> None:
    with pytest.raises(HeirloomError, match=r"split 'dev': it has train, validation, test$"):
        sources.preflight(source(folder, splits="dev"))
    (folder / "more-train.parquet").symlink_to("../.git/annex/objects/x")
    with pytest.raises(HeirloomError, match=r"more-train.parquet: a link to content that is not here; .*git annex get"):
        sources.preflight(source(folder))
    (folder / "more-train.parquet").unlink()
    (folder / "more-train.parquet.dvc").touch()
    with pytest.raises(HeirloomError, match=r"not here: .*more-train.parquet; .*.dvc stands for it: dvc pull .*more-train.parquet$"):
        sources.preflight(source(folder))


def publish(cache: Path, commit: str, **splits: list[str | None]) -> None:
    """Lay out a commit as huggingface_hub does: blobs, a snapshot of links to them, and the branch that points to it."""
    repository = cache / "datasets--me--stories"
    snapshot = repository / "snapshots" / commit
    for folder in (repository / "refs", repository / "blobs", snapshot):
        folder.mkdir(parents=True, exist_ok=True)
    for split, rows in splits.items():
        pq.write_table(pa.table({"text": rows}), repository / "blobs" / f"{commit[:4]}{split}")
        (snapshot / f"{split}.parquet").symlink_to(f"../../blobs/{commit[:4]}{split}")
    (repository / "refs" / "main").write_text(commit)


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    publish(tmp_path / "hub", OLD, train=["a", None], validation=["b"], test=["c"])
    return tmp_path / "hub"


OLD, NEW = "0123456789abcdef" * 2 + "01234567", "f" * 40


def test_a_hub_id_is_read_at_one_commit_whose_files_are_named_and_verify_learns_when_it_moves(hub_cache: Path) -> None:
    spec = source("me/stories")
    assert sources.source_files(spec) == []
    fetched, files = sources.fetch(spec)
    assert [(file.role, file.path) for file in files] == [
        ("test_source", f"me/stories@{OLD}/test.parquet"),
        ("train_source", f"me/stories@{OLD}/train.parquet"),
        ("valid_source", f"me/stories@{OLD}/validation.parquet"),
    ]
    inputs = [{"role": file.role, "path": file.path, "sha256": sha256_file(file.place)} for file in files]
    manifest = {"schema_version": 2, "slice": {"source": spec.model_dump(mode="json")}, "inputs": inputs}
    assert sources.moved_revisions(manifest) == []
    publish(hub_cache, NEW, train=["x"], validation=["y"], test=["z"])
    assert [document.text for document in sources.documents(fetched)] == ["a", "b", "c"]  # the job reads on from its commit
    assert [document.text for document in sources.documents(spec)] == ["x", "y", "z"]
    assert sources.moved_revisions(manifest) == [(f"me/stories@{OLD}", f"main is at {NEW} now")]
    pinned = {**manifest, "slice": {"source": source("me/stories", revision=OLD).model_dump(mode="json")}}
    assert sources.moved_revisions(pinned) == []
    shutil.rmtree(hub_cache)
    assert sources.moved_revisions(manifest) == [(f"me/stories@{OLD}", "the hub gives no answer, and its cache does not know")]


def test_a_cheap_look_refuses_a_column_that_the_first_line_lacks(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"line": "a", "number": 1}\n')
    sources.module("hub").preflight(source(tmp_path, splits="train", text_column="line"))
    with pytest.raises(HeirloomError, match=r"source\.text_column: .+train\.jsonl:1 has no 'text'; it has line, number$"):
        sources.module("hub").preflight(source(tmp_path, splits="train"))
