"""Who holds the outermost rows: the run, its exact chance over all exchanges, and what the test finds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from heirloom.runtime.streams import Stream
from heirloom.stats.exchange import exchange, row_keys
from heirloom.stats.permutation import TestResult
from heirloom.stats.samples import Floats
from heirloom.stats.tails import tail_tests

STREAM = Stream((0, "tails"))


def line(*numbers: float) -> Floats:
    return np.array(numbers, dtype=np.float64)[:, None]


def runs_of(a: Floats, b: Floats, *, paired: bool = False) -> dict[str, TestResult]:
    keys_a, keys_b = (np.arange(len(a)), np.arange(len(b))) if paired else row_keys(None, None, len(a), len(b))
    return {result.name: result for result in tail_tests(a, b, exchange(keys_a, keys_b, STREAM, 9))}


def test_the_chance_of_a_run_is_counted_over_all_exchanges() -> None:
    # Distances from the centre, 0: the three outermost rows are A's.
    tails = runs_of(line(9, -9, 8, 1, -1), line(-7, 7, -2, 2, -8 + 1e-9))["tails"]
    deals = list(itertools.combinations(range(10), 5))
    together = sum({0, 1, 2} <= set(deal) or not {0, 1, 2} & set(deal) for deal in deals)
    assert tails.statistic == -3
    assert tails.p_value == pytest.approx(together / len(deals))


def test_pairs_trade_places_one_by_one() -> None:
    tails = runs_of(line(9, -9, 8, 1), line(1, -1, -1, -7.99), paired=True)["tails"]
    assert (tails.statistic, tails.p_value) == (-3, 2 / 2**3)


def test_under_every_exchange_the_run_has_the_p_value_that_it_would_have_as_data() -> None:
    generator = STREAM.child("exchanges").generator()
    a, b = generator.standard_normal((6, 1)).round(1), generator.standard_normal((6, 1)).round(1)
    moves = exchange(*row_keys(None, None, 6, 6), STREAM, 20)
    results = tail_tests(a, b, moves)
    in_a_PN = moves.in_a[:, np.concatenate([moves.blocks_a, moves.blocks_b])] > 0
    x = np.concatenate([a, b])
    for number, in_a_N in enumerate(in_a_PN):
        as_data = tail_tests(x[in_a_N], x[~in_a_N], exchange(*row_keys(None, None, 6, 6), STREAM, 1))
        expected = [result.p_value for result in as_data]
        assert [result.exchanged_p[number] for result in results if result.exchanged_p is not None] == pytest.approx(expected)


def test_rows_that_tie_count_together_or_not_at_all() -> None:
    assert runs_of(line(5, 5, 5, 0, -1), line(5, 0, 0, 1, -1))["tails"].statistic == 0
    many = np.array([[3.0]] * 3 + [[1.0]] * 80)
    assert runs_of(many, many[3:])["one tail"].statistic == -3


def test_one_tail_belongs_to_the_sample_that_holds_it_and_pays_for_both_ends() -> None:
    a, b = STREAM.child("a").generator().uniform(-1, 1, (200, 1)), STREAM.child("b").generator().uniform(-1, 1, (200, 1))
    b[b > 0.9] = 0.95 + b[b > 0.9] / 10  # beyond all of A's, but no further from the centre than A's lowest
    results = runs_of(a, b)
    run = int(results["one tail"].statistic)
    assert run == (b > a.max()).sum() > 8
    draws = np.arange(run)
    assert results["one tail"].p_value == pytest.approx(2 * 2 * np.prod((200 - draws) / (400 - draws)))
    assert results["tails"].p_value > 0.05


def test_constant_rows_have_no_tails_and_many_dimensions_no_ends() -> None:
    results = runs_of(np.ones((9, 2)), np.ones((9, 2)))
    assert {(result.statistic, result.p_value) for result in results.values()} == {(0, 1)}
    wide = runs_of(np.ones((9, 40)), np.ones((9, 40)))
    assert (list(wide), wide["tails"].p_value) == (["tails"], 1)
