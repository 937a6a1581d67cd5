"""Repaired Gaussians: what a chain comes to whose models are moved along a line after each fit.

Model g is b base + (1 - b) fit, of means and of variances, where the fit has n rows of model g - 1, drawn with T times its variance
(temperature T). In units of the true variance, entry g for model g. Derived here; Alemohammad, Wang and Baraniuk 2025, "Neon" (arXiv
2510.03597), extrapolate so, b = 1 + w, once and with many own rows: v becomes v (1 + w (1 - T)).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from heirloom.errors import HeirloomError
from heirloom.theory.moments import Curve, Moments, check


def extrapolated_variance(variance: float, w: float, temperature: float) -> float:
    """Return the variance after one extrapolation away from a fit to infinitely many own rows: v (1 + w (1 - T)).

    So w = (1 / v - 1) / (1 - T) restores a variance v to 1: a base that is too narrow, with a sampler that narrows (T < 1), needs w > 0.
    """
    return variance * (1.0 + w * (1.0 - temperature))


def blended(
    num_rows: int,
    num_fits: int,
    base_share: float,
    base: Literal["origin", "previous"] = "origin",
    temperature: float = 1.0,
    ddof: int = 0,
) -> Moments:
    """Return the moments under `replace` when each model is a mean of its fit and of the origin or the model before.

    With e = (n-1) / (n-ddof): E[variance] = b E[base's] + (1-b) T e E[that of model g-1], and E[mean²] follows from the covariance of
    two models' means. A share b above 1 or below 0 is an extrapolation without any end: exact while no chain's variance is 0 or less.

    Parameters
    ----------
    num_rows, num_fits, ddof
        As in `theory.replace`.
    base_share
        b.
    base
        With which model.
    temperature
        T, above 0.

    Raises
    ------
    HeirloomError
        If a size is impossible, or the temperature is not above 0.
    """
    _check(num_rows, num_fits, temperature, ddof)
    b, scale = base_share, (num_rows - 1) / (num_rows - ddof)

    def recursion() -> Iterator[tuple[float, float]]:
        first_variance, first_square = scale, 1.0 / num_rows
        variance, mean_square, with_origin = first_variance, first_square, first_square
        yield variance, mean_square
        for _ in range(1, num_fits):
            noise = temperature * variance / num_rows
            if base == "origin":
                mean_square = b * b * first_square + (1 - b) ** 2 * (mean_square + noise) + 2 * b * (1 - b) * with_origin
                with_origin = b * first_square + (1 - b) * with_origin
                variance = b * first_variance + (1 - b) * temperature * scale * variance
            else:
                mean_square += (1 - b) ** 2 * noise
                variance *= b + (1 - b) * temperature * scale
            yield variance, mean_square

    variances, mean_squares = np.array(list(recursion()), dtype=np.float64).T
    return Moments(variances, mean_squares)


def extrapolated(num_rows: int, num_fits: int, w: float, temperature: float = 1.0, ddof: int = 0) -> tuple[Moments, Curve]:
    """Return the moments under `replace` when each model is moved away from its fit, beyond the model before, and the ended chains.

    One generation multiplies the variance by 1 + w - w T X, X a chi² variate with n - 1 degrees of freedom over n - ddof. A chain whose
    factor is 0 or less ends: its variance is 0 from then on. So E[variance] gains the factor (1 + w) F_(n-1)(c) - w T e F_(n+1)(c), F_k
    the distribution function of chi² with k degrees, c = (1 + w) (n - ddof) / (w T), e = (n-1) / (n-ddof): a truncated mean (Johnson,
    Kotz and Balakrishnan 1994, chapter 18). E[mean²] gains w² T E[variance] / n.

    Parameters
    ----------
    num_rows, num_fits, temperature, ddof
        As in `blended`.
    w
        Above 0.

    Returns
    -------
    moments over all chains, and the share of chains that have ended, shape (num_fits,)

    Raises
    ------
    HeirloomError
        As in `blended`, or if w is not above 0.
    """
    from scipy.special import chdtr

    _check(num_rows, num_fits, temperature, ddof)
    if w <= 0:
        raise HeirloomError(f"theory: an extrapolation has w above 0, got {w:g}")
    degrees = num_rows - 1
    end = (1 + w) * (num_rows - ddof) / (w * temperature)
    survival = float(chdtr(degrees, end))
    factor = (1 + w) * survival - w * temperature * degrees / (num_rows - ddof) * float(chdtr(degrees + 2, end))
    generations = np.arange(num_fits)
    variance = degrees / (num_rows - ddof) * np.power(factor, generations, dtype=np.float64)
    steps = w * w * temperature * variance[:-1] / num_rows
    mean_square = 1.0 / num_rows + np.concatenate([[0.0], np.cumsum(steps)])
    return Moments(variance, mean_square), 1.0 - np.power(survival, generations, dtype=np.float64)


def _check(num_rows: int, num_fits: int, temperature: float, ddof: int) -> None:
    check(num_rows, num_fits, 0, ddof)
    if temperature <= 0:
        raise HeirloomError(f"theory: a temperature is above 0, got {temperature:g}")
