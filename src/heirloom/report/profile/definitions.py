"""Eight meanings of collapse, one function each: from an arm beside its control to met, not met, or not measurable here.

Schaeffer, Kazdan, Arulandu and Koyejo 2025, arXiv 2503.03150, name the eight. The tests and the thresholds are ours. A definition is met
if the whole interval lies beyond its edge, and not met if the whole interval lies short of the margin that is stated beside the edge.
Between the two nothing can be said, and the definition is not measurable here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import numpy as np

from heirloom.report.profile import roles
from heirloom.report.profile.arm import Arm, Estimate, Pair, difference, exponents, ratio
from heirloom.theory import Curve

Verdict = Literal["met", "not met", "not measurable here"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

CATASTROPHE = 2.0
"""Risk over the control's from which its rise is called catastrophic."""
NO_RISE = 1.05
"""Risk over the control's below which no rise is left to speak of."""
LEAST_DIVERSITY = 0.5
"""Diversity over the control's below which it has collapsed."""
NO_CHANGE = 0.05
"""Share of the control's below which a change of a share of rows is left unspoken."""
SAME_EXPONENT = 0.1
"""Difference of exponents below which two scaling laws are the same."""
FEWEST_SIZES = 4
"""Sizes of a grid over rows that an exponent needs."""
HORIZON = 32
"""Generations, in rows of one, up to which a closed form is followed."""
DIVERGES, SETTLES = 0.99, 0.9
"""Growth over one doubling of the generations, over that of the doubling before: where it diverges, and where it settles."""


class Reading(NamedTuple):
    """What an arm says of a definition; numbers are NaN where there are none.

    Attributes
    ----------
    value, low, high
        The number that decides, with its interval of 95 %.
    note
        What the number is, or why there is none.
    """

    verdict: Verdict
    measure: str = ""
    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    note: str = ""


def catastrophic_rise(arm: Arm) -> Reading:
    """1. The risk is at least `CATASTROPHE` times the control's."""
    return _beyond(ratio(arm.pair(roles.RISK)), CATASTROPHE, CATASTROPHE, f"ratio to the control; met above {CATASTROPHE:g}")


def any_rise(arm: Arm) -> Reading:
    """2. The risk is above the control's."""
    return _beyond(ratio(arm.pair(roles.RISK)), 1.0, NO_RISE, f"ratio to the control; met above 1, not met below {NO_RISE:g}")


