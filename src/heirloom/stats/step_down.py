"""Many tests under the same exchanges, one error rate: the step-down procedure of Westfall and Young.

Tests of one comparison see much of the same, and a correction that only counts them pays for each in full. Here the
exchanges themselves tell how small the smallest of all p-values is by chance.

Shapes: T tests, P permutations (the first is the data).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heirloom.stats.permutation import TestResult
from heirloom.stats.samples import Floats


def adjusted_p(results: Sequence[TestResult]) -> Floats:
    """Return the adjusted p-value of each test, in the order given, shape (T,): reject those at most the level.

    The k-th smallest p-value becomes the share of exchanges under which any of the tests from the k-th on has a p-value at
    most as small, at least itself, and never falls from k to k + 1. If the two samples have one law, the chance of any false alarm is at
    most the level. Source: Westfall and Young 1993, "Resampling-based multiple testing", algorithm 2.8. A test with
    exchanges of its own adds its p-value, so that of such tests alone this is Holm's procedure (Holm 1979).
    """
    adjusted_T = np.zeros(len(results))
    smallest_P, num_separate, steps = None, 0, []
    order = np.argsort([result.p_value for result in results], kind="stable")
    for number in order[::-1]:
        result = results[number]
        if result.exchanged_p is None:
            num_separate += 1
        else:
            smallest_P = result.exchanged_p if smallest_P is None else np.minimum(smallest_P, result.exchanged_p)
        shared_chance = 0.0 if smallest_P is None else float((smallest_P <= result.p_value).mean())
        chance = shared_chance + num_separate * result.p_value
        steps.append(min(1.0, max(result.p_value, chance)))
    if steps:
        adjusted_T[order] = np.maximum.accumulate(steps[::-1])
    return adjusted_T
