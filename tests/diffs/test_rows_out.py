"""The rows behind the counts as Parquet, and conditions that decide the exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heirloom
from command_runs import invoked
from heirloom.diffs.condition import holds, parse
from heirloom.errors import HeirloomError

Write = Callable[..., Path]

BASE = [f"row {word} stands here and says nothing else" for word in ("alpha", "beta", "gamma", "delta")]


def run(*arguments: object) -> tuple[int, str]:
    return invoked("diff", *arguments)


def test_rows_come_out_as_parquet_that_pandas_and_datasets_open(write: Write, tmp_path: Path) -> None:
    from datasets import load_dataset

    edited = BASE[1].replace("nothing else", "something else")
    a = write("a", text=[*BASE, "gone for ever"], label=[0, 1, 2, 3, 4], parent=[0, 1, 2, 3, 4])
    b = write("b", text=["a newcomer", BASE[3], edited, BASE[0], BASE[2]], label=[7, 9, 1, 0, 2])
    assert run(a, b, "--rows", tmp_path / "rows")[0] == 1
    frames = {name: pd.read_parquet(tmp_path / f"rows/{name}.parquet") for name in ("removed", "added", "changed", "near")}
    assert frames["removed"].to_dict("records") == [{"row_a": 4, "text": "gone for ever", "label": 4, "parent": 4}]
    assert frames["added"].to_dict("records") == [{"row_b": 0, "text": "a newcomer", "label": 7}]
    changed = frames["changed"]
    assert changed[["row_a", "row_b", "change"]].to_numpy().tolist() == [[1, 2, "edited"], [3, 1, "other cells"]]
    assert [list(cells) for cells in changed["cells"]] == [["text"], ["label"]]
    assert (changed["before"][0]["text"], changed["after"][0]["text"], changed["after"][1]["label"]) == (BASE[1], edited, 9)
    (span,) = changed["spans"][0]
    assert edited[span["after_start"] : span["after_end"]] == " something"
    assert BASE[1][span["before_start"] : span["before_end"]] == " nothing"
    assert len(frames["near"]) == 0
    read = load_dataset("parquet", data_files=str(tmp_path / "rows/changed.parquet"), cache_dir=str(tmp_path / "cache"), split="train")
    assert read[0]["after"]["text"] == edited


def test_near_duplicates_stand_side_by_side_with_their_similarity(write: Write) -> None:
    words = [chr(97 + n // 26) + chr(97 + n % 26) for n in range(300)]
    long = " ".join(words)
    short = " ".join([*words[100:], *words[:100]])
    found = heirloom.diff(write("a", text=[long, "x y z"]), write("b", text=[short, "p q r"]))
    near = found.to_pandas("near")
    assert found.rows is not None
    assert (found.rows.near_removed, len(near)) == (1, 1)
    assert near["after"][0]["text"] == short
    assert 0.8 <= near["similarity"][0] <= 1


def test_a_renamed_text_column_and_left_out_columns_come_out_under_their_own_names(write: Write, tmp_path: Path) -> None:
    a, b = write("a", body=["p q r s"], seen=[1]), write("b", body=["p q r t"], seen=[2])
    heirloom.diff(a, b, text_column="body", ignore="seen").write_rows(tmp_path / "rows")
    table = pq.read_table(tmp_path / "rows/changed.parquet")
    assert table["before"].type == pa.struct([("body", pa.string()), ("seen", pa.int64())])
    assert table["cells"].to_pylist() == [["body"]]


def test_rows_of_splits_lie_in_a_folder_for_each(write: Write, tmp_path: Path) -> None:
    for side, rows in (("one", ["p", "q"]), ("two", ["p"])):
        folder = tmp_path / side
        folder.mkdir()
        pq.write_table(pa.table({"text": rows}), folder / "train.parquet")
        pq.write_table(pa.table({"text": ["v"]}), folder / ("test.parquet" if side == "one" else "validation.parquet"))
    assert run(tmp_path / "one", tmp_path / "two", "--rows", tmp_path / "rows")[0] == 1
    removed = {name: pd.read_parquet(tmp_path / f"rows/{name}/removed.parquet")["text"].tolist() for name in ("train", "test")}
    assert removed == {"train": ["q"], "test": ["v"]}
    assert pd.read_parquet(tmp_path / "rows/validation/added.parquet")["text"].tolist() == ["v"]


def test_a_table_that_is_not_there_is_named(write: Write) -> None:
    found = heirloom.diff(write("a", text=["x"]), write("b", text=["y"]))
    with pytest.raises(HeirloomError, match="'gone' is no table of a diff; there are removed, added, changed, near"):
        found.to_pandas("gone")
    with pytest.raises(HeirloomError, match="'train' is no split of this diff; it has none"):
        found.to_pandas("removed", split="train")


CONDITIONS = [
    ("removed>0", True),
    ("removed>1", False),
    ("removed>1 or added=1", True),
    ("removed>1 or added=1 and kept<3", False),
    ("verdict=different and columns=0", True),
    ("verdict=shifted or verdict=seems-shifted", False),
    ("verdict!=same", True),
    ("rows_a>=4 and  rows_b<=4", True),
    ("words_lost>0", True),
]


@pytest.mark.parametrize(("text", "expected"), CONDITIONS, ids=[text for text, _ in CONDITIONS])
def test_a_condition_is_decided_by_the_counts_and_the_verdict(write: Write, text: str, expected: bool) -> None:
    a, b = write("a", text=[*BASE[:3], "gone"]), write("b", text=[*BASE[:3], "new"])
    found = heirloom.diff(a, b)
    assert holds(parse(text), found) is expected


def test_with_a_condition_the_exit_code_is_1_only_if_it_holds(write: Write) -> None:
    a, b = write("a", text=BASE), write("b", text=BASE[:3])
    assert [run(a, b, "--fail-if", text)[0] for text in ("removed>0", "removed>1", "added>0")] == [1, 0, 0]
    assert run(a, a, "--fail-if", "js>0 or p<1 or words_lost>0")[0] == 0
    assert run(a, a, "--fail-if", "kept=4")[0] == 1


BAD = [
    ("removed", "cannot read 'removed'; written is: removed>0 or js>0.05 and verdict=shifted"),
    ("gone>0", "there is no gone; there are rows_a, rows_b, kept,"),
    ("removed>many", "removed is compared with a number, and 'many' is none"),
    ("verdict>shifted", "verdict is = or != one of same, different, same-distribution, shifted, seems-shifted"),
    ("verdict=bad", "verdict is = or != one of"),
    ("removed>0 or", "cannot read 'removed>0 or'"),
    ("__import__('os')>0", "cannot read"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[text for text, _ in BAD])
def test_a_condition_that_cannot_be_read_is_refused_before_anything_else(write: Write, text: str, message: str) -> None:
    code, printed = run(write("a", text=["x"]), write("b", text=["y"]), "--fail-if", text)
    assert (code, message in printed) == (2, True)


def test_a_number_that_the_comparison_lacks_is_trouble(write: Write) -> None:
    a, b = write("a", n=[1, 2]), write("b", n=[1, 3])
    assert run(a, b, "--fail-if", "js>0.1") == (2, "--fail-if: js is not known here, because the datasets hold table and no text")
