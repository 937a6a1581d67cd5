"""What a column of a source says of the group of each document, and what is refused with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heirloom import sources
from heirloom.errors import HeirloomError
from heirloom.sources import group_values
from heirloom.specs.source import FilesSource, HubSource

ROWS = [{"text": f"It is {n}.", "prompt": f"{n}?", "completion": f"{n}.", "topic": topic} for n, topic in enumerate(["sea", "air", "sea"])]
PAIRS = {"rows": "pairs"}


def written(folder: Path, rows: list[Any], name: str = "a.jsonl") -> FilesSource:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return source(path)


def source(path: Path, **more: Any) -> FilesSource:
    return FilesSource.model_validate({"name": "files", "paths": [str(path)], "group_column": "topic", **more})


def groups(spec: Any) -> list[str | None]:
    return [document.group for document in sources.documents(spec)]


@pytest.mark.parametrize("text", [{}, PAIRS])
def test_a_document_has_the_value_of_its_row_in_every_kind_of_file(tmp_path: Path, text: dict[str, Any]) -> None:
    (tmp_path / "a.json").write_text(json.dumps(ROWS))
    table = pa.Table.from_pylist(ROWS)
    pq.write_table(table.set_column(3, "topic", table["topic"].dictionary_encode()), tmp_path / "a.parquet")
    written(tmp_path, ROWS)
    for name in ("a.jsonl", "a.json", "a.parquet"):
        spec = source(tmp_path / name, text=text)
        group_values.check_header(tmp_path / name, "topic")
        assert groups(spec) == ["sea", "air", "sea"]
    assert groups(spec.model_copy(update={"group_column": None})) == [None, None, None]


@pytest.mark.parametrize("text", [{}, PAIRS])
def test_a_folder_of_the_hubs_layout_has_groups(tmp_path: Path, text: dict[str, Any]) -> None:
    (tmp_path / "train.csv").write_text("text,prompt,completion,topic\nIt is.,a?,b,1\nWas.,b?,c,12\nWill.,c?,d,1\n")
    settings = {"name": "hub", "dataset": str(tmp_path), "splits": "train", "group_column": "topic", "text": text}
    assert groups(HubSource.model_validate(settings)) == ["1", "12", "1"]
    with pytest.raises(
        HeirloomError, match=r"groups.column: .*, split 'train' has no column 'theme'; it has text, prompt, completion, topic"
    ):
        groups(HubSource.model_validate({**settings, "group_column": "theme"}))


def test_whole_numbers_and_booleans_are_names(tmp_path: Path) -> None:
    assert groups(written(tmp_path, [{"text": "a", "topic": number} for number in (3, 10, 3)])) == ["3", "10", "3"]
    assert groups(written(tmp_path, [{"text": "a", "topic": truth} for truth in (True, False)])) == ["true", "false"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, r"a.jsonl:2: 'topic' holds no value; allowed are text, booleans or whole numbers"),
        (0.5, r"a.jsonl:2: 'topic' holds 0.5; allowed are"),
        (["sea"], r"a.jsonl:2: 'topic' holds \['sea'\]; allowed are"),
        (7, r"a.jsonl:2: 'topic' holds a whole number, and the rows before text; allowed are"),
        (True, r"a.jsonl:2: 'topic' holds a boolean, and the rows before text; allowed are"),
        ("a/b", r"a.jsonl:2: 'topic' holds 'a/b'; the name of a group has 1 to 100 printable characters, without slashes"),
        ("a\tb", r"a.jsonl:2: 'topic' holds 'a\\tb'; the name of a group has"),
        ("\u202eab", r"a.jsonl:2: 'topic' holds '\\u202eab'; the name of a group has"),
        ("", r"a.jsonl:2: 'topic' holds ''; the name of a group has"),
        ("x" * 101, r"a.jsonl:2: 'topic' holds 'x+…?.*; the name of a group has"),
    ],
)
def test_a_value_that_names_no_group_is_refused_with_its_line(tmp_path: Path, value: Any, message: str) -> None:
    spec = written(tmp_path, [{"text": "a", "topic": "sea"}, {"text": "b", "topic": value}])
    group_values.check_header(tmp_path / "a.jsonl", "topic")  # which looks at the first row alone
    with pytest.raises(HeirloomError, match=rf"^groups.column: .*{message}"):
        sources.check_rows(spec)
    written(tmp_path, [{"text": "b", "topic": value}])
    if value not in (7, True):
        with pytest.raises(HeirloomError, match=r"^groups.column: .*a.jsonl:1: "):
            group_values.check_header(tmp_path / "a.jsonl", "topic")


def test_more_than_a_hundred_values_are_refused(tmp_path: Path) -> None:
    rows = [{"text": "a", "topic": f"t{number}"} for number in range(group_values.MOST_GROUPS)]
    assert len(set(groups(written(tmp_path, [*rows, *rows])))) == 100
    with pytest.raises(HeirloomError, match=r"a.jsonl:101: 'topic' holds 'another', the 101st value; allowed are .* at most 100 different"):
        groups(written(tmp_path, [*rows, {"text": "a", "topic": "another"}]))


def test_a_file_whose_header_tells_that_it_has_no_groups_is_refused_before_any_job(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("It is.")
    pq.write_table(pa.table({"text": ["a"], "topic": [0.5]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "b.parquet")
    for name, message in (
        ("a.txt", r"a.txt has no columns; groups by column are read from .parquet, .jsonl, .json$"),
        ("a.parquet", r"a.parquet: 'topic' holds double; allowed are text, booleans or whole numbers"),
        ("b.parquet", r"b.parquet has no column 'topic'; it has text$"),
    ):
        with pytest.raises(HeirloomError, match=message):
            group_values.check_header(tmp_path / name, "topic")
    with pytest.raises(HeirloomError, match=r"groups.column: .*a.jsonl:1 has no column 'topic'; it has text$"):
        sources.preflight(written(tmp_path, [{"text": "a"}]))
