"""Two models on the same items that each is right or wrong about: shares with intervals, and a paired test.

Shapes: N items.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from heirloom.errors import HeirloomError

LEVEL = 0.95


class Share(NamedTuple):
    """A share of items with its interval at `LEVEL`, all between 0 and 1."""

    value: float
    low: float
    high: float


class Discordance(NamedTuple):
    """Items that one model alone is right about.

    Attributes
    ----------
    lost
        Items that the first model is right about and the second is not.
    gained
        The converse.
    p
        Two-sided p-value of equally many.
    """

    lost: int
    gained: int
    p: float


def share(is_right_N: ArrayLike) -> Share:
    """Return the share of items that a model is right about.

    The interval is over items like these, the model given: Wilson 1927, "Probable inference, the law of succession, and statistical
    inference", which keeps inside 0 and 1.

    Raises
    ------
    HeirloomError
        If there is no item, or one is neither 0 nor 1.
    """
    from scipy.stats import binomtest

    right_N = _verdicts(is_right_N)
    interval = binomtest(int(right_N.sum()), right_N.size).proportion_ci(LEVEL, method="wilson")
    return Share(float(right_N.mean()), float(interval.low), float(interval.high))


def mcnemar(first_N: ArrayLike, second_N: ArrayLike) -> Discordance:
    """Return on how many items two models differ, with the exact test of McNemar.

    If neither model is the better one, each of the b + c items that they differ on is as likely to be lost as to be gained:
    p = min(1, 2 P(X <= min(b, c))), X binomial with b + c trials and probability 1/2. Source: McNemar 1947, "Note on the sampling error
    of the difference between correlated proportions or percentages", with the binomial law in place of its normal approximation.

    Parameters
    ----------
    first_N, second_N
        Whether each model is right about each item, 0 or 1, in one order of the items.

    Raises
    ------
    HeirloomError
        If the numbers of items differ or are 0, or an entry is neither 0 nor 1.
    """
    from scipy.stats import binomtest

    first, second = _verdicts(first_N), _verdicts(second_N)
    if first.size != second.size:
        raise HeirloomError(f"a paired test needs the same items of both models, got {first.size} and {second.size}")
    lost, gained = int((first & ~second).sum()), int((~first & second).sum())
    p = float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0
    return Discordance(lost, gained, min(1.0, p))


def _verdicts(numbers: ArrayLike) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    numbers_N = np.asarray(numbers, dtype=np.float64).reshape(-1)
    if not numbers_N.size or not np.isin(numbers_N, (0.0, 1.0)).all():
        raise HeirloomError(f"each item must be 0 (wrong) or 1 (right), and there must be one; got {numbers_N.size} items")
    return numbers_N.astype(np.bool_)
