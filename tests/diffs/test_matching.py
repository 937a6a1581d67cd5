"""Every row gets one status, the counts add up, and order does not matter."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from heirloom.diffs import matching
from heirloom.diffs.cells import Ragged, row_hashes, strings

ROWS = st.lists(st.sampled_from(["a", "b", "c d", "", "ä"]), max_size=12)


def hashed(texts: list[str]) -> np.ndarray:
    return row_hashes(pa.RecordBatch.from_arrays([pa.array(texts, pa.string())], ["text"]))


@settings(deadline=None)
@given(ROWS, ROWS)
def test_rows_are_kept_as_often_as_both_sides_have_them(a: list[str], b: list[str]) -> None:
    kept_a, kept_b = matching.kept(hashed(a), hashed(b))
    expected = Counter(a) & Counter(b)
    assert Counter(text for text, flag in zip(a, kept_a, strict=True) if flag) == expected
    assert Counter(text for text, flag in zip(b, kept_b, strict=True) if flag) == expected


@settings(deadline=None)
@given(ROWS)
def test_a_side_has_all_rows_in_common_with_itself_in_any_order(a: list[str]) -> None:
    kept_a, kept_b = matching.kept(hashed(a), hashed(a[::-1]))
    assert kept_a.all()
    assert kept_b.all()


@settings(deadline=None)
@given(st.lists(st.integers(-1, 3), max_size=8), st.lists(st.integers(-1, 3), max_size=8))
def test_pairs_have_one_prompt_and_swap_with_the_sides(a: list[int], b: list[int]) -> None:
    one, other = np.array(a, np.int64), np.array(b, np.int64)
    open_a, open_b = np.ones(len(a), bool), np.ones(len(b), bool)
    at_a, at_b = matching.pairs(one, other, open_a, open_b)
    assert (one[at_a] == other[at_b]).all()
    counts_a, counts_b = Counter(x for x in a if x >= 0), Counter(x for x in b if x >= 0)
    assert len(at_a) == (counts_a & counts_b).total()
    back_b, back_a = matching.pairs(other, one, open_b, open_a)
    assert set(zip(at_a.tolist(), at_b.tolist(), strict=True)) == set(zip(back_a.tolist(), back_b.tolist(), strict=True))


def test_a_hash_sees_content_and_neither_width_nor_slicing() -> None:
    wide, narrow = pa.array([[1, 2], [3]], pa.list_(pa.int64())), pa.array([[9], [1, 2], [3]], pa.list_(pa.int32()))[1:]
    a, b = (row_hashes(pa.RecordBatch.from_arrays([column], ["tokens"])) for column in (wide, narrow))
    assert a.tolist() == b.tolist()
    assert hashed(["", "x"])[0] != row_hashes(pa.RecordBatch.from_arrays([pa.array([None, "x"], pa.string())], ["text"]))[0]
    zeros = [row_hashes(pa.RecordBatch.from_arrays([pa.array([[zero]])], ["x"]))[0] for zero in (0.0, -0.0)]
    assert zeros[0] == zeros[1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=6), st.data())
def test_taking_rows_of_different_lengths_gives_those_rows(rows: list[list[int]], data: st.DataObject) -> None:
    whole = Ragged(np.array([one for row in rows for one in row], np.int64), np.cumsum([0, *map(len, rows)]))
    order = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    taken = whole.take(np.array(order, np.int64))
    assert [row.tolist() for row in taken.rows()] == [rows[position] for position in order]


def test_bytes_that_are_no_utf8_are_read_as_the_replacement_character_and_counted() -> None:
    texts, wrong = strings(pa.array([b"good", b"b\xffd", None], pa.binary()))
    assert texts.to_pylist() == ["good", "b\ufffdd", ""]
    assert wrong == 1
