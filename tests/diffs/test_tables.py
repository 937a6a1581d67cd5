"""Tables of a lineage: their columns' laws, one by one, at sizes where the answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from heirloom.data.dataset import Dataset
from heirloom.data.rows import cell_table
from heirloom.diffs import table_distribution
from heirloom.diffs.engine import diff
from heirloom.diffs.result import Distribution
from heirloom.measures.tables import Column
from heirloom.runtime.streams import Stream

JOBS = np.array(["cook", "smith", "clerk"])


def columns(name: str, rows: int = 400, shift: float = 0.0, shares: tuple[float, ...] = (0.5, 0.3, 0.2)) -> dict[str, Column]:
    random = Stream((0, name)).generator()
    age, wage = random.standard_normal(rows) + shift, random.standard_normal(rows)
    return {"age": age, "wage": wage, "job": pa.chunked_array([pa.array(JOBS[random.choice(3, rows, p=shares)].tolist())])}


def test_a_column_that_has_changed_is_told_and_the_others_are_not() -> None:
    law = table_distribution.of_tables(columns("a"), columns("b", shift=0.5), Stream((0, "test")))
    p_values = {test.name: test.adjusted for test in law.tests}
    assert p_values["column age"] < 0.01
    assert min(p_values["column wage"], p_values["column job"]) > 0.05
    other = table_distribution.of_tables(columns("a"), columns("b", shares=(0.3, 0.3, 0.4)), Stream((0, "test")))
    assert [test.name for test in other.tests if test.adjusted <= 0.05] == ["column job"]
    measures = {measure.name: (measure.a, measure.b) for measure in law.measures}
    assert measures["categories of job"] == (3.0, 3.0)
    assert measures["mean of age"][1] - measures["mean of age"][0] == pytest.approx(0.5, abs=4 * np.sqrt(2 / 400))


def test_equal_laws_are_called_different_no_more_often_than_the_level_says() -> None:
    alarms = [is_alarm(columns(f"a{number}", 60), columns(f"b{number}", 60)) for number in range(60)]
    assert sum(alarms) <= 60 * 0.05 + 4 * np.sqrt(60 * 0.05 * 0.95)


def is_alarm(a: dict[str, Column], b: dict[str, Column]) -> bool:
    return law(a, b).direction != "same"


def law(a: dict[str, Column], b: dict[str, Column]) -> Distribution:
    return table_distribution.of_tables(a, b, Stream((0, "test")))


def test_a_column_of_one_value_says_nothing() -> None:
    same = {"age": np.ones(50), "job": pa.chunked_array([["cook"] * 50])}
    assert {test.p_value for test in law(same, same).tests} == {1.0}


def test_two_tables_of_a_lineage_have_a_verdict_on_their_law(tmp_path: Path) -> None:
    for name, shift in (("a", 0.0), ("b", 0.6), ("c", 0.0)):
        Dataset.of(cell_table(pa.table(columns(name, shift=shift)))).write(str(tmp_path / f"{name}.parquet"))
    shifted, alike = (diff(tmp_path / "a.parquet", tmp_path / f"{name}.parquet") for name in ("b", "c"))
    assert shifted.verdict.answer == "distribution shifted"
    assert alike.verdict.answer == "different rows, same distribution"
    assert "; no test of single columns finds more than chance (" in alike.verdict.evidence
    assert "; how columns hang together is not tested; age differs" in alike.verdict.evidence
    assert shifted.distribution is not None
    assert shifted.distribution.distance_name == "mean distance of columns"
