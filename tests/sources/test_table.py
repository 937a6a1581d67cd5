"""Tables as real data: files of named columns, the rows in a random order, head and tail apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.sources import table
from heirloom.specs.vector_source import TableSource


def spec(*paths: Path | str, **changes: Any) -> TableSource:
    columns = changes.pop("columns", {"age": "number", "job": "category"})
    return TableSource(name="table", paths=tuple(map(str, paths)), columns=columns, **{"rows": 3, "test_rows": 2, **changes})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "people.csv"
    place.write_text("job,age,note\n" + "".join(f"cook{age},{age},x\n" for age in range(5)))
    return place


def test_pool_and_held_out_rows_are_different_rows_of_the_files(file: Path) -> None:
    pool, held_out = (draw(spec(file), 1, Stream((0,))) for draw in (table.draw, table.draw_test))
    assert pool.schema == pa.schema({"age": pa.float64(), "job": pa.string()})
    assert (len(pool), len(held_out)) == (3, 2)
    rows = pool.to_pylist() + held_out.to_pylist()
    assert sorted(row["age"] for row in rows) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert all(row["job"] == f"cook{row['age']:.0f}" for row in rows)


def test_parquet_and_csv_are_read_alike(file: Path, tmp_path: Path) -> None:
    parquet = tmp_path / "people.parquet"
    pq.write_table(pa.table({"age": range(5), "job": [f"cook{age}" for age in range(5)]}), parquet)
    assert table.draw(spec(parquet), 1, Stream((0,))).equals(table.draw(spec(file), 1, Stream((0,))))


def test_a_table_may_lie_in_a_package() -> None:
    packaged = spec("datasets/data/iris.csv", package="sklearn", columns={"age": "number"})
    with pytest.raises(HeirloomError, match=r"iris\.csv has no column 'age'; it has 150, 4, setosa"):
        table.preflight(packaged)
    with pytest.raises(HeirloomError, match=r"^source\.package: no_such_package is not installed; pip install no_such_package$"):
        table.preflight(spec("a.csv", package="no_such_package"))


def test_faults_of_files_are_one_line(file: Path, tmp_path: Path) -> None:
    with pytest.raises(HeirloomError, match=r"^source: rows and test_rows ask for 7 rows, but the files have 5$"):
        table.draw(spec(file, rows=5), 1, Stream((0,)))
    with pytest.raises(HeirloomError, match=r"people\.csv has no column 'wage'; it has job, age, note$"):
        table.preflight(spec(file, columns={"wage": "number"}))
    with pytest.raises(HeirloomError, match=r"people\.csv: cannot be read as source\.columns say \(.*invalid value 'cook0'"):
        table.draw(spec(file, columns={"job": "number"}), 1, Stream((0,)))
    (tmp_path / "people.txt").touch()
    with pytest.raises(HeirloomError, match=r"has the suffix '\.txt'; allowed are \.csv, \.parquet"):
        table.preflight(spec(tmp_path / "people.txt"))
    (tmp_path / "ragged.csv").write_text("age,job\n1\n")
    with pytest.raises(HeirloomError, match=r"ragged\.csv: no readable table .*Expected 2 columns, got 1"):
        table.preflight(spec(tmp_path / "ragged.csv"))
    (tmp_path / "holes.csv").write_text("age,job\n1,a\n,b\n")
    with pytest.raises(HeirloomError, match=r"column 'age' has no value in row 2; every cell must have one$"):
        table.draw(spec(tmp_path / "holes.csv", rows=1, test_rows=1), 1, Stream((0,)))


@pytest.mark.parametrize("name", ["depth", "text", "x", "1st", "a b"])
def test_a_column_cannot_be_called_like_heirloom_s_own_record(name: str) -> None:
    with pytest.raises(ValidationError):
        spec("a.csv", columns={name: "number"})
