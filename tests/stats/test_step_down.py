"""The correction for many tests under the same exchanges, worked out by hand, and its level."""

from __future__ import annotations

import numpy as np
import pytest

from heirloom.runtime.streams import Stream
from heirloom.stats.exchange import exchange
from heirloom.stats.holm import holm
from heirloom.stats.permutation import TestResult, one_sided
from heirloom.stats.samples import Floats
from heirloom.stats.step_down import adjusted_p

MOVES = exchange(np.arange(4), np.arange(4), Stream((0, "step down")), 1)


def of(*p_values: float) -> TestResult:
    return TestResult("x", 0, p_values[0], len(p_values) - 1, 1, "", exchanged_p=np.array(p_values))


def result_of(p_value: float) -> TestResult:
    return TestResult("y", 0, p_value, 3, 1, "")


@pytest.mark.parametrize(
    ("results", "adjusted"),
    [
        ([], []),
        ([of(0.25, 0.5, 0.75, 1), of(0.25, 0.5, 0.75, 1)], [0.25, 0.25]),  # two that are one cost nothing
        ([of(0.5, 0.25, 1, 0.75), of(0.25, 1, 0.75, 0.5)], [0.5, 0.5]),
        ([of(0.75, 0.25, 1, 0.5), of(0.25, 0.5, 0.75, 1)], [0.75, 0.5]),
        ([of(0.25, 0.5, 0.75, 1), result_of(0.2)], [0.25, 0.2]),
        ([of(0.25, 0.5, 0.75, 1), result_of(0.3)], [0.5, 0.5]),
        ([result_of(0.01), result_of(0.04), result_of(0.03)], [0.03, 0.06, 0.06]),
        ([of(0.1, 1, 1, 1)], [0.25]),
    ],
)
def test_a_p_value_becomes_the_share_of_exchanges_with_one_as_small(results: list[TestResult], adjusted: list[float]) -> None:
    assert adjusted_p(results).tolist() == pytest.approx(adjusted)


def test_the_level_is_held_and_more_is_found_than_by_counting_the_tests() -> None:
    generator = Stream((0, "level")).generator()

    def draw(effect: float) -> tuple[float, float]:
        values: Floats = generator.standard_normal((200, 1)) + 0.5 * generator.standard_normal((200, 5))
        values[0] += effect
        results = [one_sided("x", column, MOVES, "") for column in values.T]
        return adjusted_p(results).min(), holm([result.p_value for result in results]).min()

    under_null, shifted = (np.array([draw(effect) for _ in range(500)]) <= 0.05 for effect in (0.0, 2.5))
    assert 0.05 - 4 * np.sqrt(0.05 * 0.95 / 500) < under_null[:, 0].mean() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 500)
    assert shifted[:, 0].sum() > 1.1 * shifted[:, 1].sum()
