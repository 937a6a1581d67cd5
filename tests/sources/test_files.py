"""Local text comes in as documents, and what is wrong with a file is said with its name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heirloom import sources
from heirloom.errors import HeirloomError
from heirloom.specs.source import FilesSource


def source(paths: object, **keys: object) -> FilesSource:
    return FilesSource.model_validate({"name": "files", "paths": paths, **keys})


def texts(spec: FilesSource) -> list[str]:
    return [document.text for document in sources.documents(spec)]


def write(path: Path, content: str) -> str:
    path.write_text(content, encoding="utf-8")
    return str(path)


def test_each_text_file_is_a_document_in_alphabetical_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.txt"):
        write(tmp_path / name, f"text of {name}\n")
    documents = list(sources.documents(source([str(tmp_path / "*.txt")])))
    assert [(document.title, document.text, document.split) for document in documents] == [
        ("a", "text of a.txt\n", None),
        ("b", "text of b.txt\n", None),
        ("c", "text of c.txt\n", None),
    ]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "once")
    assert texts(source([path, str(tmp_path / "*.txt")])) == ["once"]


def test_two_stars_cross_folders(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    write(tmp_path / "deep" / "er" / "a.txt", "found")
    assert texts(source([str(tmp_path / "**" / "*.txt")])) == ["found"]


def test_a_separator_divides_a_text_file_at_the_titles_of_wikitext(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", " \n = Fish = \n swims\n = = Fins = = \n two\n = Bird = \n flies\n")
    documents = list(sources.documents(source([path], document_separator="^ = [^=]+ = $")))
    assert [(document.title, document.text) for document in documents] == [
        ("Fish", " = Fish = \n swims\n = = Fins = = \n two"),
        ("Bird", " = Bird = \n flies"),
    ]


def test_json_lines_json_and_parquet_give_the_same_documents(tmp_path: Path) -> None:
    rows = [{"story": "Ünï"}, {"story": " "}, {"story": "two\nlines"}]
    lines = write(tmp_path / "a.jsonl", "\n\n".join(json.dumps(row) for row in rows))
    list_file = write(tmp_path / "a.json", json.dumps(rows))
    table = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows), table)
    for path in (lines, list_file, str(table)):
        assert texts(source([path], text_column="story")) == ["Ünï", "two\nlines"]


def test_files_that_come_split_keep_their_splits(tmp_path: Path) -> None:
    paths = {split: [write(tmp_path / f"{split}.txt", split)] for split in ("train", "valid", "test")}
    documents = list(sources.documents(source(paths)))
    assert [(document.text, document.split) for document in documents] == [(split, split) for split in ("train", "valid", "test")]


def test_max_documents_counts_within_each_split(tmp_path: Path) -> None:
    lines = write(tmp_path / "a.jsonl", '{"text": "a"}\n{"text": "b"}\n{"text": "c"}\n')
    assert texts(source({"train": [lines], "valid": [lines], "test": [lines]}, max_documents=2)) == ["a", "b"] * 3


def test_short_paragraphs_are_dropped_when_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "one two three\nTitle\n\nfour five six\n")
    assert texts(source([path], min_paragraph_words=3)) == ["one two three\nfour five six"]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfplain")
    assert texts(source([str(tmp_path / "a.txt")])) == ["plain"]


def test_source_files_are_named_as_a_manifest_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    train_file, valid_file, test_file = write(project / "a.txt", "x"), write(tmp_path / "b.txt", "y"), write(tmp_path / "c.txt", "z")
    files = sources.source_files(source({"train": [train_file], "valid": ["../b.txt"], "test": [test_file]}))
    assert [(file.role, file.path) for file in files] == [
        ("train_source", "a.txt"),
        ("valid_source", "../b.txt"),
        ("test_source", test_file),
    ]
    assert [(file.role, file.path) for file in sources.source_files(source([valid_file, "./a.txt"]))] == [
        ("source", valid_file),
        ("source", "a.txt"),
    ]


@pytest.mark.parametrize(
    ("paths", "keys", "message"),
    [
        (["none.txt"], {}, "source.paths: no such file: none.txt"),
        ({"train": ["a.txt"], "valid": ["none.txt"], "test": ["a.txt"]}, {}, "source.paths.valid: no such file: none.txt"),
        (["*.jsonl"], {}, "source.paths: no file matches *.jsonl"),
        (["folder"], {}, "source.paths: folder is a folder; name its files, as in folder/*.txt"),
        (["a.csv"], {}, "a.csv has the suffix '.csv'; allowed are .txt, .raw, .jsonl, .json, .parquet"),
        (["empty.txt"], {}, "source.paths: empty.txt is empty"),
        (["a.txt"], {}, "1 file(s) of one document each cannot be divided into train, valid and test"),
        (["t.parquet"], {}, "t.parquet has no column 'text'; it has story"),
        (["bad.parquet"], {}, "bad.parquet: no readable Parquet file"),
        (["none.parquet"], {"text_column": "story"}, "none.parquet has no rows"),
        (["lines.jsonl.txt"], {"document_separator": "^x"}, "1 document(s) with text cannot be divided"),
        (["bad[1].json"], {}, "bad[1].json:1: not JSON"),
        (["object.json"], {}, "object.json: a .json file must hold one list of objects"),
        (["list.json"], {}, "list.json, row 1 has no 'text'; it has a str"),
        (["other.json"], {}, "other.json, row 1 has no 'text'; it has story"),
        (["number.json"], {}, "number.json, row 1: 'text' holds 5, which is no text"),
        (["blank.json"], {}, "source: files holds no text"),
        (["latin.txt"], {"document_separator": "^x"}, "latin.txt:1: not UTF-8 text"),
    ],
)
def test_bad_files_are_refused_before_any_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: object, keys: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    contents = {
        "a.txt": "a", "a.csv": "a", "empty.txt": "", "bad.parquet": "PAR", "lines.jsonl.txt": "a\nb\n",
        "bad[1].json": "{", "object.json": '{"text": "a"}', "list.json": '["a"]', "other.json": '[{"story": "a"}]',
        "number.json": '[{"text": 5}]', "blank.json": '[{"text": " "}]',
    }  # fmt: skip
    for name, content in contents.items():
        write(Path(name), content)
    Path("latin.txt").write_bytes("é".encode("latin-1"))
    pq.write_table(pa.table({"story": ["a"]}), "t.parquet")
    pq.write_table(pa.table({"story": pa.array([], pa.string())}), "none.parquet")
    files_before = sorted(tmp_path.rglob("*"))
    with pytest.raises(HeirloomError, match=re.escape(message)) as caught:
        sources.preflight(source(paths, **keys))
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == files_before


def test_a_vocabulary_that_small_files_cannot_fill_is_refused_before_any_job(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        write(tmp_path / name, "low lower lowest")
    with pytest.raises(HeirloomError, match=r"source.text.vocab_size: 2048 given, .* fills only \d+; lower it to \d+ or"):
        sources.preflight(source([str(tmp_path / "*.txt")]))


def test_rows_longer_than_every_document_are_refused_before_any_job(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        write(tmp_path / name, "low lower lowest")
    with pytest.raises(HeirloomError, match=r"source.text.row_tokens: 64 given, but no document is that long"):
        sources.preflight(source([str(tmp_path / "*.txt")], text={"vocab_size": 257}))
    sources.preflight(source([str(tmp_path / "*.txt")], text={"vocab_size": 257, "row_tokens": 4}))


@pytest.mark.parametrize("name", ["own.jsonl", "own.json"])
def test_a_column_that_is_not_there_is_refused_by_a_cheap_look_at_the_first_row(tmp_path: Path, name: str) -> None:
    row = '{"story": "a", "title": "b"}'
    path = write(tmp_path / name, f"[{row}]" if name.endswith(".json") else f"{row}\n" * 3)
    sources.module("files").preflight(source([path], text_column="story"))
    with pytest.raises(HeirloomError, match=r"source\.text_column: .+ has no 'body'; it has story, title$"):
        sources.module("files").preflight(source([path], text_column="body"))
