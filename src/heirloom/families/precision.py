"""Mean and variance in a chosen floating-point type, storage and arithmetic, every operation rounded to it.

Rows are counted from the first one, so rows that are all equal have that mean and the variance 0 exactly, and stay so:
otherwise the rounding of their mean would bring an ended chain back to life. Sums run over a binary tree of rounded
additions: the same on every machine, and with an error that grows with log n (Higham 1993, The accuracy of floating
point summation), so what is seen is the type's precision and not a poor algorithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError

Narrow = NDArray[Any]


def dtype(name: str) -> np.dtype[Any]:
    """Return the type of that name: float16, bfloat16, float32 or float64."""
    if name != "bfloat16":
        return np.dtype(name)
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)


def mean_and_variance(x_RN: NDArray[np.float64], name: str, ddof: int) -> tuple[Narrow, Narrow]:
    """Return mean and variance of each replica's rows, shape (R,) each, in the type ``name``.

    Parameters
    ----------
    x_RN
        Rows; values that are not of the type are rounded to it first.
    ddof
        The variance is divided by N - ddof.

    Raises
    ------
    HeirloomError
        If a sum is larger than the type can hold.
    """
    narrow = dtype(name)
    num_rows = x_RN.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):  # reported below, in words
        x_NR = x_RN.T.astype(narrow)
        from_first_NR = x_NR - x_NR[0]
        shift_R = _sum(from_first_NR) / narrow.type(num_rows)
        mean_R = x_NR[0] + shift_R
        deviation_NR = from_first_NR - shift_R
        variance_R = _sum(deviation_NR * deviation_NR) / narrow.type(num_rows - ddof)
    if not (np.isfinite(mean_R).all() and np.isfinite(variance_R).all()):
        raise HeirloomError(f"family.training.precision: {name} cannot hold a sum over {num_rows} rows; use fewer rows or another type")
    return mean_R, variance_R


def _sum(values_NR: Narrow) -> Narrow:
    """Add up rows in pairs, then pairs of pairs, an odd one joining the first; shape (R,)."""
    while len(values_NR) > 1:
        num_rows = len(values_NR)
        half = num_rows // 2
        halved_NR = values_NR[:half] + values_NR[half : 2 * half]
        if num_rows % 2:
            halved_NR[0] += values_NR[-1]
        values_NR = halved_NR
    return values_NR[0]
