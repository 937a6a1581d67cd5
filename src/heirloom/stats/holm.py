"""Many tests, one error rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from heirloom.errors import HeirloomError
from heirloom.stats.samples import Floats


def holm(p_values: ArrayLike) -> Floats:
    """Return Holm's adjusted p-values, in the order given: reject those at most the level.

    The k-th smallest of m becomes max over j <= k of min(1, (m - j + 1) p_(j)); the chance of any false alarm is then at
    most the level, however the tests depend on each other. Source: Holm 1979, "A simple sequentially rejective multiple
    test procedure", theorem 1.

    Raises
    ------
    HeirloomError
        If a p-value is outside [0, 1].
    """
    p_M = np.asarray(p_values, dtype=np.float64)
    is_valid_M = (p_M >= 0) & (p_M <= 1)
    if not is_valid_M.all():
        raise HeirloomError(f"p-values must lie in [0, 1], got {p_M[~is_valid_M][0]}")
    order_M = np.argsort(p_M, kind="stable")
    steps_M = np.minimum(1, p_M[order_M] * np.arange(p_M.size, 0, -1))
    adjusted_M = np.empty_like(p_M)
    adjusted_M[order_M] = np.maximum.accumulate(steps_M)
    return adjusted_M
