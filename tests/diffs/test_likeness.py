"""Edited rows are told from removed and added ones, also where all rows resemble one another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, product
from pathlib import Path

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

import heirloom
from heirloom.diffs import likeness
from heirloom.diffs.cells import Ragged, ends
from heirloom.diffs.likeness import one_to_one
from heirloom.diffs.pieces import comparable
from heirloom.runtime.streams import Stream

Write = Callable[..., Path]

PLACES = ["office", "library", "school", "harbour", "market", "museum", "station", "garden"]


def templated(number: int, place: str) -> str:
    return f"The Licence {number} lets every visitor of the {place} read, copy and share this work in part {number % 7} at no cost."


def test_twenty_edits_of_one_word_are_named_among_500_rows_of_one_template(write: Write) -> None:
    generator = Stream(("templated",)).generator()
    rows = [templated(number, PLACES[number % len(PLACES)]) for number in range(500)]
    after = list(rows[40:])
    words = [text.split() for text in rows[20:40]]
    for row in words:
        row[int(generator.integers(len(row)))] = "PLANTED"
    edited = [" ".join(row) for row in words]
    unrelated = [f"Sheep number {number} crossed quietly before dawn, unseen by any of us." for number in range(20)]
    after = [*after, *edited, *unrelated]
    found = heirloom.diff(write("a", text=rows), write("b", text=[after[n] for n in generator.permutation(len(after))]))
    assert found.rows is not None
    assert (found.rows.edited, found.rows.removed, found.rows.added, found.rows.kept) == (20, 20, 20, 460)
    pairs = found.to_pandas("changed")
    right = {(before["text"], later["text"]) for before, later in zip(pairs["before"], pairs["after"], strict=True)}
    assert len(right & set(zip(rows[20:40], edited, strict=True))) >= 18
    assert len(right - set(zip(rows[20:40], edited, strict=True))) <= 1
    assert found.rows.edits is not None
    assert found.rows.edits.one_word == 20


def test_a_small_change_is_an_edit_and_a_large_one_is_not(write: Write) -> None:
    before = ["one two three four five six seven eight nine ten", "ab cd", "red blue green"]
    after = ["one two three FOUR five six seven eight NINE ten", "ab ce", "red blue grey"]
    found = heirloom.diff(write("a", text=before), write("b", text=after))
    assert found.rows is not None
    assert (found.rows.edited, found.rows.removed) == (2, 1)
    too_many = before[0].replace("one", "ONE").replace("two", "TWO").replace("six", "SIX")
    found = heirloom.diff(write("c", text=before[:1]), write("d", text=[too_many]))
    assert found.rows is not None
    assert (found.rows.edited, found.rows.removed, found.rows.added) == (0, 1, 1)


def test_a_row_has_one_partner_and_the_nearest_pair_is_taken_first() -> None:
    a, b = one_to_one(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), [0.2, 0.1, 0.3, 0.1])
    assert (a.tolist(), b.tolist()) == ([0, 1], [1, 0])


def test_many_rows_are_paired_by_their_near_duplicates(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Stream(("likeness",)).generator().integers(0, 500, (60, 40)).tolist()
    words = [[f"w{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in row] for row in drawn]
    before = [" ".join(row) for row in words]
    after = [" ".join([*row[:39], "planted"]) for row in words]
    for name, bound in (("MAX_PAIRS", 10), ("MAX_WORDS_ROWS", 10)):
        monkeypatch.setattr(f"heirloom.diffs.likeness.{name}", bound)
        found = heirloom.diff(write("a", text=before), write("b", text=after[::-1]))
        assert found.rows is not None
        assert found.rows.edited >= 55


def letters(size: int) -> str:
    return " ".join(islice(map("".join, product("abcdefghij", repeat=2)), size))


def test_a_row_of_very_many_words_is_a_near_duplicate_and_not_an_edit(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    row = letters(51)
    sides = write("a", text=[row]), write("b", text=[f"{row}x"])
    difference = heirloom.diff(*sides)
    assert difference.rows is not None
    assert (difference.rows.edited, difference.rows.removed) == (1, 0)
    monkeypatch.setattr(likeness, "MAX_WORDS", 50)
    difference = heirloom.diff(*sides)
    assert difference.rows is not None
    assert (difference.rows.edited, difference.rows.removed, difference.rows.near_removed) == (0, 1, 1)


def test_where_all_pairs_have_too_many_words_only_near_duplicates_are_compared(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    row = letters(97)
    sides = write("a", text=[row, "red blue green"]), write("b", text=[f"{row}x", "red blue grey"])
    for most, edited, removed in ((100 * 100, 2, 0), (100 * 100 - 1, 1, 1)):
        monkeypatch.setattr(likeness, "MAX_WORD_PAIRS", most)
        difference = heirloom.diff(*sides)
        assert difference.rows is not None
        assert (difference.rows.edited, difference.rows.removed) == (edited, removed)


@pytest.mark.parametrize("most", [0xDFFF, 2**31 - 1, 1_200_000])
def test_rows_of_any_pieces_are_compared_also_of_more_than_there_are_characters(most: int) -> None:
    number = 1_200_000 if most == 1_200_000 else 3
    a, b = np.arange(number), np.array([1, most, 2])
    (row_a,), (row_b,) = comparable(Ragged(a, ends(np.array([number]))), Ragged(b, ends(np.array([3]))))
    assert [row_a[1] == row_b[0], row_a[1] == row_b[1], row_a[2] == row_b[2]] == [True, False, True]
    assert Levenshtein.distance(row_a[:3], row_b) == 2
