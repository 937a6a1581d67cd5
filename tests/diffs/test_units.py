"""What trades places: rows that are the same rows, whole documents, blocks of neighbours; and the verdict says so where it must."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heirloom
from heirloom.diffs import belonging, rows, sampling
from heirloom.diffs.common import common
from heirloom.diffs.sides import locate
from heirloom.runtime.streams import Stream
from helpers import ROOT

Write = Callable[..., Path]
LAWS: dict[str, Any] = runpy.run_path(str(ROOT / "benchmarks/diff_laws.py"))
FEW_VALUES = ("Poisson(3), 1,000 rows", "fair coin, 1,000 rows", "normal, rounded to 0.1, 1,000 rows")
LINEAGE = {"depth": 0.0, "depth_max": 0, "born": 0, "model": None, "kind": "real"}


def found_of(alternative: str, pairs: int) -> int:
    equal, draw = LAWS["ALTERNATIVES"][alternative]
    return int(LAWS["answers"](alternative, LAWS["LAWS"][equal], draw, pairs)["shifted"])


def keys(a: Path, b: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    one, other = locate(a), locate(b)
    shared = common(one, other)
    tables = (
        rows.read(one, shared, belonging.belonging(one, other)),
        rows.read(other, shared, belonging.belonging(other, one)),
    )
    matched = rows.match(*tables, same_prompts=False)
    return sampling.keys(*tables, sampling.row_names(*tables, matched), grouped=False)


def test_equal_laws_of_few_values_are_not_told_apart() -> None:
    alarms = {name: LAWS["answers"](name, *(LAWS["LAWS"][name],) * 2, 3)["shifted"] for name in FEW_VALUES}
    assert sum(alarms.values()) <= LAWS["most_alarms"](9), alarms


def test_a_poisson_of_another_rate_is_told_apart() -> None:
    assert found_of("Poisson(3.3)", 5) >= 4


def test_tails_that_were_cut_are_found_as_often_as_a_run_of_eight_is() -> None:
    assert found_of("tails beyond 99 % cut", 12) >= 3  # of 12; 1 without the tests of tails


def test_rows_of_equal_content_have_keys_of_their_own(write: Write) -> None:
    a, b = write("a", x=[[1.0], [1.0], [2.0]]), write("b", x=[[1.0], [2.0], [2.0]])
    keys_a, keys_b = keys(a, b)
    assert len({*keys_a, *keys_b}) == 6


def test_rows_with_an_id_are_the_same_rows_if_most_hold_the_same(write: Write) -> None:
    content = [f"row number {number}" for number in range(8)]
    a = write("a", text=content, id=[f"i{number}" for number in range(8)])
    edited = write("b", text=[*content[:6], "an edited row", "a new row"], id=[*(f"i{number}" for number in range(7)), "j"])
    keys_a, keys_b = keys(a, edited)
    assert (keys_a == keys_b).tolist() == [True] * 7 + [False]


def test_numbers_from_0_on_name_nothing_in_files_that_share_nothing(write: Write) -> None:
    a = write("a", text=[f"one {number}" for number in range(8)], id=range(8))
    b = write("b", text=[f"other {number}" for number in range(8)], id=range(8))
    assert not np.isin(*keys(a, b)).any()


def test_rows_that_were_copied_are_the_same_rows_and_rows_that_agree_by_chance_are_not(write: Write) -> None:
    copied = [[float(number)] for number in range(20)]
    assert np.isin(*keys(write("a", x=copied), write("b", x=[*copied[::-1], [99.0]]))).all()
    by_chance = [Stream((name,)).generator().integers(0, 60, (50, 1)).tolist() for name in "ab"]
    assert not np.isin(*keys(write("c", x=by_chance[0]), write("d", x=by_chance[1]))).any()


def test_real_rows_are_units_by_the_index_of_documents_beside_them(tmp_path: Path) -> None:
    index = {
        "document": [0, 1, 2],
        "title": ["A", "B", "C"],
        "split": ["train", "test", "train"],
        "first_row": [0, 0, 3],
        "num_rows": [3, 2, 2],
    }
    pq.write_table(pa.table(index), tmp_path / "documents.parquet")
    for name, ids in (("train", [0, 1, 2, 3, 4]), ("test", [0, 1])):
        columns = {column: [value] * len(ids) for column, value in LINEAGE.items()}
        table = {"row": ids, "tokens": [[row, 7] for row in ids], "text": [f"{name} {row}" for row in ids], **columns}
        pq.write_table(pa.table({**table, "parent": pa.nulls(len(ids), pa.int64())}), tmp_path / f"{name}.parquet")
    train, test = keys(tmp_path / "train.parquet", tmp_path / "test.parquet")
    assert [len(set(part)) for part in (train[:3], train[3:], test)] == [1, 1, 1]
    assert len({*train, *test}) == 3


def test_whole_documents_trade_places_and_rows_without_one_are_marked() -> None:
    laws = LAWS["LAWS"]
    by_column = LAWS["answers"]("documents", *(laws["articles, column document"],) * 2, 8)
    marked = LAWS["answers"]("documents", *(laws["articles, no column (marked)"],) * 2, 8)
    assert max(by_column["shifted"], marked["shifted"]) <= LAWS["most_alarms"](8)
    assert (by_column["marked"], marked["marked"]) == (0, 8)


def test_rows_of_a_series_are_marked_in_the_verdict(write: Write) -> None:
    series = [LAWS["autocorrelated"](Stream((0, name)).generator(), shift).column("x") for name, shift in (("a", 0), ("b", 8))]
    found = heirloom.diff(*(write(name, x=x) for name, x in zip("ab", series, strict=True)))
    assert found.verdict.answer == "distribution seems shifted"
    assert found.distribution is not None
    assert found.distribution.caveat in found.verdict.evidence
    said = re.fullmatch(
        r"rows resemble the rows up to (\d+) before them \(\d+ standard deviations above chance\) and no column document, url or "
        r"group says what belongs together, so the level of 5 % is not guaranteed",
        found.distribution.caveat,
    )
    assert said is not None
    assert {test.units for test in found.distribution.tests} == {2 * (1000 // (2 * int(said[1]) + 1))}


@pytest.mark.parametrize("column", ["document", "url", "group"])
def test_three_documents_are_too_few_for_a_verdict_and_it_says_so(write: Write, column: str) -> None:
    paths = []
    for name in "ab":
        x = Stream((name,)).generator().standard_normal((60, 1))
        paths.append(write(name, x=x.tolist(), **{column: [f"{number % 3}" for number in range(60)]}))
    verdict = heirloom.diff(*paths).verdict
    assert (verdict.answer, verdict.evidence) == (
        "different",
        "60 rows removed, 60 added, 0 edited, 0 kept; 3 units may trade places, too few for a test of the distribution at 5 %",
    )
