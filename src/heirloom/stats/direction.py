"""Where did the law go: narrower, broader or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from heirloom.stats.permutation import TestResult

Direction = Literal["same", "narrower", "broader", "elsewhere"]
LEVEL = 0.05


def direction(results: Sequence[TestResult], level: float = LEVEL) -> Direction:
    """Return what all tests together say. Holm's correction over all results is applied inside.

    ``same`` if no test is significant at the level after Holm's correction. Otherwise the signed tests of breadth decide:
    ``entropy`` and ``types`` for text, ``spread`` for vectors. If those that are significant all fell, ``narrower``; if all
    rose, ``broader``; if they disagree or none is significant, ``elsewhere``.
    """
    raise NotImplementedError
