"""Where did the law go: narrower, broader or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from heirloom.stats.holm import holm
from heirloom.stats.permutation import TestResult
from heirloom.stats.step_down import adjusted_p

Direction = Literal["same", "narrower", "broader", "elsewhere"]

LEVEL = 0.05
"""Chance of any false alarm over all tests of one comparison."""

SIGNS_OF_BREADTH = ("entropy", "types", "spread", "spread within replicas", "tails")
"""Tests whose statistic, B - A, falls when the law narrows: the first two for text, the others for vectors."""


def is_decidable(results: Sequence[TestResult], level: float = LEVEL) -> bool:
    """Return whether the exchanges are enough for a test to be significant even if no other is: by Holm's correction."""
    return bool((holm([result.smallest_p for result in results]) <= level).any())


def direction(results: Sequence[TestResult], level: float = LEVEL) -> Direction:
    """Return what all tests of one comparison say together, corrected for their number (`heirloom.stats.step_down`).

    - ``same``: no test is significant at the level.
    - ``narrower``: some test of breadth (`SIGNS_OF_BREADTH`) is significant, and all such fell from A to B.
    - ``broader``: likewise, and all rose.
    - ``elsewhere``: the law changed, but no test of breadth is significant, or they disagree.

    A shift of the mean beside a change of breadth does not alter the answer; the test ``mean`` tells it.
    """
    adjusted_p_values = adjusted_p(results)
    significant = [result for result, p_value in zip(results, adjusted_p_values, strict=True) if p_value <= level]
    if not significant:
        return "same"
    rises = {result.statistic > 0 for result in significant if result.name in SIGNS_OF_BREADTH}
    if rises == {False}:
        return "narrower"
    return "broader" if rises == {True} else "elsewhere"
