"""Rows of text, pairs, tables and images: what programs of the user's are handed, what is taken, and what is refused in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heirloom.data import ragged
from heirloom.data.dataset import Dataset
from heirloom.data.rows import cell_table, pair_table, text_table, vector_table
from heirloom.errors import HeirloomError
from heirloom.families.base import Measuring, Sets
from heirloom.families.external import handover, rows_file
from heirloom.families.external.own_measures import measures_of_rows
from heirloom.specs.external import ExternalSampling

CELLS = pa.table({"age": [1.5, 2.5], "job": ["cook", "smith"]})
PAIRS = pair_table(
    ragged.of_sequences([[1], [2, 3]]),
    ["Who?", "Where?"],
    ragged.of_sequences([[4, 0], [5]]),
    ["You", "Her"],
    np.array([True, False]),
    first_row=0,
)
HANDED: Mapping[str, tuple[pa.Table, dict[str, list[Any]]]] = {
    "text": (text_table(np.array([[1], [2]], np.int32), ["a b", "c"], first_row=0), {"text": ["a b", "c"]}),
    "pairs": (PAIRS, {"prompt": ["Who?", "Where?"], "completion": ["You", "Her"], "stopped": [True, False]}),
    "images": (vector_table(np.array([[[0, 255]]], np.uint8)), {"x": [[0, 255]]}),
    "table": (cell_table(CELLS), CELLS.to_pydict()),
}


@pytest.mark.parametrize("kind", HANDED)
def test_a_program_is_handed_what_rows_say_and_not_where_they_come_from(tmp_path: Path, kind: str) -> None:
    rows, columns = HANDED[kind]
    handover.write_rows(Dataset.of(rows), tmp_path / "rows.parquet")
    assert pq.read_table(tmp_path / "rows.parquet").to_pydict() == columns


def test_what_a_program_is_handed_has_the_same_bytes_however_rows_lie_in_memory(tmp_path: Path) -> None:
    rows = vector_table(np.arange(100_000.0).reshape(1, 50_000, 2))
    pieces = [rows.slice(0, 7), rows.slice(7, 40_000), rows.slice(40_007)]
    handover.write_rows(Dataset.of(rows), tmp_path / "one.parquet")
    handover.write_rows(Dataset([piece for part in pieces for piece in Dataset.of(part).pieces]), tmp_path / "three.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "three.parquet").read_bytes()
    assert pq.read_table(tmp_path / "three.parquet")["x"].to_pylist() == rows["x"].to_pylist()


def test_prompts_are_handed_over_as_texts(tmp_path: Path) -> None:
    handover.write_prompts([pa.array(["a", "b"]), pa.array(["c"])], tmp_path / "prompts.parquet")
    assert pq.read_table(tmp_path / "prompts.parquet").to_pydict() == {"prompt": ["a", "b", "c"]}


def read(folder: Path, written: dict[str, Any], **settings: Any) -> list[Any]:
    pq.write_table(pa.table(written), folder / "rows.parquet")
    num_rows = len(next(iter(written.values())))
    return [*rows_file.read_rows(folder / "rows.parquet", num_rows, ExternalSampling(command=("x",), **settings))]


TABLE = {"rows": "table", "columns": {"age": "number", "job": "category", "sex": "boolean", "dogs": "integer"}}
ROW = {"age": [1], "job": ["cook"], "sex": [True], "dogs": [2]}


def test_a_table_is_taken_in_the_order_and_the_types_that_are_declared(tmp_path: Path) -> None:
    (table,) = read(tmp_path, dict(reversed(ROW.items())), **TABLE)
    assert table.schema == pa.schema({"age": pa.float64(), "job": pa.string(), "sex": pa.bool_(), "dogs": pa.int64()})
    assert table.to_pylist() == [{"age": 1.0, "job": "cook", "sex": True, "dogs": 2}]


def test_a_category_may_be_a_dictionary(tmp_path: Path) -> None:
    (table,) = read(tmp_path, {**ROW, "job": pa.array(["cook"]).dictionary_encode()}, **TABLE)
    assert table["job"].to_pylist() == ["cook"]


def test_completions_have_stopped_unless_they_say_otherwise(tmp_path: Path) -> None:
    (all_stopped,) = read(tmp_path, {"completion": ["a", ""]}, rows="pairs")
    (told,) = read(tmp_path, {"completion": ["a", ""], "stopped": [False, True]}, rows="pairs")
    assert all_stopped["stopped"].to_pylist() == [True, True]
    assert told["stopped"].to_pylist() == [False, True]


def test_images_become_bytes(tmp_path: Path) -> None:
    (pixels,) = read(tmp_path, {"x": [[0, 255]]}, rows="images", row_numbers=2)
    assert pixels.dtype == np.uint8
    assert pixels.tolist() == [[[0, 255]]]


FAULTS: Mapping[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "column": (
        TABLE,
        {"age": [1.0]},
        "has the columns age (double); allowed is age (number), job (category), sex",
    ),
    "type": (TABLE, {**ROW, "dogs": [1.5]}, "column 'dogs' holds double; integer is declared"),
    "word": (TABLE, {**ROW, "job": [3]}, "column 'job' holds int64; category is declared"),
    "nan": (TABLE, {**ROW, "age": [float("nan")]}, "column 'age' has a number that is not finite in row 1"),
    "infinite": (TABLE, {**ROW, "age": [float("inf")]}, "column 'age' has a number that is not finite in row 1"),
    "null": (TABLE, {**ROW, "job": pa.array([None], pa.string())}, "column 'job' has no value in row 1"),
    "fraction": ({"rows": "images"}, {"x": [[0.5]]}, "allowed is one column x of lists of whole numbers from 0 to 255"),
    "bright": ({"rows": "images"}, {"x": [[256]]}, "has pixels below 0 or above 255"),
    "pixels": ({"rows": "images", "row_numbers": 2}, {"x": [[1]]}, "has rows of 1 numbers; each must have 2"),
    "tokens": ({"rows": "text"}, {"text": ["a"], "tokens": [[1]]}, "has the columns text (string), tokens"),
    "empty": ({"rows": "text"}, {"text": ["a", ""]}, "has texts that are empty"),
    "no text": ({"rows": "text"}, {"text": ["a", None]}, "has 1 rows without text"),
    "bytes": ({"rows": "text"}, {"text": [b"\xff"]}, "column 'text': row 1 holds bytes that are not UTF-8"),
    "prompt": ({"rows": "pairs"}, {"completion": ["a"], "prompt": ["b"]}, "allowed is a column completion of texts"),
    "nothing": ({"rows": "pairs"}, {"completion": [""], "stopped": [False]}, "completions that are empty and have not stopped"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_rows_that_are_not_as_declared_are_refused_in_one_line(tmp_path: Path, fault: str) -> None:
    settings, columns, message = FAULTS[fault]
    with pytest.raises(HeirloomError) as caught:
        read(tmp_path, columns, **settings)
    assert str(caught.value).startswith("family.sample.command: {synthetic}")
    assert message in str(caught.value)
    assert len(caught.value.lines) == 1


def measured(tables: Iterable[pa.Table]) -> dict[str, float]:
    sample, held_out, original = map(Dataset.of, tables)
    return measures_of_rows(Sets(sample, sample, held_out, original), Measuring(1, vocab_size=9, truth={}, generation=1))


def test_a_table_is_measured_by_its_columns() -> None:
    measures = measured([cell_table(pa.table({"age": [1.5, 1.5], "job": ["cook", "cook"]})), cell_table(CELLS), cell_table(CELLS)])
    assert measures["column_distance.age"] == 0.5
    assert measures["column_distance.job"] == 0.5
    assert measures["spread.age"] == 0.0
    assert measures["category_survival"] == 0.5


def test_pairs_are_measured_by_what_is_written_alone() -> None:
    written = PAIRS.set_column(PAIRS.column_names.index("parent"), "parent", pa.array([0, 1], pa.int64()))
    measures = measured([written, PAIRS, PAIRS])
    assert measures["stop_rate"] == 0.5
    assert measures["exact_match"] == 1.0
    assert "test_perplexity" not in measures
