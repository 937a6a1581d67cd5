"""Rows of unequal length: padded and back, laid out by length, and counted in tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heirloom import mixing
from heirloom.data import arrow, buckets, pairs, ragged
from heirloom.data.ancestry import Writer
from heirloom.data.choice import joined
from heirloom.data.dataset import Dataset
from heirloom.data.rows import pair_table
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.specs.regime import Original, Regime

END = 0
WRITER = Writer("f" * 64, np.array([1.0]), np.array([1], np.int32))


def rows_of(pairs_of_ids: list[tuple[list[int], list[int]]], writer: Writer | None = None, parents: list[int] | None = None) -> Dataset:
    prompts, completions = (ragged.of_sequences(side) for side in zip(*pairs_of_ids, strict=True))
    stopped = np.array([tokens[-1] == END for _, tokens in pairs_of_ids])
    given, written = ([" ".join(map(str, ids)).removesuffix(f" {END}") for ids in side] for side in zip(*pairs_of_ids, strict=True))
    born = 1 if writer else 0
    return Dataset.of(pair_table(prompts, given, completions, written, stopped, first_row=0, born=born, parent=parents, writer=writer))


def drawn(num_rows: int, seed: int = 0) -> Dataset:
    """Return pairs of 1 to 9 tokens on either side; every completion but each tenth has stopped."""
    rng = Stream((seed, "pairs")).generator()
    sizes = rng.integers(1, 10, (num_rows, 2))
    made = []
    for number, (prompt, completion) in enumerate(sizes.tolist()):
        end = [] if number % 10 == 9 else [END]
        made.append((rng.integers(1, 50, prompt).tolist(), [*rng.integers(1, 50, completion).tolist(), *end]))
    return rows_of(made)


THREE = [([5, 6], [7, END]), ([5], [8, 9, END]), ([5, 6, 7], [END])]


def test_lists_are_padded_on_either_side_and_come_back_the_same() -> None:
    lists = ragged.of_sequences([[1, 2], [3], [4, 5, 6]])
    assert ragged.padded(lists).tolist() == [[1, 2, -1], [3, -1, -1], [4, 5, 6]]
    assert ragged.padded(lists, left=True).tolist() == [[-1, 1, 2], [-1, -1, 3], [4, 5, 6]]
    for left in (False, True):
        assert ragged.lists(ragged.padded(lists, left=left)).to_pylist() == lists.to_pylist()


def test_a_slice_of_lists_is_padded_as_if_it_stood_alone() -> None:
    lists = ragged.of_sequences([[1, 2], [3], [4, 5, 6]]).slice(1)
    assert ragged.padded(lists).tolist() == [[3, -1, -1], [4, 5, 6]]
    assert [(positions.tolist(), tokens.tolist()) for positions, tokens in ragged.equal_lengths(lists)] == [
        ([0], [[3]]),
        ([1], [[4, 5, 6]]),
    ]


def test_lists_below_a_length_are_left_out_of_the_matrices() -> None:
    lists = ragged.of_sequences([[1, 2], [3], [4, 5]])
    assert [tokens.tolist() for _, tokens in ragged.equal_lengths(lists, 2)] == [[[1, 2], [4, 5]]]


def test_unequal_rows_are_never_taken_for_a_matrix_even_where_their_tokens_would_fill_one() -> None:
    lists = ragged.of_sequences([[1], [2, 3, 4]])  # four tokens in two rows
    with pytest.raises(HeirloomError, match="equally long"):
        arrow.as_matrix(lists)


def test_pairs_are_written_and_read_with_their_own_columns(tmp_path: Path) -> None:
    rows_of(THREE).write(tmp_path / "pairs.parquet")
    opened = Dataset.open(tmp_path / "pairs.parquet")
    table = opened.table()
    assert table.column_names[:6] == ["row", "prompt", "prompt_text", "tokens", "text", "stopped"]
    assert table["prompt"].to_pylist() == [[5, 6], [5], [5, 6, 7]]
    assert table["tokens"].to_pylist() == [[7, END], [8, 9, END], [END]]
    assert pairs.are_in(opened)
    assert pairs.stops(opened) == [END]
    assert pairs.lengths(opened, "tokens").tolist() == [2, 3, 1]


def test_equal_pairs_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        drawn(300).write(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_rows_without_an_end_token_have_nothing_to_stop_at() -> None:
    with pytest.raises(HeirloomError, match="all are truncated"):
        pairs.stops(rows_of([([5], [6, 7])]))


def test_a_window_is_cut_into_chunks_of_like_length() -> None:
    assert [chunk.tolist() for chunk in buckets.chunks(np.array([9, 1, 5, 1, 9, 5, 7]), 2)] == [[1, 3], [2, 5], [6, 0], [4]]


@pytest.mark.parametrize("chunk_rows", [1, 3, 128])
def test_every_row_is_in_one_chunk_and_what_is_written_comes_back_in_order(chunk_rows: int) -> None:
    dataset = drawn(250)
    numbers = range(pairs.count_chunks(dataset.num_rows, chunk_rows))
    chunks = list(pairs.prompt_chunks(dataset, chunk_rows, numbers))
    assert len(chunks) == len(numbers)
    assert {len(chunk.rows) for chunk in chunks} == {chunk_rows}
    assert set(np.concatenate([chunk.rows for chunk in chunks]).tolist()) == set(range(250))
    written = (np.where(chunk.tokens == ragged.PADDING, ragged.PADDING, chunk.tokens) for chunk in chunks)
    back = [row for _, lists in pairs.in_order(written, dataset, chunk_rows) for row in lists.to_pylist()]
    assert back == dataset.table()["prompt"].to_pylist()


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_the_chunks_are_the_same_whatever_shards_make_them(shards: int) -> None:
    dataset, chunk_rows = drawn(250), 4
    num_chunks = pairs.count_chunks(dataset.num_rows, chunk_rows)
    whole = list(pairs.prompt_chunks(dataset, chunk_rows, range(num_chunks)))
    shares = [range(shard * num_chunks // shards, (shard + 1) * num_chunks // shards) for shard in range(shards)]
    parts = [chunk for share in reversed(shares) for chunk in reversed(list(pairs.prompt_chunks(dataset, chunk_rows, share)))]
    assert [chunk.rows.tolist() for chunk in reversed(parts)] == [chunk.rows.tolist() for chunk in whole]


def test_the_layout_does_not_depend_on_how_the_rows_are_batched(tmp_path: Path) -> None:
    dataset = drawn(250)
    dataset.write(tmp_path / "pairs.parquet")
    pieces = joined([dataset.take(np.arange(100)), dataset.take(np.arange(100, 250))])
    in_memory = [chunk.tolist() for _, chunk, _ in pairs.chunks(dataset, 16)]
    assert [chunk.tolist() for _, chunk, _ in pairs.chunks(Dataset.open(tmp_path / "pairs.parquet"), 16)] == in_memory
    assert [chunk.tolist() for _, chunk, _ in pairs.chunks(pieces, 16)] == in_memory


def test_an_epoch_reads_every_row_once_in_batches_of_like_length() -> None:
    lengths = Stream((0, "lengths")).generator().integers(1, 100, 1000)
    batches = list(buckets.epoch_batches(lengths, 0, 16, Stream((0, "train"))))
    assert sorted(np.concatenate(batches).tolist()) == list(range(1000))
    padded = sum(len(rows) * int(lengths[rows].max()) for rows in batches)
    assert padded < 1.1 * lengths.sum()  # without buckets it is 1.9 times as many


def test_an_epochs_batches_follow_from_lengths_and_stream_alone() -> None:
    lengths = Stream((0, "lengths")).generator().integers(1, 100, 300)
    first, again = (list(buckets.epoch_batches(lengths, 2, 16, Stream((0, "train")))) for _ in range(2))
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]
    later = list(buckets.epoch_batches(lengths, 3, 16, Stream((0, "train"))))
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in later]


def test_uniforms_of_a_row_do_not_depend_on_the_rows_beside_it() -> None:
    stream = Stream((0, "sample"))
    whole = stream.uniforms(0, 10, 5)
    assert np.array_equal(stream.uniforms_of(np.array([7, 2, 2]), 5), whole[[7, 2, 2]])


def test_tokens_are_counted_with_prompts_apart() -> None:
    synthetic = rows_of([([5, 6], [7, 7, 7, END])], WRITER, [0])
    figures = pairs.token_figures(joined([rows_of(THREE), synthetic]))
    assert figures == {
        "ancestry.completion_tokens": 10.0,
        "ancestry.prompt_tokens": 8.0,
        "ancestry.real_token_share": 6 / 10,
        "ancestry.real_token_share_prompted": 14 / 18,
    }


def test_a_mixture_of_pairs_keeps_rows_whole_and_prompts_with_them() -> None:
    real = drawn(40)
    synthetic = rows_of(prompts_and_tokens(drawn(20, seed=1)), WRITER, [*range(20)])
    ingredients = mixing.Ingredients(real, real, [synthetic])
    regime = Regime(original=Original(share=0.5, draw="fixed"))
    train = mixing.mix(regime, ingredients, 20, 1, shuffle=Stream((0, "pool")), lineage=Stream((0, "keep")))
    known = {tuple(map(tuple, row)) for rows in (real, synthetic) for row in prompts_and_tokens(rows)}
    assert train.num_rows == 20
    assert {tuple(map(tuple, row)) for row in prompts_and_tokens(train)} <= known
    assert train.tally.prompted == 10


def prompts_and_tokens(rows: Dataset) -> list[tuple[list[int], list[int]]]:
    table = rows.table(["prompt", "tokens"])
    return list(zip(table["prompt"].to_pylist(), table["tokens"].to_pylist(), strict=True))


def test_memory_is_bounded_by_a_window() -> None:
    dataset = drawn(1000)
    sizes = [batch.num_rows for _, batch in pairs.windows(dataset, ["prompt"], 4)]
    assert sizes == [128] * 7 + [104]