def diverging_risk(arm: Arm) -> Reading:
    """3. The risk grows without bound: only a closed form can say so, because every run is finite.

    A risk whose sum with the variance stays constant is bounded by that sum. Of another the growth over the last doubling of the
    generations is compared with that over the doubling before: the logarithm keeps it, and what settles loses it.
    """
    measured = [measure for measure in roles.RISK if measure in arm.rows or f"{measure}.median" in arm.rows]
    if measured and measured[0] in roles.BOUNDED:
        return Reading("not met", measured[0], note="bounded whatever the model")
    measure = next((name for name in measured if name in arm.forms), None)
    if measure is None:
        return Reading("not measurable here", note="no closed form; a finite run shows no limit")
    risk = arm.forms[measure]
    if _is_conserved(risk, arm.forms):
        return Reading("not met", measure, note="closed form: bounded, for what the variance loses the risk gains")
    last = len(risk) - 1
    if last < HORIZON * arm.rows_per_generation / 4:
        return Reading("not measurable here", measure, note=f"the closed form is followed to generation {last} alone")
    quarter, half, whole = (float(risk[last // part]) for part in (4, 2, 1))
    earlier_growth = half - quarter
    growth = (whole - half) / earlier_growth if earlier_growth > 1e-12 * abs(half) else 0.0
    note = f"closed form: growth over the last doubling, to generation {last}, over that of the one before"
    if SETTLES < growth < DIVERGES:
        return Reading("not measurable here", measure, growth, note=note)
    return Reading("met" if growth >= DIVERGES else "not met", measure, growth, note=note)


def other_scaling_law(arm: Arm) -> Reading:
    """4. The exponent of the risk against rows differs from the control's."""
    if len(arm.sizes) < FEWEST_SIZES:
        return Reading("not measurable here", note=f"needs a grid over rows with {FEWEST_SIZES} sizes or more")
    estimate = exponents(arm.sizes, roles.RISK)
    note = f"difference of exponents; not met within {SAME_EXPONENT:g} of 0"
    if estimate.reason:
        return Reading("not measurable here", estimate.measure, note=estimate.reason)
    numbers = (estimate.measure, estimate.value, estimate.low, estimate.high, note)
    if estimate.low > -SAME_EXPONENT and estimate.high < SAME_EXPONENT:
        return Reading("not met", *numbers)
    return Reading("met" if estimate.low > 0 or estimate.high < 0 else "not measurable here", *numbers)


def lost_diversity(arm: Arm) -> Reading:
    """5. The diversity is below `LEAST_DIVERSITY` of the control's, and below what it was in the middle of the run."""
    pair = arm.pair(roles.DIVERSITY)
    reading = _below(ratio(pair), LEAST_DIVERSITY, LEAST_DIVERSITY, f"ratio to the control; met below {LEAST_DIVERSITY:g} and falling")
    if reading.verdict != "met" or not isinstance(pair, Pair):
        return reading
    middle = (pair.arm.shape[1] - 1) // 2
    is_falling = float(pair.arm[:, -1].mean()) < float(pair.arm[:, middle].mean())
    return reading if is_falling else reading._replace(verdict="not met", note="low, but no longer falling")


def entangled_modes(arm: Arm) -> Reading:
    """6. More rows than under the control lie between two true modes."""
    return _beyond(difference(arm.pair(roles.MODES)), 0.0, NO_CHANGE, f"difference to the control; not met below {NO_CHANGE:g}")


def lost_tails(arm: Arm) -> Reading:
    """7. Fewer rows than under the control lie in the tails of the truth, or fewer rare types are alive."""
    return _below(difference(arm.pair(roles.TAILS)), 0.0, -NO_CHANGE, f"difference by the control's; not met above {-NO_CHANGE:g}")


def improbable_rows(arm: Arm) -> Reading:
    """8. More rows than under the control lie where the truth has hardly any."""
    return _beyond(difference(arm.pair(roles.IMPROBABLE)), 0.0, NO_CHANGE, f"difference by the control's; not met below {NO_CHANGE:g}")


DEFINITIONS = {
    "catastrophic rise of risk": catastrophic_rise,
    "any rise of risk": any_rise,
    "risk diverges": diverging_risk,
    "scaling law changes": other_scaling_law,
    "diversity collapses": lost_diversity,
    "modes entangle": entangled_modes,
    "tails vanish": lost_tails,
    "improbable rows appear": improbable_rows,
}
"""The eight, in the order of the paper, each with its test."""


def _beyond(estimate: Estimate, edge: float, margin: float, note: str) -> Reading:
    """Return met above the edge, not met up to the margin."""
    if estimate.reason:
        return Reading("not measurable here", estimate.measure, note=estimate.reason)
    verdict: Verdict = "not met" if estimate.high <= margin else "not measurable here"
    return Reading("met" if estimate.low > edge else verdict, estimate.measure, estimate.value, estimate.low, estimate.high, note)


def _below(estimate: Estimate, edge: float, margin: float, note: str) -> Reading:
    """Return met below the edge, not met from the margin on."""
    if estimate.reason:
        return Reading("not measurable here", estimate.measure, note=estimate.reason)
    verdict: Verdict = "not met" if estimate.low >= margin else "not measurable here"
    return Reading("met" if estimate.high < edge else verdict, estimate.measure, estimate.value, estimate.low, estimate.high, note)


def _is_conserved(risk: Curve, forms: Mapping[str, Curve]) -> bool:
    """Return whether the risk and a variance add up to the same number at every generation."""
    totals = [risk + forms[measure] for measure in roles.DIVERSITY if measure in forms]
    return any(np.allclose(total, total[0], rtol=1e-9, atol=0.0) for total in totals)
