"""Linear regression on labels of earlier fits: the error grows without bound, stays bounded, or has a floor.

The risk of one fit to T true rows of d independent standard normal features and labels with noise of variance sigma² is
s = sigma² E tr (X'X)^-1 = sigma² d / (T - d - 1), the mean of an inverted Wishart matrix. Entry g describes model g.
"""

from __future__ import annotations

import numpy as np

from heirloom.errors import HeirloomError
from heirloom.theory.moments import Curve


def one_fit(num_rows: int, num_features: int, noise: float = 1.0) -> float:
    """Return the expected squared error |w - w0|² of least squares, s = sigma² d / (T - d - 1).

    Parameters
    ----------
    num_rows, num_features
        T and d; T must be above d + 1, or the expectation is infinite.
    noise
        Standard deviation sigma of the labels.

    Raises
    ------
    HeirloomError
        If there are too few rows.
    """
    if num_rows <= num_features + 1:
        raise HeirloomError(f"theory: least squares on {num_features} features needs more than {num_features + 1} rows, got {num_rows}")
    return noise**2 * num_features / (num_rows - num_features - 1)


def replace(num_rows: int, num_features: int, num_fits: int, noise: float = 1.0) -> Curve:
    """Return E|w_g - w0|² when each model is fitted to the previous one's labels of one fixed design: t s, t = g + 1.

    Gerstgrasser et al. 2024, "Is model collapse inevitable?", theorem 1 (shown before by Mobahi et al. 2020 and Dohmatob
    et al. 2024). Parameters as in `one_fit`.
    """
    return one_fit(num_rows, num_features, noise) * np.arange(1.0, num_fits + 1)


def accumulate(num_rows: int, num_features: int, num_fits: int, noise: float = 1.0) -> Curve:
    """Return E|w_g - w0|² when each model is fitted to all labels so far of one fixed design: s sum_(i<=t) 1 / i².

    Below s pi² / 6 for ever: Gerstgrasser et al. 2024, theorem 2. Parameters as in `one_fit`.
    """
    return one_fit(num_rows, num_features, noise) * np.cumsum(1 / np.arange(1.0, num_fits + 1) ** 2)


def control(num_rows: int, num_features: int, num_fits: int, noise: float = 1.0) -> Curve:
    """Return E|w_g - w0|² when each model is fitted to T true rows: s. Parameters as in `one_fit`."""
    return np.full(num_fits, one_fit(num_rows, num_features, noise))


def strong_collapse(share: float, gap: float, num_rows: int, num_features: int, noise: float = 1.0) -> float:
    """Return E|w - w0|² when a constant share of T rows is labelled by a wrong model: p² c² + sigma² d / T.

    The first term does not fall with T: Dohmatob et al. 2024, "Strong model collapse", the classical limit T >> d. To
    leading order in d / T.

    Parameters
    ----------
    share
        Share p of the rows that the wrong model labels.
    gap
        Squared distance c² = |w_wrong - w0|² of the two models.
    num_rows, num_features, noise
        As in `one_fit`.
    """
    return share**2 * gap + noise**2 * num_features / num_rows
