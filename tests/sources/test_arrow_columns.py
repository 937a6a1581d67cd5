"""One text in ten Arrow types: files, hub and diff read it alike, and refuse what is no text in one line each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heirloom
from heirloom import sources
from heirloom.errors import HeirloomError
from heirloom.specs.source import FilesSource, HubSource

TEXTS = ["Ünï code", None, "", "two words", "Ünï code"]
STRINGS = pa.array(TEXTS, pa.string())
BYTES = pa.array([text if text is None else text.encode() for text in TEXTS], pa.binary())
COLUMNS = {
    "large_string": STRINGS.cast(pa.large_string()),
    "string_view": STRINGS.cast(pa.string_view()),
    "dictionary": STRINGS.dictionary_encode(),
    "dictionary of int8": STRINGS.dictionary_encode().cast(pa.dictionary(pa.int8(), pa.large_string())),
    "binary": BYTES,
    "large_binary": BYTES.cast(pa.large_binary()),
    "binary_view": BYTES.cast(pa.binary_view()),
}


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def write(folder: Path, column: pa.Array, **columns: Any) -> Path:
    folder.mkdir()
    pq.write_table(pa.table({"text": column, **columns}), folder / "train.parquet")
    return folder


def by_files(folder: Path) -> list[str]:
    spec = FilesSource.model_validate({"name": "files", "paths": [str(folder / "train.parquet")]})
    return [document.text for document in sources.documents(spec)]


def by_hub(folder: Path) -> list[str]:
    spec = HubSource.model_validate({"name": "hub", "dataset": str(folder), "splits": "train"})
    return [document.text for document in sources.documents(spec)]


@pytest.mark.parametrize("name", COLUMNS)
def test_text_of_any_arrow_type_is_read_alike_by_files_hub_and_diff(tmp_path: Path, name: str) -> None:
    plain, variant = write(tmp_path / "plain", STRINGS), write(tmp_path / "other", COLUMNS[name])
    assert by_files(variant) == by_files(plain) == [text for text in TEXTS if text]
    assert by_hub(variant) == by_hub(plain) == by_files(plain)
    line = f"same: the same 5 rows in the same order; column text: string against {pq.read_schema(variant / 'train.parquet').field(0).type}"
    assert str(heirloom.diff(plain / "train.parquet", variant / "train.parquet")) == f"{line}, values equal"


def test_rows_that_are_all_missing_are_text_that_is_missing(tmp_path: Path) -> None:
    nothing = write(tmp_path / "nothing", pa.nulls(2))
    for reader in (by_files, by_hub):
        with pytest.raises(HeirloomError, match=r"holds no text$"):
            reader(nothing)
    assert heirloom.diff(nothing / "train.parquet", write(tmp_path / "text", pa.array([None, None], pa.string())) / "train.parquet").same


@pytest.mark.parametrize("reader", [by_files, by_hub], ids=["files", "hub"])
def test_what_is_no_text_is_refused_in_one_line(tmp_path: Path, reader: Any) -> None:
    allowed_types = r"allowed is text \(string, large_string, string_view, binary that is UTF-8, or a dictionary of these\)$"
    for number, column in enumerate((pa.array([1]), pa.array([["a"]]), pa.array([1]).dictionary_encode())):
        folder = write(tmp_path / f"{number}", column)
        with pytest.raises(
            HeirloomError, match=rf"^source.text_column: {folder}.*: 'text' holds (int64|list<.*: string>); {allowed_types}"
        ):
            reader(folder)
    rotten = write(tmp_path / "rotten", pa.array([b"fine"] * 1500 + [b"b\xffd"]))
    with pytest.raises(HeirloomError, match=rf"^source.text_column: {rotten}.*: 'text': row 1501 holds bytes that are not UTF-8$"):
        reader(rotten)
