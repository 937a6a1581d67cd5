"""Which arms of a ranking differ for certain: every pair of them, tested by flips of whole seeds, with one error rate for all pairs.

Arms of a seed share real rows and origin, so two equal arms could be exchanged within a seed (`report.flips`).

Shapes: K arms, S seeds.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from heirloom.report.flips import p_values

LEVEL = 0.05
"""Chance that any pair of a ranking is called different if all arms are equal."""


def pair_p_values(losses_KS: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the two-sided p-value of each pair of arms, shape (K, K), adjusted for the number of pairs (Westfall and Young 1993).

    Entry (i, j) is about arm i beside arm j. The statistic of a pair is that of `flips.p_values`, and each pair is looked at from both
    sides. With 8 seeds the smallest p-value is 2 / 256, however many arms there are. Holm's correction of exact tests could not go
    below that number times the number of pairs.

    Parameters
    ----------
    losses_KS
        The measure of each arm and seed; less is better.
    """
    num_arms = len(losses_KS)
    p_KK = np.ones((num_arms, num_arms))
    pairs = list(itertools.permutations(range(num_arms), 2))
    if not pairs:
        return p_KK
    differences_MS1 = np.stack([losses_KS[i] - losses_KS[j] for i, j in pairs])[..., None]
    for (i, j), p in zip(pairs, p_values(differences_MS1)[:, 0], strict=True):
        p_KK[i, j] = min(p_KK[i, j], p)
        p_KK[j, i] = p_KK[i, j]
    return p_KK
