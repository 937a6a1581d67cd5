"""A small run of the benchmark: the verdict's false alarms and power."""

from __future__ import annotations

import math
import runpy
from typing import Any

import pytest

from helpers import ROOT

BENCHMARK: dict[str, Any] = runpy.run_path(str(ROOT / "benchmarks/diff_calibration.py"))
NUM_PAIRS = 10


def test_false_alarms_over_all_equal_laws_are_at_most_one_in_twenty() -> None:
    laws = BENCHMARK["EQUAL_LAWS"]
    alarms = {name: NUM_PAIRS - BENCHMARK["verdicts"](draw, name, NUM_PAIRS)["same"] for name, draw in laws.items()}
    expected = 0.05 * NUM_PAIRS * len(laws)
    assert sum(alarms.values()) < expected + 3 * math.sqrt(expected), alarms


def test_rows_of_one_article_taken_as_independent_would_be_false_alarms() -> None:
    verdicts = BENCHMARK["verdicts"](lambda stream: BENCHMARK["own_articles"](stream, keyed=False), "unkeyed", 5)
    assert verdicts["same"] < 5


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [
        ("text: rarest 2 % dropped", "narrower"),
        ("text: temperature 0.9", "narrower"),
        ("text: temperature 1.1", "broader"),
        ("text: bursty, temperature 0.9", "narrower"),
        ("text: every row doubled", "narrower"),
        ("vectors: variance x 0.8, 2,000 rows", "narrower"),
    ],
)
def test_planted_shifts_are_found_and_named(shift: str, verdict: str) -> None:
    assert BENCHMARK["verdicts"](BENCHMARK["SHIFTS"][shift], shift, 5) == {verdict: 5}
