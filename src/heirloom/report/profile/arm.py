"""An arm beside its control, as the definitions of collapse look at it: one number per unit at the last generation.

Shapes: U units, G generations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.report.intervals import interval
from heirloom.report.units import Rows, Units, curves
from heirloom.theory import Curve

Floats = NDArray[np.float64]


class Pair(NamedTuple):
    """A measure of an arm and of its control, one number per unit and generation, shape (U, G)."""

    measure: str
    arm: Floats
    control: Floats


class Estimate(NamedTuple):
    """A number over units with its interval of 95 %, or the reason why there is none."""

    measure: str
    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    reason: str = ""


@dataclass(frozen=True)
class Arm:
    """An arm and its control.

    Attributes
    ----------
    units
        What is compared pair by pair.
    rows, control
        The rows of the two by metric; no control is None.
    forms
        Closed form of each measure, entry g for generation g, far beyond the last generation; empty where none is known.
    rows_per_generation
        The experiment's ``rows``.
    sizes
        Rows per generation → the same arm of the same grid with so many rows; empty without a grid over rows.
    """

    units: Units
    rows: Rows
    control: Rows | None
    forms: Mapping[str, Curve] = field(default_factory=dict)
    rows_per_generation: int = 1
    sizes: Mapping[int, Arm] = field(default_factory=dict)

    def pair(self, measures: Mapping[str, int]) -> Pair | str:
        """Return the first of some measures that arm and control have, times its direction, or the reason why there is none."""
        if self.control is None:
            return "no control of as many rows"
        metric = first_common(measures, self.rows.keys() & self.control.keys())
        if metric is None:
            return "no such measure"
        direction = measures[metric.removesuffix(".median")]
        arm_UG, control_UG = (direction * curves(rows[metric], self.units) for rows in (self.rows, self.control))
        is_whole = np.isfinite(arm_UG).all() and np.isfinite(control_UG).all()
        if not is_whole:
            return f"{metric} is not a number in some generation"
        return Pair(metric, arm_UG, control_UG) if len(arm_UG) > 1 else "one seed has no interval"


def first_common(measures: Iterable[str], metrics: Iterable[object]) -> str | None:
    """Return the first measure that is among some metrics, by its own name or that of its median over replicas; None without any."""
    known = set(metrics)
    names = (name for measure in measures for name in (measure, f"{measure}.median"))
    return next((name for name in names if name in known), None)


def ratio(pair: Pair | str) -> Estimate:
    """Return the geometric mean of arm / control at the last generation."""
    if isinstance(pair, str):
        return Estimate("", reason=pair)
    arm_U, control_U = pair.arm[:, -1], pair.control[:, -1]
    if not ((arm_U > 0).all() and (control_U > 0).all()):
        return Estimate(pair.measure, reason="a ratio needs numbers above 0")
    over_units = interval(np.log(arm_U / control_U))
    value, low, high = np.exp([over_units.centre, over_units.low, over_units.high]).tolist()
    return Estimate(pair.measure, value, low, high)


def difference(pair: Pair | str) -> Estimate:
    """Return the mean of arm - control at the last generation, as a share of the control's mean where that is not 0."""
    if isinstance(pair, str):
        return Estimate("", reason=pair)
    control_mean = float(pair.control[:, -1].mean())
    over_units = interval((pair.arm[:, -1] - pair.control[:, -1]) / (abs(control_mean) or 1.0))
    return Estimate(pair.measure, over_units.centre, over_units.low, over_units.high)


def exponents(sizes: Mapping[int, Arm], measures: Mapping[str, int]) -> Estimate:
    """Return how much steeper an arm's measure falls with rows than its control's: the difference of the two slopes of logarithms.

    Parameters
    ----------
    sizes
        Rows per generation → the arm with so many rows; the same units in each.
    """
    pairs = [arm.pair(measures) for arm in sizes.values()]
    values = [(pair.arm[:, -1], pair.control[:, -1]) for pair in pairs if isinstance(pair, Pair)]
    if len(values) < len(pairs) or len({len(arm_U) for arm_U, _ in values}) > 1:
        return Estimate("", reason=next((pair for pair in pairs if isinstance(pair, str)), "the sizes have other units"))
    values_2SU = np.stack(values).transpose(1, 0, 2)
    if not (values_2SU > 0).all():
        return Estimate("", reason="an exponent needs numbers above 0")
    log_rows_S = np.log(list(sizes))
    slopes_2U = [np.polyfit(log_rows_S, np.log(values_SU), 1)[0] for values_SU in values_2SU]
    over_units = interval(slopes_2U[0] - slopes_2U[1])
    measure = next(pair.measure for pair in pairs if isinstance(pair, Pair))
    return Estimate(measure, over_units.centre, over_units.low, over_units.high)
