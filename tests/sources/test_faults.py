"""Bad data is one line: the file, its line or row, and what is wrong there, by whatever road it is read."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heirloom import sources
from heirloom.diffs.engine import diff
from heirloom.errors import HeirloomError
from heirloom.specs.source import FilesSource, HubSource

GOOD = [json.dumps({"text": f"the river and the castle {number}"}) for number in range(5)]
CUT = gzip.compress("\n".join(GOOD).encode(), mtime=0)[:-20]

SHARED = {
    "surrogate": (r'{"text": "half \ud83d"}', "source.text_column: {}:6: 'text' holds half a character (a lone surrogate)"),
    "integer": (f'{{"text": "a", "n": {"7" * 5000}}}', "{}:6: not JSON that can be read (a number of more than 4,300 digits)"),
    "deep": (f'{{"text": "a", "n": {"[" * 1000}{"]" * 1000}}}', "{}:6: JSON nested more than 500 deep; write it flatter"),
    "deeper": (f'{{"text": "a", "n": {"[" * 99999}{"]" * 99999}}}', "{}:6: JSON nested more than 500 deep; write it flatter"),
    "cut": ('{"text": "abc', "{}:6: not JSON (Invalid control character at column 14)"),
    "two": ('{"text": "a"}{"text": "b"}', "{}:6: not JSON (Extra data at column 14)"),
    "twice": ('{"text": "a", "text": "b"}', "{}:6: the key 'text' stands twice in one object; keep one of the two"),
    "list": ('["a"]', "source.text_column: {}:6 has no 'text'; it has a list"),
    "other": ('{"body": "a"}', "source.text_column: {}:6 has no 'text'; it has body"),
    "number": ('{"text": 5}', "source.text_column: {}:6: 'text' holds 5, which is no text"),
    "nan": ('{"text": NaN}', "source.text_column: {}:6: 'text' holds nan, which is no text"),
    "nul": ('{"text": "a\0"}', "{}:6: not JSON (Invalid control character at column 12)"),
}


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    Path("hub").mkdir()


def by_files(path: Path, **keys: Any) -> FilesSource:
    return FilesSource.model_validate({"name": "files", "paths": [str(path)], **keys})


def by_hub() -> HubSource:
    return HubSource.model_validate({"name": "hub", "dataset": "hub", "splits": "train"})


def read(spec: FilesSource | HubSource) -> tuple[list[str], Counter[str]]:
    counts: Counter[str] = Counter()
    return [document.text for document in sources.documents(spec, counts)], counts


def refusal(spec: FilesSource | HubSource) -> str:
    with pytest.raises(HeirloomError) as caught:
        read(spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def damaged(path: Path) -> Path:
    """Write a Parquet file of two row groups and spoil the page of the second."""
    pq.write_table(pa.table({"text": [f"row {number}" for number in range(20)]}), path, row_group_size=10)
    start = pq.read_metadata(path).row_group(1).column(0).data_page_offset
    content = bytearray(path.read_bytes())
    content[start + 4 : start + 30] = bytes(26)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("fault", SHARED)
def test_a_bad_line_of_json_is_named_by_files_and_by_hub_alike(fault: str) -> None:
    line, message = SHARED[fault]
    path = Path("hub/train.jsonl")
    path.write_text("\n".join([*GOOD, line, *GOOD]) + "\n")
    assert refusal(by_files(path)) == message.format(path)
    assert refusal(by_hub()) == message.format(path)


def test_a_bad_line_of_a_json_list_is_named() -> None:
    path = Path("hub/train.json")
    path.write_text("[\n" + ",\n".join([*GOOD, '{"text": bad}']) + "\n]")
    assert refusal(by_files(path)) == refusal(by_hub()) == "hub/train.json:7: not JSON (Expecting value at column 10)"
    path.write_text("[\n" + ",\n".join([*GOOD, r'{"text": "\ud83d"}']) + "\n]")
    message = "source.text_column: hub/train.json, row 6: 'text' holds half a character (a lone surrogate)"
    assert refusal(by_files(path)) == refusal(by_hub()) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (r'{"text": "a", "other": "\ud83d"}', "hub/train.jsonl:6: half a character (a lone surrogate) in a key or value"),
        ('{"text": "a", "n": 1, "n": 2}', "hub/train.jsonl:6: the key 'n' stands twice in one object; keep one of the two"),
    ],
)
def test_what_stops_datasets_alone_is_named_from_its_file(line: str, message: str) -> None:
    path = Path("hub/train.jsonl")
    path.write_text("\n".join([*GOOD, line]) + "\n")
    assert len(read(by_files(path))[0]) == 6
    assert refusal(by_hub()) == message


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.jsonl", "\n".join([GOOD[0], '{"text": "é"}']).encode("latin-1"), ":2: not UTF-8 text (the byte 0xe9 at column 11: "),
        ("train.jsonl", "\n".join(GOOD).encode("utf-16"), ": not UTF-8 text but UTF-16; convert it (iconv -f UTF-16 -t UTF-8)"),
        ("train.txt", b"one\ncaf\xe9 noir\n", ":2: not UTF-8 text (the byte 0xe9 at column 4: "),
        ("train.txt", b"one\ntwo\0\n", ":2: a NUL, which no text has; if the file is UTF-16, convert it"),
    ],
)
def test_text_in_another_encoding_is_named_by_its_line(name: str, content: bytes, message: str) -> None:
    path = Path("hub", name)
    path.write_bytes(content)
    assert refusal(by_files(path)).startswith(f"{path}{message}")
    assert refusal(by_files(path, document_separator="^x")).startswith(f"{path}{message}")
    assert refusal(by_hub()).startswith(f"{path}{message}")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.csv", b"text,label\na,1\nb,2,3,4\n", "hub/train.csv:3: 4 fields, and 2 in the lines above"),
        ("train.csv", b'text,label\na,1\n"b,2\n', "hub/train.csv:3: a quotation mark that is never closed"),
        ("train.csv", b"text,label\na\0,1\n", "hub/train.csv:2: a NUL, which no text has; "),
        ("train.csv", "text\né\n".encode("latin-1"), "hub/train.csv:2: not UTF-8 text (the byte 0xe9 at column 1: "),
        ("train.csv", b"", "source.dataset: hub/train.csv is empty"),
        ("train.jsonl.gz", CUT, "hub/train.jsonl.gz: damaged (Compressed file ended before the end-of-stream marker was reached); "),
        ("train.jsonl.gz", GOOD[0].encode(), "hub/train.jsonl.gz: damaged (Not a gzipped file "),
        (
            "train.jsonl.gz",
            gzip.compress(b'{"text": "a"}\n{"text": 5}\n', mtime=0),
            "source.text_column: hub/train.jsonl.gz:2: 'text' holds 5",
        ),
        ("train.arrow", b"no arrow at all", "source.dataset: cannot load hub, split 'train': "),
    ],
)
def test_the_file_is_named_where_datasets_hides_it(name: str, content: bytes, message: str) -> None:
    Path("hub", name).write_bytes(content)
    assert refusal(by_hub()).startswith(message)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([1, 2]), "source.text_column: hub/train-b.parquet: 'text' holds int64; allowed is text (string, "),
        (
            pa.array([["a"], ["b"]]),
            "source.text_column: hub/train-b.parquet: 'text' holds list<element: string>; allowed is text",
        ),
        (pa.array([], pa.string()), ": hub/train-b.parquet has no rows"),
    ],
)
def test_one_parquet_file_among_several_that_holds_no_text_is_refused_before_any_job(column: pa.Array, message: str) -> None:
    pq.write_table(pa.table({"text": ["a", "b"]}), "hub/train-a.parquet")
    pq.write_table(pa.table({"text": column}), "hub/train-b.parquet")
    for spec in (by_files(Path("hub/*.parquet")), by_hub()):
        with pytest.raises(HeirloomError, match="train-b") as caught:
            sources.preflight(spec)
        assert message in str(caught.value)


def test_two_columns_of_the_name_of_the_text_are_refused_by_files_and_hub() -> None:
    text = pa.array(["a", "b"])
    pq.write_table(pa.table([text, text, text, text], names=["text", "n", "n", "text"]), "hub/train-b.parquet")
    for spec, key in ((by_files(Path("hub/*.parquet")), "source.paths"), (by_hub(), "source.dataset")):
        with pytest.raises(HeirloomError) as caught:
            sources.preflight(spec)
        assert str(caught.value).endswith(f"{key}: hub/train-b.parquet: 2 columns are named 'text'; rename all but one of them")
    pq.write_table(pa.table([text, text, text], names=["text", "n", "n"]), "hub/train-b.parquet")
    assert read(by_files(Path("hub/*.parquet")))[0] == ["a", "b"]  # others are of no concern
    with pytest.raises(HeirloomError, match=r"Multiple matches for FieldRef.Name"):  # of datasets
        read(by_hub())


def test_damaged_pages_are_named_by_row_group_by_files_hub_and_diff() -> None:
    path = damaged(Path("hub/train.parquet"))
    pq.write_table(pa.table({"text": ["a"]}), "other.parquet")
    with pytest.raises(HeirloomError) as caught:
        diff(str(path), "other.parquet")
    for message in (str(caught.value), refusal(by_files(path)), refusal(by_hub())):
        assert message.startswith(f"{path}: column 'text' is damaged in rows 11 to 20 (row group 1): ")
        assert "\n" not in message


def test_a_flipped_bit_that_still_decodes_is_found_by_the_pages_checksum() -> None:
    path, sound = Path("train.parquet"), Path("sound.parquet")
    table = pa.table({"text": ["the river", "the castle"] * 5})
    pq.write_table(table, sound, write_page_checksum=True, write_statistics=False, compression="none", use_dictionary=False)
    path.write_bytes(sound.read_bytes().replace(b"the river", b"the rover", 1))
    assert "rows 1 to 10 (row group 0)" in refusal(by_files(path))
    with pytest.raises(HeirloomError, match="rows 1 to 10"):
        diff(str(path), str(sound))


def test_a_row_that_is_no_utf8_is_named() -> None:
    path = Path("hub/train.parquet")
    offsets, data = pa.py_buffer(b"\0\0\0\0\1\0\0\0\4\0\0\0"), pa.py_buffer(b"aa\xe9b")
    pq.write_table(pa.table({"text": pa.Array.from_buffers(pa.string(), 2, [None, offsets, data])}), path)
    assert refusal(by_files(path)) == "source.text_column: hub/train.parquet: 'text': row 2 holds bytes that are not UTF-8"
    assert refusal(by_hub()) == "source.text_column: hub, split 'train': 'text': row 2 holds bytes that are not UTF-8"


def test_nulls_are_counted_alike_in_json_lines_and_parquet_by_files_and_by_hub() -> None:
    rows = [{"text": "a"}, {"text": None}, {"text": "b"}, {"text": None}]
    for name in ("train.jsonl", "train.parquet"):
        path = Path("hub", name)
        if path.suffix == ".parquet":
            Path("hub/train.jsonl").unlink()
            pq.write_table(pa.Table.from_pylist(rows), path)
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        for spec in (by_files(path), by_hub()):
            texts, counts = read(spec)
            assert (texts, counts["null"], counts["read"]) == (["a", "b"], 2, 2)


def test_what_is_unusual_but_sound_is_read() -> None:
    path = Path("hub/train.jsonl")
    rows = [{"text": "a\0b [[[[", "n": 1}, {"n": float("nan"), "text": "{" * 600}]
    path.write_text("\ufeff" + "\n\n".join(json.dumps(row) for row in rows))
    assert read(by_files(path))[0] == read(by_hub())[0] == ["a\0b [[[[", "{" * 600]
