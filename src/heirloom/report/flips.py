"""A test by flips: if two arms were equal, the whole difference of a unit could as well have the other sign.

The test is exact, whatever the law of a measure is, and however its generations depend on each other.
"""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from heirloom.runtime.streams import Stream

NOMINAL = 0.025
"""Largest chance of an onset in a stage of an arm that is the control, if the seeds allow it; one-sided, because a gain is no loss."""

FEWEST = 5
"""Units below which no onset is estimable: with five, one of 32 flips is 3.1 %."""
ENOUGH = 6
"""Units from which on the level is `NOMINAL` or less: one of 64 flips is 1.6 %."""

ALL_UP_TO = 12
"""Units up to which every flip is computed; of more units, `DRAWN` flips are."""
DRAWN = 4096

TOLERANCE = 1e-9
"""Tolerance of a statistic that lies between -sqrt(U) and sqrt(U), so that sums in another order are equal."""


def p_values(losses_MUG: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the p-value of each measure and generation, shape (M, G), adjusted for their number (Westfall and Young 1993).

    The statistic is sum_u d / sqrt(sum_u d²), which rises with Student's t. A flip changes the sign of whole units. The p-value is the
    share of flips whose greatest statistic over all measures and generations is at least as great.

    Parameters
    ----------
    losses_MUG
        How much more the arm has lost than the control in the same unit, shape (M, U, G); each measure has its own scale.
    """
    length_M1G = np.sqrt((losses_MUG**2).sum(axis=1, keepdims=True))
    unit_MUG = np.divide(losses_MUG, length_M1G, out=np.zeros_like(losses_MUG), where=length_M1G > 0)
    signs_FU = flips(losses_MUG.shape[1])
    greatest_MF = [(signs_FU @ unit_UG).max(axis=1) for unit_UG in unit_MUG]
    greatest_F = np.sort(np.max(greatest_MF, axis=0))
    below_MG = np.searchsorted(greatest_F, unit_MUG.sum(axis=1) - TOLERANCE)
    return np.asarray(1 - below_MG / len(signs_FU))


@cache
def flips(num_units: int) -> NDArray[np.float64]:
    """Return signs of units, shape (F, U), the first all 1: every combination, or `DRAWN` of them, the same in every run."""
    if num_units <= ALL_UP_TO:
        return np.array(list(itertools.product((1.0, -1.0), repeat=num_units)))
    generator = Stream(("onset", num_units)).generator()
    bits_FU = generator.integers(0, 2, (DRAWN - 1, num_units))
    return np.concatenate([np.ones((1, num_units)), 1.0 - 2.0 * bits_FU])


def level(num_units: int) -> float:
    """Return the largest chance of an onset in a stage of an arm that is the control: `NOMINAL`, or the nearest value below it.

    It is a multiple of one over the number of flips. Five units cannot stay below `NOMINAL`, and have 1 / 32.
    """
    num_flips = min(2**num_units, DRAWN)
    return max(1, math.floor(NOMINAL * num_flips)) / num_flips
