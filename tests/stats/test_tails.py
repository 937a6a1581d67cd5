"""Who holds the outermost rows: the run, its exact chance over all exchanges, and what the test finds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from heirloom.stats.exchange import exchange, row_keys
from heirloom.stats.samples import Floats
from heirloom.stats.tails import tails_test
from heirloom.streams import Stream

STREAM = Stream((0, "tails"))


def line(*numbers: float) -> Floats:
    return np.array(numbers, dtype=np.float64)[:, None]


def test_the_chance_of_a_run_is_counted_over_all_exchanges() -> None:
    # Distances from the centre, 0: the three outermost rows are A's.
    a, b = line(9, -9, 8, 1, -1), line(-7, 7, -2, 2, -8 + 1e-9)
    found = tails_test(a, b, exchange(*row_keys(None, None, 5, 5), STREAM, 9))
    deals = list(itertools.combinations(range(10), 5))
    together = sum({0, 1, 2} <= set(deal) or not {0, 1, 2} & set(deal) for deal in deals)
    assert (found.name, found.statistic) == ("tails", -3)
    assert found.p_value == pytest.approx(together / len(deals) / 0.8)


def test_pairs_trade_places_one_by_one() -> None:
    a, b = line(9, -9, 8, 1), line(1, -1, -1, -7.99)
    found = tails_test(a, b, exchange(np.arange(4), np.arange(4), STREAM, 9))
    assert found.statistic == -3
    assert found.p_value == pytest.approx(2 / 2**3 / 0.8)


def test_rows_that_tie_count_together_or_not_at_all() -> None:
    a, b = line(5, 5, 5, 0, -1), line(5, 0, 0, 1, -1)
    assert tails_test(a, b, exchange(*row_keys(None, None, 5, 5), STREAM, 9)).statistic == 0


def test_one_tail_is_named_and_belongs_to_the_sample_that_holds_it() -> None:
    a, b = STREAM.child("a").generator().uniform(-1, 1, (200, 1)), STREAM.child("b").generator().uniform(-1, 1, (200, 1))
    b[b > 0.9] = 0.95 + b[b > 0.9] / 10  # beyond all of A's, but no further from the centre than A's lowest
    found = tails_test(a, b, exchange(*row_keys(None, None, 200, 200), STREAM, 9))
    assert (found.name, found.statistic > 0, found.p_value < 0.05) == ("one tail", True, True)


def test_constant_rows_have_no_tails() -> None:
    found = tails_test(np.ones((9, 2)), np.ones((9, 2)), exchange(*row_keys(None, None, 9, 9), STREAM, 9))
    assert (found.statistic, found.p_value) == (0, 1)
    assert math.isfinite(tails_test(np.ones((9, 40)), np.ones((9, 40)), exchange(*row_keys(None, None, 9, 9), STREAM, 9)).p_value)
