"""Numbers and regimes in plain words: "five generations", "rose from 122 to 223", "closes about half of the gap"."""

from __future__ import annotations

import math
from fractions import Fraction

from heirloom.specs.regime import Regime

COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
FRACTIONS = {
    Fraction(1, 10): "a tenth",
    Fraction(1, 5): "a fifth",
    Fraction(1, 4): "a quarter",
    Fraction(1, 3): "a third",
    Fraction(2, 5): "two fifths",
    Fraction(1, 2): "half",
    Fraction(3, 5): "three fifths",
    Fraction(2, 3): "two thirds",
    Fraction(3, 4): "three quarters",
    Fraction(4, 5): "four fifths",
    Fraction(9, 10): "nine tenths",
}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NOTHING, ALL = 0.05, 0.95
"""Parts below which nothing is closed, and above which nearly all is."""


def count(number: int, noun: str) -> str:
    """Return a number of things, up to twelve in letters."""
    word = COUNTS[number] if number < len(COUNTS) else f"{number:,}"
    return f"{word} {noun}" if number == 1 else f"{word} {noun}s"


def amount(value: float) -> str:
    """Return a number in three significant digits, with a true minus, and with a power of ten where it cannot be read without."""
    if not math.isfinite(value):
        return "no number"
    if not value or 1e-4 <= abs(value) < 1e6:
        return _true_minus(f"{float(f'{value:.3g}'):,g}")
    mantissa, power = f"{value:.2e}".split("e")
    return _true_minus(f"{float(mantissa):g} × 10{str(int(power)).translate(_SUPERSCRIPTS)}")


def movement(first: float, last: float) -> str:
    """Return how a number moved: ``rose from 122 to 223``."""
    ends = amount(first), amount(last)
    if ends[0] == ends[1]:
        return f"stayed at {ends[0]}"
    return f"{'rose' if last > first else 'fell'} from {ends[0]} to {ends[1]}"


def share(value: float) -> str:
    """Return a share: ``a tenth`` where it is a simple fraction, else per cent."""
    exact = next((words for fraction, words in FRACTIONS.items() if math.isclose(value, fraction)), None)
    return exact or f"{100 * value:.3g} %"


def remedy(name: str, regime: Regime) -> str:
    """Return what a regime does, in words; a name where its declaration is none of the usual ones."""
    kept = 0.0 if regime.original is None else regime.original.share
    if regime.select or regime.edit or regime.repair or regime.is_scheduled or regime.real_weight or regime.pool:
        return f"{name!r}"
    match regime.synthetic, regime.budget:
        case "latest", "fixed" if kept and not regime.fresh:
            return f"keeping {share(kept)} of the original"
        case "latest", "fixed" if regime.fresh and not kept:
            return f"adding {share(regime.fresh)} of fresh real rows"
        case "all", "grows" if kept and not regime.fresh:
            return "accumulating"
        case "all", "drawn" if kept and not regime.fresh:
            return "drawing from all that accumulates"
    return f"{name!r}"


def part_closed(part: float, low: float, high: float, gap: str) -> str:
    """Return which part of a gap is closed: ``closes about half of the gap``.

    Parameters
    ----------
    part, low, high
        The part with its interval, whose ends are NaN where there is none; negative where the gap is wider.
    gap
        What is closed: ``the gap``, or ``it``.
    """
    if low < 0 < high:
        return f"has no clear effect on {gap} ({_percent(low)} to {_percent(high)})"
    if abs(part) < NOTHING:
        return f"leaves {gap} as it is"
    if part > ALL:
        return f"closes {'nearly ' if part <= 1 else ''}all of {gap}"
    if part < 0:
        return f"widens {gap} by {_percent(-part)}"
    nearest = min(FRACTIONS, key=lambda fraction: abs(part - fraction))
    return f"closes about {FRACTIONS[nearest]} of {gap}"


def _percent(part: float) -> str:
    return _true_minus(f"{100 * part:.0f} %")


def _true_minus(words: str) -> str:
    return words.replace("-", "\N{MINUS SIGN}")
