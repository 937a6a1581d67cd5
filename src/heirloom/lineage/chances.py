"""How probably an audit by sample catches what was falsified: the hypergeometric law of draws without replacement."""

from __future__ import annotations

import math

from heirloom.numerals import counted


def caught(num_jobs: int, num_redone: int, num_forged: int) -> float:
    """Return the probability that at least one forged job is among those that are redone.

    1 - C(N - M, k) / C(N, k) with N jobs, M forged, k redone (Feller 1968, An Introduction to Probability Theory I, II.6).
    """
    if num_forged <= 0 or num_redone <= 0:
        return 0.0
    return 1.0 - math.comb(num_jobs - num_forged, num_redone) / math.comb(num_jobs, num_redone)


def sentence(num_jobs: int, num_redone: int) -> str:
    """Return with what probability one forged job, and several shares of forged jobs, would have been caught."""
    parts = [f"one forged job {caught(num_jobs, num_redone, 1):.1%}"]
    for percent in (1, 5, 20):
        forged = max(1, round(num_jobs * percent / 100))
        parts.append(f"{percent} % forged ({forged}) {caught(num_jobs, num_redone, forged):.1%}")
    return f"{num_redone} of {counted(num_jobs, 'job')} redone; the chance of having caught: {', '.join(parts)}"
