"""Exponential families that are fitted with A pseudo-rows: under `replace` they neither die out nor remember the truth.

With n own rows the pseudo-rows have the share u = A / (n + A) of a fit. Then E[mean of model t] = m + (truth - m) (1 - u)^t, m the
pseudo-rows' mean, t = g + 1 fits: the truth is forgotten with the half-life ln 2 / u, unless m is the truth. Derived here; entry g
describes model g.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from heirloom.theory.moments import Curve, Moments, check


def shares(truth: float, num_rows: int, num_fits: int, pseudo_rows: float, pseudo_mean: float) -> tuple[Curve, Curve]:
    """Return E[p] and E[p²] of a probability p that is refitted to n own zeros and ones and A pseudo-rows.

    p' = (1-u) X / n + u m with X binomial, so E[p'²] = (1-u)² (E[p²] (1 - 1/n) + E[p] / n) + 2 (1-u) u m E[p] + u² m².

    Parameters
    ----------
    truth
        The law that the origin's rows come from.
    num_rows, num_fits
        n; models of the chain, the origin included.
    pseudo_rows, pseudo_mean
        A and m.

    Returns
    -------
    curves of shape (num_fits,)
    """
    return _moments(truth, num_rows, num_fits, pseudo_rows, pseudo_mean, -1.0)


def rates(truth: float, num_rows: int, num_fits: int, pseudo_rows: float, pseudo_mean: float) -> tuple[Curve, Curve]:
    """Return E[r] and E[r²] of a rate r that is refitted to n own Poisson counts and A pseudo-rows; parameters as in `shares`.

    The same with a row's variance r in place of p - p²: E[r'²] = (1-u)² (E[r²] + E[r] / n) + 2 (1-u) u m E[r] + u² m².
    """
    return _moments(truth, num_rows, num_fits, pseudo_rows, pseudo_mean, 0.0)


def variances(num_rows: int, num_fits: int, pseudo_rows: float, pseudo_variance: float, ddof: int = 0) -> Moments:
    """Return the moments of a Gaussian whose covariance is refitted with A pseudo-rows, in units of the true variance.

    E[v'] = ((n-1) E[v] + A tau²) / (n - ddof + A), which settles at A tau² / (A + 1 - ddof); E[mean²] gains E[v] / n.

    Parameters
    ----------
    num_rows, num_fits, ddof
        As in `theory.replace`.
    pseudo_rows, pseudo_variance
        A, and tau² in units of the true variance; in D dimensions both variances are traces.
    """
    check(num_rows, num_fits, 0, ddof)

    def recursion() -> Iterator[tuple[float, float]]:
        variance, mean_square = 1.0, 0.0
        for _ in range(num_fits):
            mean_square += variance / num_rows
            variance = ((num_rows - 1) * variance + pseudo_rows * pseudo_variance) / (num_rows - ddof + pseudo_rows)
            yield variance, mean_square

    curve, mean_squares = np.array(list(recursion()), dtype=np.float64).T
    return Moments(curve, mean_squares)


def _moments(truth: float, n: int, num_fits: int, pseudo_rows: float, m: float, curvature: float) -> tuple[Curve, Curve]:
    """Return E[p] and E[p²] where a row has the variance p + c p², c the curvature."""
    check(n, num_fits, 0, 0)
    u = pseudo_rows / (n + pseudo_rows)

    def recursion() -> Iterator[tuple[float, float]]:
        mean, square = truth, truth * truth
        for _ in range(num_fits):
            own_square = square + (mean + curvature * square) / n
            square = (1 - u) ** 2 * own_square + 2 * (1 - u) * u * m * mean + (u * m) ** 2
            mean = (1 - u) * mean + u * m
            yield mean, square

    means, squares = np.array(list(recursion()), dtype=np.float64).T
    return means, squares
