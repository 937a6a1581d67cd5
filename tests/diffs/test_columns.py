"""Tables that others wrote: every column is data, whatever Arrow type holds it, and rows need no text to be compared."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import heirloom
from heirloom.artefacts.manifest import seal
from heirloom.diffs.render import terminal
from heirloom.diffs.render.page import page
from heirloom.diffs.result import DatasetDiff
from heirloom.diffs.values import hashes
from heirloom.errors import HeirloomError

Write = Callable[..., Path]

TEXTS = [f"text number {n}" for n in range(500)]
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CELLS = st.lists(st.tuples(st.sampled_from(["one", "two", None]), st.sampled_from([0, 1, None])), min_size=1, max_size=6)


def lines(found: DatasetDiff) -> list[str]:
    return [column.line for column in found.columns]


def test_a_label_that_differs_in_10_of_500_rows_is_a_difference(write: Write) -> None:
    labels = [n % 2 for n in range(500)]
    changed = [1 - label if n < 10 else label for n, label in enumerate(labels)]
    order = [*range(499, -1, -1)]
    a = write("a", text=TEXTS, label=labels)
    b = write("b", text=[TEXTS[n] for n in order], label=[changed[n] for n in order])
    found = heirloom.diff(a, b)
    assert found.verdict.line == "different: the content is equal in all 500 rows; label differs in 10 of 500 rows"
    assert (found.same, found.rows and found.rows.same, found.rows and found.rows.kept) == (False, False, 500)
    assert found.columns[0].examples == ("0 → 1", "1 → 0", "0 → 1", "1 → 0", "0 → 1")
    shown = terminal.text(page(found))
    assert "Column label differs in 10 of 500 rows." in shown
    frame = found.to_pandas().set_index(["section", "name"])
    assert frame.loc[("columns: rows that differ", "label"), "a"] == 10


def test_rows_in_another_order_with_their_labels_are_the_same(write: Write) -> None:
    a, b = write("a", text=["x", "y", "x"], label=[1, 2, 3]), write("b", text=["x", "x", "y"], label=[3, 1, 2])
    assert heirloom.diff(a, b).verdict.line == "same: the same 3 rows in another order"


def test_minus_zero_is_zero_in_vectors_and_in_every_cell_and_the_fingerprints_tell_the_bytes_apart(write: Write) -> None:
    sides = []
    for name, zero in (("a", 0.0), ("b", -0.0)):
        nested = [{"at": [zero, 1.0]}, {"at": [zero]}]
        sides.append(write(name, x=[[zero, 1.0], [2.0, zero]], score=pa.array([zero, 3.0], pa.float32()), nested=nested))
    found = heirloom.diff(*sides)
    assert (found.verdict.line, found.columns) == ("same: the same 2 rows in the same order", ())
    assert not found.identity.same_bytes


def test_of_repeated_texts_those_with_equal_labels_are_matched_first(write: Write) -> None:
    a, b = write("a", text=["x", "x", "x"], label=[0, 1, 2]), write("b", text=["x", "x"], label=[2, 1])
    found = heirloom.diff(a, b)
    assert lines(found) == []
    assert found.rows is not None
    assert (found.rows.kept, found.rows.removed) == (2, 1)
    found = heirloom.diff(a, write("c", text=["x", "x", "x"], label=[2, 1, 7]))
    assert lines(found) == ["label differs in 1 of 3 rows"]
    assert found.columns[0].examples == ("0 → 7",)


@FEW
@given(CELLS, CELLS)
def test_datasets_are_the_same_only_if_their_rows_are_equal_as_multisets(write: Write, a: list[Any], b: list[Any]) -> None:
    for names in (("text", "label"), ("content", "label")):
        sides = [write(name, **dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))) for name, rows in (("a", a), ("b", b))]
        types = {names[0]: pa.string(), names[1]: pa.int64()}
        for side, rows in zip(sides, (a, b), strict=True):
            pq.write_table(pa.table({name: pa.array([row[n] for row in rows], types[name]) for n, name in enumerate(names)}), side)
        assert heirloom.diff(*sides).same == (sorted(a, key=str) == sorted(b, key=str))


def test_a_column_that_came_left_or_has_another_name_is_a_difference(write: Write) -> None:
    a = write("a", text=["x", "y"], label=[1, 2], note=["p", "q"])
    b = write("b", text=["y", "x"], target=[2, 1], extra=[None, 1.5])
    found = heirloom.diff(a, b)
    assert not found.same
    assert lines(found) == ["column label is named target in B, with equal values", "column note is only in A", "column extra is only in B"]


VALUES = [
    (pa.array([1, None, 3], pa.int32()), pa.array([1, None, 3], pa.int64()), "int32 against int64"),
    (pa.array([1, None, 3], pa.uint8()), pa.array([1.0, None, 3.0]), "uint8 against double"),
    (pa.array([1.5, None], pa.float16()), pa.array([1.5, None], pa.float64()), "halffloat against double"),
    (
        pa.array(["p", None]),
        pa.array(["p", None]).dictionary_encode(),
        "string against dictionary<values=string, indices=int32, ordered=0>",
    ),
    (pa.array(["p", None], pa.string_view()), pa.array([b"p", None], pa.large_binary()), "string_view against large_binary"),
    (
        pa.array([[1, 2], None]),
        pa.array([[1, 2], None], pa.large_list(pa.float64())),
        "list<element: int64> against large_list<element: double>",
    ),
    (
        pa.array([[1, 2], [2, 1], None], pa.list_view(pa.int64())),
        pa.array([[1, 2], [2, 1], None], pa.list_(pa.int8(), 2)),
        "list_view<element: int64> against fixed_size_list<element: int8>[2]",
    ),
    (
        pa.array([Decimal("1.50"), None]),
        pa.array([Decimal("1.5"), None], pa.decimal256(40, 9)),
        "decimal128(3, 2) against decimal256(40, 9)",
    ),
    (
        pa.array([1000], pa.timestamp("ms", "UTC")),
        pa.array([10**6], pa.timestamp("us", "UTC")),
        "timestamp[ms, tz=UTC] against timestamp[us, tz=UTC]",
    ),
]


@pytest.mark.parametrize(("one", "other", "said"), VALUES, ids=[said for _, _, said in VALUES])
def test_equal_values_of_other_types_are_the_same_data_and_it_is_said(write: Write, one: pa.Array, other: pa.Array, said: str) -> None:
    texts = [f"t{n}" for n in range(len(one))]
    for name in ("text", "content"):
        a, b = write("a", **{name: texts, "value": one}), write("b", **{name: texts, "value": other})
        line = f"column value: {said}, values equal"
        found = heirloom.diff(a, b)
        assert found.verdict.line == f"same: the same {len(one)} rows in the same order; {line}"
        assert line.capitalize().split(":")[0] in terminal.text(page(found))


EMPTY = [
    (pa.array([], pa.int64()), pa.array([], pa.string()), "int64 against string"),
    (pa.array([], pa.list_(pa.int64())), pa.array([], pa.list_(pa.string())), "list<element: int64> against list<element: string>"),
    (pa.array([None, None], pa.int64()), pa.array([None, None], pa.string()), "int64 against string"),
    (pa.nulls(2), pa.array([None, None], pa.int64()), "null against int64"),
]


@pytest.mark.parametrize(("one", "other", "said"), EMPTY)
def test_columns_of_two_types_without_a_value_are_not_called_equal_values(write: Write, one: pa.Array, other: pa.Array, said: str) -> None:
    rows = range(len(one))
    found = heirloom.diff(write("a", n=pa.array(rows, pa.int64()), value=one), write("b", n=pa.array(rows, pa.int64()), value=other))
    line = f"column value: {said}, no value on either side"
    assert str(found) == f"same: the same {len(one)} rows in the same order; {line}"


DIFFERENT: list[tuple[Any, Any]] = [
    ([1, 2], [1, 3]),
    ([None, 2], [0, 2]),
    ([True, False], [1, 0]),
    (["", "x"], [None, "x"]),
    ([[1], []], [[1], None]),
    ([[1, 2]], [[2, 1]]),
    ([{"p": 1, "q": 2}], [{"p": 2, "q": 1}]),
    ([{"p": None}], [None]),
    ([0.1], [float(pa.scalar(0.1, pa.float32()).as_py())]),
    (pa.array([2**53 + 1]), pa.array([2.0**53])),
    (pa.array([2**64 - 1], pa.uint64()), pa.array([-1])),
    (pa.array([0], pa.date32()), pa.array([0], pa.timestamp("ms"))),
    (pa.array([0], pa.timestamp("ms")), pa.array([0], pa.timestamp("ms", "UTC"))),
    ([float("nan")], [None]),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=range(len(DIFFERENT)))
def test_a_cell_that_differs_is_never_the_same(write: Write, one: Any, other: Any) -> None:
    texts = [f"t{n}" for n in range(len(one))]
    for name in ("text", "content"):
        found = heirloom.diff(write("a", **{name: texts, "value": one}), write("b", **{name: texts, "value": other}))
        assert found.verdict.answer == "different"
        assert "differs in 1 of" in lines(found)[0] or "differs in 2 of" in lines(found)[0]


def test_lists_and_structs_are_hashed_by_what_they_hold() -> None:
    assert len(set(hashes(pa.array([[1, 2], [2, 1], [], None, [None], [1], [0, 1], [0]])).tolist())) == 8
    structs = pa.array([{"p": 1, "q": "x"}, None])
    other = pa.array([{"q": "x", "p": 1.0}, None], pa.struct([("q", pa.large_string()), ("p", pa.float64())]))
    assert hashes(structs).tolist() == hashes(other).tolist()
    assert hashes(structs.slice(1)).tolist() == hashes(structs)[1:].tolist()
    views = pa.array([[1], None, [2, 3]], pa.large_list_view(pa.int64()))
    assert hashes(views.slice(1)).tolist() == hashes(pa.array([None, [2, 3]])).tolist()
    assert hashes(pa.array([0.0, float("nan")])).tolist() == hashes(pa.array([-0.0, -float("nan")])).tolist()


def test_a_table_without_text_is_compared_by_whole_rows(write: Write) -> None:
    a = write("a", id=[1, 2, 3, 4], price=[1.0, 2.0, 3.0, None])
    assert (
        heirloom.diff(a, write("b", id=[4, 3, 2, 1], price=[None, 3.0, 2.0, 1.0])).verdict.line == "same: the same 4 rows in another order"
    )
    found = heirloom.diff(a, write("c", id=[1, 2, 3, 4], price=[1.0, 2.5, 3.0, 4.0]))
    assert (found.kind, found.rows and found.rows.edited) == ("table", 2)
    assert found.verdict.line == "different: 0 rows removed, 0 added, 2 edited, 2 kept; price differs in 2 of 4 rows"
    assert found.columns[0].examples == ("2.0 → 2.5", "None → 4.0")
    found = heirloom.diff(a, write("d", id=[4, 2, 3], price=[None, 7.0, 3.0]))
    assert found.verdict.line == (
        "different: 2 rows removed, 1 added, 0 edited, 2 kept; id has 1 cells without an equal one in B, and B 0 without one in A; "
        "price has 2 cells without an equal one in B, and B 1 without one in A"
    )
    assert found.rows is not None
    assert found.rows.removed_examples == ("id: 1, price: 1.0", "id: 2, price: 2.0")


def test_columns_named_like_ours_hold_anything_in_files_of_others(write: Write) -> None:
    columns: dict[str, list[Any]] = {
        "parent": ["t3_x", None],
        "kind": [1, 2],
        "depth": ["deep", "low"],
        "born": ["1970", "1971"],
        "row": [9, 9],
    }
    a = write("a", text=["p", "q"], **columns)
    assert heirloom.diff(a, write("b", text=["p", "q"], **{**columns, "kind": [1, 3]})).verdict.line.endswith(
        "; kind differs in 1 of 2 rows"
    )
    x = write("c", x=[1.0, 2.0], y=[1, 2])
    assert heirloom.diff(x, write("d", x=[1.0, 2.0], y=[1, 3])).verdict.line.endswith("y differs in 1 of 2 rows")
    prompts = [2**62, 2**62 + 1]
    assert heirloom.diff(write("e", text=["p", "q"], parent=prompts), write("f", text=["r", "s"], parent=prompts)).rows.rewritten == 2  # type: ignore[union-attr]


def test_ancestry_is_left_out_only_where_heirloom_wrote_the_file(write: Write) -> None:
    sides = [write(name, text=["p", "q"], row=[0, 1], depth=depth) for name, depth in (("a", [0.0, 1.0]), ("b", [0.0, 2.0]))]
    assert heirloom.diff(*sides).verdict.line.endswith("; depth differs in 1 of 2 rows")
    seal([sides[0]], {"slice": {"step": "mix"}, "inputs": {}})
    assert not heirloom.diff(*sides).same
    assert heirloom.diff(sides[0], write("c", text=["p", "q"])).same
    seal([sides[1]], {"slice": {"step": "mix"}, "inputs": {}})
    assert heirloom.diff(*sides).same


def test_what_a_diff_does_not_read_is_refused_in_one_line(write: Write, tmp_path: Path) -> None:
    a = write("a", text=["x"])
    table = pa.table([pa.array(["x"]), pa.array([1]), pa.array([2])], names=["text", "n", "n"])
    pq.write_table(table, tmp_path / "twice.parquet")
    with pytest.raises(HeirloomError, match=r"twice.parquet: 2 columns are named 'n'; rename all but one of them$"):
        heirloom.diff(a, tmp_path / "twice.parquet")
    spans = pa.table({"text": ["x"], "span": pa.array([(1, 2, 3)], pa.month_day_nano_interval())})
    (tmp_path / "saved").mkdir()
    with pa.ipc.new_stream(str(tmp_path / "saved/data.arrow"), spans.schema) as stream:
        stream.write_table(spans)
    with pytest.raises(HeirloomError, match="column 'span' holds month_day_nano_interval; allowed are numbers, booleans, text, bytes"):
        heirloom.diff(a, tmp_path / "saved")
    with pytest.raises(HeirloomError, match=r"whole numbers up to 2\^63 - 1, got 18446744073709551615"):
        heirloom.diff(a.with_name("n.parquet"), write("m", x=[[1]])) if write(
            "n", x=pa.array([[2**64 - 1]], pa.list_(pa.uint64()))
        ) else None


def test_a_column_may_have_a_dot_in_its_name(write: Write) -> None:
    for names in (("meta.n", "meta"), ("meta", "meta.n")):
        a, b = ({"meta.n": [n], "meta": [{"n": 5}]} for n in (1, 2))
        found = heirloom.diff(*(write(name, text=["x"], **{key: side[key] for key in names}) for name, side in (("a", a), ("b", b))))
        assert lines(found) == ["meta.n differs in 1 of 1 row"]


def test_a_cell_of_too_many_bytes_is_refused_with_the_ways_out(write: Write) -> None:
    table = {"text": ["x", "xyz"], "numbers": [[1.0, 2.0, 3.0, 4.0], [1.0]], "n": [1, 2]}
    sides = write("a", **table), write("b", **{**table, "n": [1, 3]})
    ways = "leave it out by --ignore text, or allow more by --max-cell-bytes 3"
    with pytest.raises(HeirloomError, match=f"a.parquet: a cell of column text has 3 bytes; allowed are 2: {ways}$"):
        heirloom.diff(*sides, max_cell_bytes=2)
    with pytest.raises(HeirloomError, match="a cell of column numbers has 32 bytes; allowed are 31"):
        heirloom.diff(*sides, max_cell_bytes=31)
    assert lines(heirloom.diff(*sides, max_cell_bytes=32)) == ["n differs in 1 of 2 rows"]
    assert lines(heirloom.diff(*sides, ignore="numbers", max_cell_bytes=3)) == ["n differs in 1 of 2 rows"]
