"""The rule of direction."""

from __future__ import annotations

import pytest

from heirloom.stats.direction import direction
from heirloom.stats.permutation import TestResult


def result(name: str, statistic: float, p_value: float) -> TestResult:
    return TestResult(name, statistic, p_value, 999, 10, "")


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], "same"),
        ([result("entropy", -1, 0.03), result("types", -1, 0.03)], "same"),
        ([result("entropy", -1, 0.001), result("types", 5, 0.9)], "narrower"),
        ([result("entropy", -1, 0.001), result("types", -5, 0.001)], "narrower"),
        ([result("entropy", 1, 0.001), result("types", 5, 0.2)], "broader"),
        ([result("entropy", 1, 0.001), result("types", -5, 0.001)], "elsewhere"),
        ([result("divergence", 1, 0.001), result("entropy", -1, 0.2)], "elsewhere"),
        ([result("mean", 1, 0.001), result("spread", -1, 0.001)], "narrower"),
        ([result("mean", 1, 0.001), result("spread", -1, 0.4)], "elsewhere"),
    ],
)
def test_significant_tests_of_breadth_decide(results: list[TestResult], expected: str) -> None:
    assert direction(results) == expected
