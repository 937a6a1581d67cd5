"""Ancestry on datasets of a handful of rows, where every figure can be counted by hand."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from heirloom.data import ancestry
from heirloom.data.ancestry import Writer
from heirloom.data.dataset import Dataset, Piece
from heirloom.data.members import in_population
from heirloom.data.rows import text_table, vector_table
from heirloom.data.storage import InMemory


def real(count: int, first: int = 0) -> Dataset:
    return Dataset.of(text_table(np.zeros((count, 2), np.int32), [""] * count, first_row=first))


def written(count: int, born: int, writer: Writer, prompts: bool = True) -> Dataset:
    parents = list(range(count)) if prompts else None
    return Dataset.of(text_table(np.zeros((count, 2), np.int32), [""] * count, first_row=0, born=born, parent=parents, writer=writer))


def joined(*parts: Dataset) -> Dataset:
    return Dataset([piece for part in parts for piece in part.pieces])


def test_a_model_of_real_rows_writes_rows_of_depth_one() -> None:
    writer = real(4).tally.writer("m")
    assert (writer.depth.tolist(), writer.depth_max.tolist()) == ([1.0], [1])


def test_depth_is_one_more_than_the_mean_and_the_maximum_of_the_writers_rows() -> None:
    first = written(3, 1, real(4).tally.writer("m0"))
    second = joined(real(1), first).tally.writer("m1")
    assert (second.depth.tolist(), second.depth_max.tolist()) == ([1.75], [2])
    third = joined(real(2), first, written(3, 2, second)).tally.writer("m2")
    assert third.depth.tolist() == [1 + (3 * 1.0 + 3 * 1.75) / 8]
    assert third.depth_max.tolist() == [3]


def test_every_replica_has_its_own_depth() -> None:
    x = np.zeros((2, 2, 1))
    first = vector_table(x, born=1, writer=Writer("m0", np.array([1.0, 1.0]), np.array([1, 1], np.int32)))
    rows = Dataset([Piece(InMemory(vector_table(x)), np.array([0])), Piece(InMemory(first), np.array([1, 2, 3]))])
    writer = rows.tally.writer("m1")
    assert (writer.depth.tolist(), writer.depth_max.tolist()) == ([1.5, 2.0], [2, 2])


def test_a_file_and_the_pieces_it_was_written_from_have_the_same_tally(tmp_path: Path) -> None:
    first = written(3, 1, Writer("m0", np.array([1.1]), np.array([1], np.int32)))
    mixed = joined(real(7), first, written(6, 2, Writer("m1", np.array([1.0 + 1 / 3]), np.array([2], np.int32))))
    mixed.write(tmp_path / "train.parquet")
    mine, theirs = mixed.tally, Dataset.open(tmp_path / "train.parquet").tally
    assert mine.counts.tolist() == theirs.counts.tolist() == [[7, 3, 6]]
    assert mine.mean_depth.tolist() == theirs.mean_depth.tolist()
    assert mine.prompted == theirs.prompted == 9


def test_the_figures_count_rows_tokens_prompts_and_distinct_real_rows() -> None:
    first = written(6, 1, real(4).tally.writer("m0"))
    mixed = joined(real(2), real(2), first)
    rows = mixed.tally
    assert mixed.count_distinct_real() == 2
    assert ancestry.figures(rows, 2) == {
        "ancestry.real_row_share": 0.4,
        "ancestry.depth_mean": 0.6,
        "ancestry.depth_max": 1.0,
        "ancestry.distinct_real_rows": 2.0,
    }
    assert ancestry.token_figures(rows) == {"ancestry.real_token_share": 0.4, "ancestry.real_token_share_prompted": 10 / 16}


def test_rows_without_a_prompt_carry_no_real_tokens() -> None:
    first = written(6, 1, real(4).tally.writer("m0"), prompts=False)
    figures = ancestry.token_figures(joined(real(2), first).tally)
    assert figures["ancestry.real_token_share_prompted"] == figures["ancestry.real_token_share"] == 0.25


@pytest.mark.parametrize("replicas", [1, 3])
def test_real_rows_are_told_apart_within_a_replica(replicas: int) -> None:
    x = np.zeros((replicas, 5, 1))
    rows = Dataset([Piece(InMemory(vector_table(x))), Piece(InMemory(vector_table(x)), np.array([0, 1]))])
    assert rows.count_distinct_real() == 5 * replicas


def test_counting_real_rows_holds_few_bytes_a_row_however_many_batches_bring_new_replicas() -> None:
    replicas, rows = 64, 100
    table = vector_table(np.zeros((replicas, rows, 1)))
    batches = [table.slice(replica * rows, rows).to_batches()[0] for replica in range(replicas)]
    tracemalloc.start()
    count = ancestry.count_distinct_real(batches)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == replicas * rows
    assert peak < 4 * replicas * rows


def test_a_row_s_first_ancestors_are_found_line_by_line(tmp_path: Path) -> None:
    originals = in_population(real(4), 2)
    mine, theirs = (originals.tally.writer(f"m{member}", member) for member in (0, 1))
    first = joined(in_population(real(1), 2), written(2, 1, mine), written(1, 1, theirs))
    shares = [[0.5 + 0.25, 0.25]]  # two rows of four by the first member, one by the second; the line of a real row ends at the writer
    assert first.tally.founders(0).tolist() == shares
    second = joined(written(2, 2, first.tally.writer("m2", 0)), written(2, 2, theirs))
    second.write(tmp_path / "train.parquet")
    for tally in (second.tally, Dataset.open(tmp_path / "train.parquet").tally):
        assert ancestry.population_figures(tally, 1, ["a", "b"]) == {
            "ancestry.written_by.a": 0.5,
            "ancestry.written_by.b": 0.5,
            "ancestry.first_ancestor.a": 0.375,
            "ancestry.first_ancestor.b": 0.625,
            "ancestry.founders": 1 / (0.375**2 + 0.625**2),
        }


def test_two_writers_of_one_generation_keep_depths_of_their_own() -> None:
    originals = in_population(real(4), 2)
    deep = joined(written(4, 1, originals.tally.writer("m0", 0))).tally.writer("m1", 0)
    rows = joined(written(3, 2, deep), written(1, 2, originals.tally.writer("n0", 1)))
    assert rows.tally.writer("m2", 0).depth.tolist() == [1 + (3 * 2 + 1 * 1) / 4]
    assert rows.tally.counts.tolist() == [[3, 1]]


def test_real_rows_of_a_population_have_its_columns_and_no_writer(tmp_path: Path) -> None:
    in_population(real(3), 2).write(tmp_path / "rows.parquet")
    frame = Dataset.open(tmp_path / "rows.parquet").table().to_pandas()
    assert frame["population_member"].tolist() == [-1] * 3
    assert np.stack(frame["first_ancestors"].to_list()).tolist() == [[0.0, 0.0]] * 3
    figures = ancestry.population_figures(in_population(real(3), 2).tally, 1, ["a", "b"])
    assert [figures[f"ancestry.{name}"] for name in ("first_ancestor.a", "first_ancestor.b", "founders")] == [0.0, 0.0, 1.0]
