"""Rows matched by a key, columns left out and renamed, numbers that may differ a little, and text that spells numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import heirloom
from command_runs import invoked
from heirloom.diffs.refusals import check_columns
from heirloom.diffs.result import DatasetDiff
from heirloom.diffs.spelling import is_lossless
from heirloom.errors import HeirloomError

Write = Callable[..., Path]

FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEYED = st.dictionaries(st.integers(0, 5), st.sampled_from([0.0, 1.0, None]), max_size=5)


def counts(found: DatasetDiff) -> tuple[int, int, int, int]:
    assert found.rows is not None
    return found.rows.kept, found.rows.edited, found.rows.removed, found.rows.added


def lines(found: DatasetDiff) -> list[str]:
    return [column.line for column in found.columns]


def test_rows_of_one_key_are_compared_cell_by_cell_wherever_they_stand(write: Write) -> None:
    a = write("a", id=[1, 2, 3, 4], city=["Bonn", "Rome", "Oslo", "Nice"], heat=[1.0, 2.0, 3.0, 4.0])
    b = write("b", heat=[9.0, 3.5, 1.0, 2.0], city=["Kyiv", "Oslo", "Bonn", "Roma"], id=[5, 3, 1, 2])
    found = heirloom.diff(a, b, on="id")
    assert counts(found) == (1, 2, 1, 1)
    assert lines(found) == ["city differs in 1 of 3 rows", "heat differs in 1 of 3 rows"]
    assert [column.examples for column in found.columns] == [("Rome → Roma",), ("3.0 → 3.5",)]
    assert found.rows is not None
    pieces = [piece.text for pair in found.rows.edited_examples for piece in pair.b if piece.changed]
    assert pieces == [" Roma,", " 3.5"]


def test_a_key_of_two_columns_and_a_text_that_differs_under_it(write: Write) -> None:
    a = write("a", user=[1, 1, 2], day=["mon", "tue", "mon"], text=["good day", "bad day", "no day"])
    b = write("b", user=[2, 1, 1], day=["mon", "tue", "mon"], text=["no day", "sad day", "good day"])
    found = heirloom.diff(a, b, on=["user", "day"])
    assert counts(found) == (2, 1, 0, 0)
    assert lines(found) == ["text differs in 1 of 3 rows"]
    assert found.rows is not None
    assert found.rows.edits is not None
    assert (found.rows.edits.measured, found.rows.edits.replaced) == (1, 1)


@FEW
@given(KEYED, KEYED)
def test_keys_decide_which_rows_are_kept_edited_removed_and_added(write: Write, a: dict[int, Any], b: dict[int, Any]) -> None:
    sides = []
    for name, rows in (("a", a), ("b", b)):
        columns = {"id": pa.array(list(rows), pa.int64()), "n": pa.array(list(rows.values()), pa.float64())}
        sides.append(write(name, **columns))
    shared = a.keys() & b.keys()
    kept = sum(a[key] == b[key] for key in shared)
    found = heirloom.diff(*sides, on="id")
    assert counts(found) == (kept, len(shared) - kept, len(a.keys() - shared), len(b.keys() - shared))


def test_rows_that_share_a_key_are_paired_in_order_equal_ones_first_and_it_is_said(write: Write) -> None:
    a, b = write("a", id=[1, 1, 1], n=[5, 6, 7]), write("b", id=[1, 1, 2], n=[7, 8, 5])
    found = heirloom.diff(a, b, on="id")
    assert counts(found) == (1, 1, 1, 1)
    assert found.columns[-1].examples == ("5 → 8",)
    assert found.rows is not None
    note = "--on id: 2 rows of A and 1 of B have the key of an earlier row; such rows are paired in order, equal ones first"
    assert note in found.rows.notes


NESTED = [
    ([1.0, None], [1.05, None], 0),
    ([1.0, 2.0], [1.05, None], 1),
    ([float("nan"), 1.0], [float("nan"), 1.2], 1),
    ([[1.0, 2.0], [3.0]], [[1.05, 2.0], [3.0, 4.0]], 1),
    ([{"p": [1.0], "q": "x"}, {"p": [1.0], "q": "x"}], [{"p": [1.05], "q": "x"}, {"p": [1.0], "q": "y"}], 1),
    ([100, 200], [100, 201], 1),
    (["1.0", "2"], ["1.05", "2"], 1),
]


@pytest.mark.parametrize(("before", "after", "differ"), NESTED, ids=range(len(NESTED)))
def test_numbers_within_the_tolerance_are_equal_also_in_lists_and_structs(write: Write, before: Any, after: Any, differ: int) -> None:
    found = heirloom.diff(write("a", id=[1, 2], n=before), write("b", id=[1, 2], n=after), on="id", tolerance=0.1)
    assert counts(found) == (2 - differ, differ, 0, 0)
    assert found.same == (differ == 0)
    assert not heirloom.diff(write("a", id=[1, 2], n=before), write("b", id=[1, 2], n=after), on="id").same


def test_a_tolerance_holds_for_columns_beside_a_text_and_is_refused_where_no_rows_are_paired(write: Write) -> None:
    a, b = write("a", text=["p", "q"], n=[1.0, 2.0]), write("b", text=["q", "p"], n=[2.0, 1.01])
    assert heirloom.diff(a, b).verdict.line.endswith("n differs in 1 of 2 rows")
    assert heirloom.diff(a, b, tolerance=0.1).same
    with pytest.raises(HeirloomError, match="--tolerance compares the cells of paired rows: say with --on which columns name a row"):
        heirloom.diff(write("c", n=[1.0]), write("d", n=[1.01]), tolerance=0.1)


def test_another_column_is_the_text_and_columns_are_left_out(write: Write) -> None:
    a = write("a", body=["the cat sat", "a dog"], seen=[1, 2])
    b = write("b", body=["a dog", "the cat sat"], seen=[3, 4])
    found = heirloom.diff(a, b, text_column="body", ignore="seen")
    assert (found.kind, found.same) == ("text", True)
    assert heirloom.diff(a, write("c", text=["a dog", "the cat sat"], seen=[2, 1]), text_column="body").same
    with pytest.raises(HeirloomError, match=r"--text-column prose: .*a.parquet has no such column; it has body, seen"):
        heirloom.diff(a, b, text_column="prose")
    with pytest.raises(HeirloomError, match="--ignore sen: no such column; there are body, seen"):
        heirloom.diff(a, b, ignore="sen")
    taken = write("d", text=["x", "y"], body=["p", "q"])
    with pytest.raises(HeirloomError, match="has a column text as well; leave it out with --ignore text"):
        heirloom.diff(taken, taken, text_column="body")
    with pytest.raises(HeirloomError, match=r"--ignore: no column of .* is left"):
        heirloom.diff(a, b, ignore="body,seen")


CASTS = [
    (["7", None], pa.int64(), True),
    (["007"], pa.int64(), False),
    (["0.10", "1.0", "1"], pa.float64(), True),
    (["0.1x"], pa.float64(), False),
    (["2020-01-31"], pa.date32(), True),
    (["true"], pa.bool_(), True),
    (["True"], pa.bool_(), True),
]


@pytest.mark.parametrize(("texts", "target", "expected"), CASTS, ids=range(len(CASTS)))
def test_a_text_is_cast_only_where_it_gives_the_same_text_back(texts: list[str | None], target: pa.DataType, expected: bool) -> None:
    assert is_lossless(pa.array(texts, pa.string()), target) is expected


def test_text_that_spells_the_other_sides_numbers_is_the_same_data_and_the_types_are_named(write: Write) -> None:
    a, b = write("a", id=[1, 2], n=["7", "8"]), write("b", id=[1, 2], n=[7, 8])
    found = heirloom.diff(a, b, on="id")
    assert found.same
    assert lines(found) == ["column n: string against int64, values equal"]
    found = heirloom.diff(a, write("c", id=[1, 2], n=[7, 9]), on="id")
    assert lines(found) == ["column n: string against int64, differs in 1 of 2 rows"]
    found = heirloom.diff(write("d", id=[1, 2], n=["7", "x"]), b, on="id")
    assert lines(found) == ["column n: string against int64, differs in 1 of 2 rows"]
    assert found.columns[0].examples == ("x → 8",)


def test_a_key_that_cannot_be_matched_is_refused_in_one_line(write: Write) -> None:
    a, b = write("a", id=["x1", "x2"], n=[1, 2]), write("b", id=[[1], [2]], n=[1, 2])
    with pytest.raises(HeirloomError, match=r"--on id: string in .*a.parquet and list<.*> in .*b.parquet; no value of one equals one of"):
        heirloom.diff(a, b, on="id")
    with pytest.raises(HeirloomError, match=r"--on key: .*a.parquet has no such column; it has id, n"):
        heirloom.diff(a, b, on="key")
    with pytest.raises(HeirloomError, match="--ignore: id is a key of --on, and a key is not left out"):
        heirloom.diff(a, b, on="id", ignore="id")
    with pytest.raises(HeirloomError, match="--tolerance -1: allowed is a number from 0"):
        heirloom.diff(a, b, on="id", tolerance=-1)


def test_empty_sides_have_no_rows_that_are_kept(write: Write) -> None:
    empty = write("a", id=pa.array([], pa.int64()), n=pa.array([], pa.float64()))
    assert counts(heirloom.diff(empty, write("b", n=[1.0, 2.0], id=[1, 2]), on="id")) == (0, 0, 0, 2)
    assert heirloom.diff(empty, write("c", n=pa.array([], pa.float64()), id=pa.array([], pa.int64())), on="id").same


def test_too_many_columns_are_refused() -> None:
    schema = pa.schema([(f"c{number}", pa.int8()) for number in range(10_001)])
    with pytest.raises(HeirloomError, match=r"wide.parquet: 10,001 columns; allowed are 10,000"):
        check_columns(Path("wide.parquet"), schema)


def test_columns_are_read_some_at_a_time_and_all_are_compared(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heirloom.diffs.pairing.MAX_HASHES", 4)
    columns = {f"c{number}": [number, number] for number in range(7)}
    a = write("a", id=[1, 2], **columns)
    b = write("b", id=[1, 2], **{name: [first, second + (name in ("c1", "c6"))] for name, (first, second) in columns.items()})
    assert lines(heirloom.diff(a, b, on="id")) == ["c1 differs in 1 of 2 rows", "c6 differs in 1 of 2 rows"]


def test_the_command_takes_keys_and_columns(write: Write) -> None:
    a = write("a", id=[1, 2], body=["the cat", "a dog"], n=[1.0, 2.0], seen=[1, 1])
    b = write("b", id=[2, 1], body=["a dog", "the cat"], n=[2.0, 1.001], seen=[2, 2])
    options = ("--on", "id", "--text-column", "body", "--ignore", "seen", "--tolerance", "0.01")
    assert invoked("diff", a, b, *options)[0] == 0
    assert invoked("diff", a, b, *options[:-2])[0] == 1
