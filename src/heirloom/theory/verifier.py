"""A judge that keeps right rows with probability phi and wrong rows with probability psi: what a loop under it comes to.

Feng, Dohmatob, Yang, Charton and Kempe 2024 (arXiv 2406.07515, theorem 4.2): after one round with many rows a two-class majority fit is
right as long as wrong labels are a minority of those kept. The forms for K classes and for a loop are derived in docs/theory.md.
"""

from __future__ import annotations

import numpy as np

from heirloom.errors import HeirloomError
from heirloom.theory.moments import Curve


def flip_error(right_keep: float, wrong_keep: float, num_classes: int = 2) -> float:
    """Return the label error at which a majority fit to many judged rows flips from right to wrong: (K-1) phi / ((K-1) phi + psi).

    With wrong labels spread evenly over the K - 1 other classes, the right class has the weight (1 - p) phi among the kept rows and each
    wrong one p psi / (K - 1); the two are equal at this p. Without a judge it is (K - 1) / K.

    Parameters
    ----------
    right_keep, wrong_keep
        phi and psi, in [0, 1], not both 0.
    num_classes
        K, at least 2.

    Raises
    ------
    HeirloomError
        If a probability or the number of classes is outside its range.
    """
    _check(right_keep, wrong_keep)
    if num_classes < 2:
        raise HeirloomError(f"num_classes is {num_classes}; a label error needs 2 classes or more")
    right_weight = (num_classes - 1) * right_keep
    return right_weight / (right_weight + wrong_keep)


def wrong_share(start: float, right_keep: float, wrong_keep: float, num_generations: int) -> Curve:
    """Return the share of wrong rows in a judged loop that matches frequencies, entry g after g rounds of judging.

    Each round multiplies the odds of a wrong row by psi / phi: p_g / (1 - p_g) = p_0 / (1 - p_0) (psi / phi)^g. The share falls for
    psi < phi, stays for psi = phi and rises for psi > phi.

    Parameters
    ----------
    start
        Share of wrong rows before the first judging, in [0, 1).
    right_keep, wrong_keep
        phi and psi, in (0, 1] and [0, 1].
    num_generations
        Rounds G.

    Returns
    -------
    array of shape (G + 1,)

    Raises
    ------
    HeirloomError
        If a probability is outside its range.
    """
    _check(right_keep, wrong_keep)
    if not (0 <= start < 1 and right_keep):
        raise HeirloomError(f"the first share is {start:g} and right_keep {right_keep:g}; allowed are a share of 0 to below 1, phi above 0")
    with np.errstate(over="ignore"):  # odds beyond any number are a share of 1
        odds_G = start / (1 - start) * (wrong_keep / right_keep) ** np.arange(num_generations + 1.0)
    share_G = 1 / (1 + 1 / odds_G) if start and wrong_keep else odds_G / (1 + odds_G)
    return np.asarray(share_G, dtype=np.float64)


def _check(right_keep: float, wrong_keep: float) -> None:
    if not (0 <= right_keep <= 1 and 0 <= wrong_keep <= 1 and right_keep + wrong_keep > 0):
        raise HeirloomError(f"right_keep is {right_keep:g} and wrong_keep {wrong_keep:g}; allowed are probabilities that are not both 0")
