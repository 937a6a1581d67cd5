"""Why a mean has no z: so few chains carry it that |z| > 4 occurs too often by chance.

A mean over chains divided by its standard error is normal only for many chains. If chains are skewed, the error shrinks with
the mean, and a rare sample without a large chain lies many of its own errors below the truth. The limits are measured
(``benchmarks/z_scores.py``). Within them |z| > 4 is rare for chains of every kind that has closed forms.
"""

from __future__ import annotations

import math

FEWEST_CHAINS = 100
"""For any measure. 17 normal chains would be enough: Student's t with 16 degrees of freedom is beyond 4 in 0.10 % of cases."""
FEWEST_SQUARES = 500
"""For chains whose measure is the square of a nearly normal number, or its largest value minus such a square."""
FEWEST_EVENTS = 40
"""Expected chains with, and without, what a share counts; and, for any measure, expected chains that are alive."""
LARGEST_ERROR = 0.05
"""Standard error of the mean, as a part of the expectation."""

SQUARES = frozenset({"mean_squared_error", "squared_error", "wasserstein2_squared", "variance"})
EVENTS = frozenset({"probability", "fixed_at_0", "fixed_at_1", "absorbed"})
"""Measures that are 0 or 1 in every chain, or become so."""
FRACTIONS = frozenset({"diversity", "lost_mass", "survival.1"})
"""Other measures between 0 and 1. Their error is also compared with 1 minus their value."""
SIGNED = frozenset({"log_determinant"})
"""Measures of either sign, sums of many terms, whose skewness is small."""


def doubt(measure: str, expected: float, se: float, chains: int, spread: float | None = None, alive: float = 1.0) -> str:
    """Return in a few words why a mean over chains has no z against its expectation; empty if it has one.

    Parameters
    ----------
    expected
        The closed form, in the measure's unit.
    se
        The standard error of the mean.
    chains
        The number of independent chains in the mean.
    spread
        For chains that chance multiplies in each generation, v = 2 (ln E - E ln) of their variance. If they were log-normal, v would be
        the variance of the logarithm. The error is then taken as E sqrt((e^v - 1) / N), that of a log-normal mean, whether a sample has
        the rare large chains or not. None for other chains.
    alive
        The expected share of chains that are not absorbed yet.
    """
    fewest = FEWEST_SQUARES if measure in SQUARES else FEWEST_CHAINS
    if chains < fewest:
        return f"{chains} chains; a z of this measure needs {fewest}"
    rarer_share = min(expected, 1 - expected)
    events = chains * (rarer_share if measure in EVENTS else alive)
    if round(events, 6) < FEWEST_EVENTS and (measure in EVENTS or alive < 1):
        return f"{events:.2g} chains are expected to make the difference; a z needs {FEWEST_EVENTS}"
    if measure in EVENTS | SIGNED:
        return ""
    error = _error(rarer_share if measure in FRACTIONS else expected, se, chains, spread)
    if error <= LARGEST_ERROR:
        return ""
    return f"few chains carry the mean: its error is {100 * error:.2g} % of it; a z needs {100 * LARGEST_ERROR:g} % at most"


def _error(expected: float, se: float, chains: int, spread: float | None) -> float:
    """Return the standard error as a part of the expectation."""
    if spread is not None:
        relative_variance = max(0.0, math.expm1(min(spread, 100.0)))
        return math.sqrt(relative_variance / chains)
    return se / expected if expected > 0 else math.inf
