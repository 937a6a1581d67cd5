"""Many generations as one table: numbers in their order, columns that only some have, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import heirloom
from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Kind
from heirloom.errors import HeirloomError
from helpers import seal_alone


def write(kind: Kind, regime: str, generation: int, **columns: Any) -> Path:
    """Write a sealed dataset of the experiment `e`, seed 0."""
    path = Path(kind.path("e", regime, 0, generation))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    seal_alone(path)
    return path


@pytest.fixture(autouse=True)
def lineage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write eleven generations, of which the tenth has a column more."""
    monkeypatch.chdir(tmp_path)
    write(kinds.TRAIN, kinds.ORIGIN, 0, x=[0, 0])
    for generation in range(1, 12):
        further = {"stopped": [True]} if generation == 10 else {}
        write(kinds.SYNTHETIC, "replace", generation, x=[generation], **further)
        write(kinds.TRAIN, "replace", generation, x=[generation] * 2)
    write(kinds.SYNTHETIC, "keep", 1, x=[100])


def test_generations_come_in_the_order_of_numbers_with_their_places_as_columns() -> None:
    frame = heirloom.table("e/replace/0/*").to_pandas()
    assert list(frame.columns) == ["experiment", "regime", "seed", "generation", "x", "stopped"]
    assert frame["generation"].tolist() == list(range(1, 12))
    assert frame["x"].tolist() == list(range(1, 12))
    assert set(frame["regime"]) == {"replace"}


def test_a_column_that_one_generation_has_is_null_in_the_others() -> None:
    frame = heirloom.table("e/replace/0/*").to_pandas()
    assert frame.loc[frame["stopped"].notna(), "generation"].tolist() == [10]


def test_sampled_rows_and_training_rows_are_never_mixed_and_the_origin_belongs_to_every_regime() -> None:
    rows = heirloom.table("e/replace/0/*:train").to_datasets()
    assert rows.num_rows == 2 + 11 * 2
    assert rows[0] == {"experiment": "e", "regime": "origin", "seed": 0, "generation": 0, "x": 0}
    assert heirloom.table("e/origin/0/0:train").to_pandas()["x"].tolist() == [0, 0]
    assert heirloom.table("e/*/0/1").to_pandas()["x"].tolist() == [100, 1]


def test_only_the_files_of_a_filter_are_read() -> None:
    table = heirloom.table("e/replace/0/*")
    is_seventh = ds.field("generation") == 7
    assert [Path(fragment.path).parent.name for fragment in table.arrow.get_fragments(is_seventh)] == ["gen=7"]
    assert table.arrow.to_table(filter=is_seventh)["x"].to_pylist() == [7]


def test_a_dataset_that_is_not_as_recorded_is_refused() -> None:
    path = Path(kinds.SYNTHETIC.path("e", "replace", 0, 3))
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(HeirloomError, match=r"gen=3/synthetic\.parquet"):
        heirloom.table("e/replace/0/*")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            "e/replace/0",
            r"'e/replace/0': expected experiment/regime/seed/generation\[:synthetic\|selected\|train\], \* standing",
        ),
        ("e/replace/0/1:metrics", r"expected experiment/regime/seed/generation"),
        ("e/replace/1/*", r"e/replace/1/\*: no synthetic on this machine matches; `heirloom status` says which generations there are$"),
        ("e/origin/0/0", r"generation 0 has no synthetic rows, it was trained on real ones: e/origin/0/0:train gives them$"),
    ],
)
def test_a_pattern_that_means_nothing_is_one_line(pattern: str, message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        heirloom.table(pattern)


def test_a_column_of_two_types_is_refused() -> None:
    write(kinds.SYNTHETIC, "mixed", 1, x=["text"])
    write(kinds.SYNTHETIC, "mixed", 2, x=[1])
    with pytest.raises(HeirloomError, match="e/mixed/0/\\*: a column is of two types in these generations"):
        heirloom.table("e/mixed/0/*")


def test_the_names_of_the_package_can_be_listed() -> None:
    assert {"diff", "load_dataset", "load_metrics", "plot", "table"} <= set(dir(heirloom))
