"""What trades places: pairs as wholes, unpaired units in equal numbers, and nothing else."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.stats.exchange import exchange, row_keys

STREAM = Stream((0, "exchange"))


def test_a_pair_trades_places_or_stays() -> None:
    moves = exchange(np.array([7, 9]), np.array([9, 7]), STREAM, 200)
    assert (moves.blocks_a.tolist(), moves.blocks_b.tolist()) == ([0, 1], [3, 2])
    assert moves.in_a[0].tolist() == [1, 1, 0, 0, 1, 0]  # the last two blocks hold what never moves: here nothing
    assert (moves.in_a[:, :2] + moves.in_a[:, 2:4] == 1).all()
    assert {tuple(row) for row in moves.in_a[:, :2].tolist()} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert (moves.num_units, moves.note) == (2, "2 pairs trade places")


def test_the_surplus_rows_of_a_pair_and_units_of_one_sample_alone_are_left_out() -> None:
    moves = exchange(np.array([1, 1, 2, 1]), np.array([1, 3, 2, 2, 1]), STREAM, 5)
    assert (moves.blocks_a.tolist(), moves.blocks_b.tolist()) == ([0, 0, 1, -1], [2, -1, 3, -1, 2])
    assert moves.note == "2 pairs trade places, 3 rows are left out"


def test_rows_of_key_minus_one_stay_out_and_make_no_pair() -> None:
    moves = exchange(np.array([1, -1, 2]), np.array([-1, 3, -1]), STREAM, 5)
    assert (moves.blocks_a.tolist(), moves.blocks_b.tolist()) == ([0, -1, 1], [-1, 2, -1])
    assert moves.note == "3 unpaired units are dealt anew, 3 rows are left out"


def test_unpaired_units_are_dealt_in_every_way_equally_often() -> None:
    moves = exchange(np.array([1, 2]), np.array([3, 4]), STREAM, 6000)
    assert (moves.blocks_a.tolist(), moves.blocks_b.tolist()) == ([0, 1], [2, 3])
    assert moves.in_a[0].tolist() == [1, 1, 0, 0, 1, 0]
    deals = Counter(tuple(row) for row in moves.in_a[1:, :4].tolist())
    assert len(deals) == 6
    assert all(sum(deal) == 2 and abs(count - 1000) / np.sqrt(6000 * 5 / 36) < 4 for deal, count in deals.items())


def test_rows_of_one_unpaired_key_move_together_beside_the_pairs() -> None:
    moves = exchange(np.array([5, 5, 1, 6]), np.array([1, 8, 8, 8]), STREAM, 50)
    assert moves.blocks_a[0] == moves.blocks_a[1]
    assert len(set(moves.blocks_b[1:].tolist())) == 1
    assert (moves.in_a[:, [0, 1]].sum(axis=1) == 1).all()
    assert (moves.in_a[:, 2:5].sum(axis=1) == 2).all()
    assert moves.note == "1 pairs trade places, 3 unpaired units are dealt anew"


@pytest.mark.parametrize(("num_a", "num_b"), [(38000, 38000), (38000, 20), (7, 5000), (1, 1), (1030, 1029)])
def test_blocks_are_few_equally_large_and_keep_the_numbers_on_both_sides(num_a: int, num_b: int) -> None:
    moves = exchange(*row_keys(None, None, num_a, num_b), STREAM, 20)
    sizes = np.bincount(np.concatenate([moves.blocks_a, moves.blocks_b]), minlength=moves.in_a.shape[1])
    assert moves.in_a.shape[1] <= 1100
    assert len(set(sizes[:-2].tolist())) == 1
    assert (moves.in_a @ sizes == num_a).all()
    assert len(set(moves.blocks_b.tolist()) - {len(sizes) - 1}) >= min(num_b, 32)
    assert moves.in_a[0, moves.blocks_a].all()
    assert not moves.in_a[0, moves.blocks_b].any()
    assert (moves.in_a[:, -2:] == [1, 0]).all()


def test_more_pairs_than_blocks_move_with_their_neighbours() -> None:
    keys = np.arange(1000)
    moves = exchange(keys, keys[::-1], STREAM, 3)
    assert moves.in_a.shape[1] == 2 * 250 + 2
    assert moves.blocks_a.tolist() == (keys // 4).tolist()
    assert (moves.blocks_b[::-1] == moves.blocks_a + 250).all()


def test_keys_must_be_there_for_both_samples_or_for_none_one_a_row() -> None:
    with pytest.raises(HeirloomError, match="both samples or for none"):
        row_keys(np.array([1]), None, 1, 1)
    with pytest.raises(HeirloomError, match="got 1 and 2"):
        row_keys(np.array([1]), np.array([1, 2]), 2, 2)
    with pytest.raises(HeirloomError, match="0 and 1 rows"):
        exchange(np.empty(0, np.int64), np.array([1]), STREAM, 9)
