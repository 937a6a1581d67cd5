from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heirloom.artefacts.manifest import seal
from heirloom.data.ancestry import Writer
from heirloom.data.dataset import Dataset, Piece, write_batches
from heirloom.data.rows import text_table, vector_table
from heirloom.data.storage import BATCH_ROWS, InMemory
from heirloom.errors import HeirloomError


def text(first: int, count: int, **ancestry: object) -> Dataset:
    tokens = (np.arange(count * 4, dtype=np.int32) + 4 * first).reshape(count, 4)
    return Dataset.of(text_table(tokens, [f"row {first + i} é" for i in range(count)], first_row=first, **ancestry))  # type: ignore[arg-type]


def test_text_rows_have_the_columns_of_the_contract_and_open_with_pandas_and_datasets(tmp_path: Path) -> None:
    import datasets

    mixed = Dataset(
        [*text(0, 2).pieces, *text(0, 2, born=3, parent=[7, 9], writer=Writer("c" * 64, np.array([2.5]), np.array([3], np.int32))).pieces]
    )
    path = tmp_path / "train.parquet"
    mixed.write(path)
    frame = pd.read_parquet(path)
    assert list(frame.columns) == ["row", "tokens", "text", "kind", "born", "depth", "depth_max", "parent", "model"]
    assert frame["kind"].tolist() == ["real", "real", "synthetic", "synthetic"]
    assert frame["depth"].tolist() == [0.0, 0.0, 2.5, 2.5]
    assert frame["depth_max"].tolist() == [0, 0, 3, 3]
    assert frame["parent"].isna().tolist() == [True, True, False, False]
    assert frame["tokens"].iloc[3].tolist() == [4, 5, 6, 7]
    hub_dataset = datasets.load_dataset("parquet", data_files=str(path), cache_dir=str(tmp_path / "cache"))["train"]
    assert hub_dataset[2]["text"] == "row 0 é"
    assert hub_dataset[2]["parent"] == 7


def test_the_bytes_of_a_file_depend_on_the_rows_alone_and_not_on_how_they_came(tmp_path: Path) -> None:
    rows = text(0, 100)
    rows.write(tmp_path / "one")
    write_batches(tmp_path / "two", (batch for start in range(0, 100, 7) for batch in text(start, min(7, 100 - start)).batches()))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_selection_of_a_file_is_the_same_as_of_the_table_in_memory(tmp_path: Path) -> None:
    rows = text(0, 3 * BATCH_ROWS // 2)
    rows.write(tmp_path / "rows.parquet")
    positions = np.array([0, 5, BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS + 7])
    on_disk = Dataset.open(tmp_path / "rows.parquet")
    assert on_disk.num_rows == rows.num_rows
    assert on_disk.take(positions).table(["row"])["row"].to_pylist() == positions.tolist()
    assert on_disk.take(positions).take(np.array([1, 4])).table(["row"])["row"].to_pylist() == [5, BATCH_ROWS + 7]
    assert rows.take(positions).table(["row"])["row"].to_pylist() == positions.tolist()


def test_vectors_survive_the_round_trip_with_replicas_leading(tmp_path: Path) -> None:
    x = np.arange(2 * 3 * 2, dtype=float).reshape(2, 3, 2)
    Dataset.of(vector_table(x)).write(tmp_path / "x.parquet")
    assert np.array_equal(Dataset.open(tmp_path / "x.parquet").by_replica(), x)


def test_a_mixture_read_back_from_its_file_gives_the_same_array_as_in_memory(tmp_path: Path) -> None:
    first, second = np.arange(12.0).reshape(2, 3, 2), -np.arange(8.0).reshape(2, 2, 2)
    mixed = Dataset([Piece(InMemory(vector_table(first)), np.array([0, 2, 3, 5])), *Dataset.of(vector_table(second)).pieces])
    mixed.write(tmp_path / "mixed.parquet")
    expected = np.concatenate([first[:, [0, 2]], second], axis=1)
    assert np.array_equal(mixed.by_replica(), expected)
    assert np.array_equal(Dataset.open(tmp_path / "mixed.parquet").by_replica(), expected)


def test_chunks_are_always_full_and_the_last_repeats_its_last_row() -> None:
    chunks = list(text(0, 7).chunks("tokens", 3))
    assert [len(chunk) for chunk in chunks] == [3, 3, 3]
    assert chunks[2][:, 0].tolist() == [24, 24, 24]
    assert [chunk[:, 0].tolist() for chunk in text(0, 6).chunks("tokens", 3)] == [[0, 4, 8], [12, 16, 20]]
    assert [len(chunk) for chunk in Dataset([*text(0, 2).pieces, *text(2, 5).pieces]).chunks("tokens", 4)] == [4, 4]


def test_the_content_hash_follows_the_rows_and_their_order(tmp_path: Path) -> None:
    rows = text(0, 5)
    assert rows.digest() == text(0, 5).digest()
    assert rows.digest() != text(1, 5).digest()
    assert rows.take(np.array([0, 1])).digest() != rows.take(np.array([0, 2])).digest()
    path = tmp_path / "rows.parquet"
    rows.write(path)
    seal([path], {})
    assert Dataset.open(path).digest() == Dataset.open(path).digest() != rows.digest()


def test_rows_of_unequal_length_a_missing_file_and_an_empty_dataset_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HeirloomError, match="no such dataset"):
        Dataset.open(tmp_path / "missing.parquet")
    with pytest.raises(HeirloomError, match="a dataset without rows"):
        write_batches(tmp_path / "none.parquet", [])
    assert not (tmp_path / "none.parquet").exists()
