"""What the members of a population are dealt, row by row."""

from __future__ import annotations

import numpy as np
import pytest

from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.dealing import dealt, share_of_pool
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.specs.population import Exchange

STREAM = Stream((0, "arm", 1, "dealt"))
REPLICAS, ROWS = 3, 20


def rows(first: float, count: int) -> Dataset:
    """Return rows whose x is ``first``, ``first + 1``, … in every replica."""
    x = np.broadcast_to(np.arange(count) + first, (REPLICAS, count))
    return Dataset.of(vector_table(x[:, :, None].astype(float)))


def exchange(*weights: tuple[float, ...], public: float = 0.0, shares: tuple[float, ...] = ()) -> Exchange:
    return Exchange(weights=weights, shares=shares or (1 / len(weights),) * len(weights), public=public)


def hands(who_reads_whom: Exchange, count: int) -> np.ndarray:
    """Return what each member is dealt, of sets whose x begin at 100 (of the first member), 200, …: shape (M, R, count)."""
    numbers = range(len(who_reads_whom.weights))
    hands = []
    for member in numbers:
        sets = [rows(100.0 * (writer + 1), ROWS) for writer in numbers if who_reads_whom.weights[member][writer]]
        hands.append(dealt(sets, who_reads_whom, member, count, REPLICAS, STREAM).by_replica()[:, :, 0])
    return np.array(hands)


def test_a_member_reads_exactly_its_share_of_each_writer() -> None:
    got = hands(exchange((0.7, 0.3, 0.0), (0.3, 0.4, 0.3), (0.0, 0.3, 0.7)), 20)
    by_writer = [[np.bincount(hand.astype(int) // 100, minlength=4)[1:].tolist() for hand in member] for member in got]
    assert by_writer == [[[14, 6, 0]] * REPLICAS, [[6, 8, 6]] * REPLICAS, [[0, 6, 14]] * REPLICAS]


def test_no_row_goes_to_two_members_and_none_is_left_where_all_are_read() -> None:
    got = hands(exchange((0.5, 0.5), (0.5, 0.5)), ROWS)
    for replica in range(REPLICAS):
        assert sorted(got[:, replica].ravel()) == [*range(100, 120), *range(200, 220)]
    assert not np.array_equal(got[:, 0], got[:, 1])


def test_a_member_is_dealt_the_same_rows_whoever_asks_first() -> None:
    who = exchange((0.5, 0.5), (0.5, 0.5))
    sets = [rows(100.0, ROWS), rows(200.0, ROWS)]
    alone = dealt(sets, who, 1, ROWS, REPLICAS, STREAM).by_replica()
    assert np.array_equal(alone[:, :, 0], hands(who, ROWS)[1])


def test_every_row_of_a_writer_is_as_likely_to_be_dealt_to_a_member() -> None:
    who = exchange((0.5, 0.5), (0.5, 0.5))
    sets = [rows(0.0, 10), rows(100.0, 10)]
    times = np.zeros(10)
    for generation in range(200):
        hand = dealt(sets, who, 0, 10, REPLICAS, Stream((0, generation))).by_replica()
        times += np.bincount(hand[hand < 100].astype(int), minlength=10)
    standard_error = np.sqrt(200 * REPLICAS * 0.25)
    assert np.abs((times - 200 * REPLICAS / 2) / standard_error).max() < 4


def test_more_rows_than_a_writer_has_cannot_be_dealt() -> None:
    with pytest.raises(HeirloomError, match="`synthetic_from` needs 40 rows, but a member's synthetic set has 20"):
        hands(exchange((1.0, 0.0), (1.0, 0.0)), ROWS)


def test_the_pool_is_cut_into_a_public_part_that_all_read_and_segments_of_their_own() -> None:
    pool = rows(0.0, 100)
    who = exchange((1.0, 0.0), (0.0, 1.0), public=0.2, shares=(0.75, 0.25))
    first, second = (share_of_pool(pool, who, member, REPLICAS, Stream((0, "segments"))).by_replica()[:, :, 0] for member in (0, 1))
    assert (first.shape[1], second.shape[1]) == (20 + 60, 20 + 20)
    for one, other in zip(first, second, strict=True):
        assert len({*one} & {*other}) == 20
        assert {*one} | {*other} == {*range(100)}
        assert sorted(one) == [*one]
    assert not np.array_equal(first[0], first[1])
