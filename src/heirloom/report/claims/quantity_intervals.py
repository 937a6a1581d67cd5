"""The interval of a test's quantity: over seeds, or of one seed by error propagation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from heirloom.report.claims.quantities import Value, is_positive, values
from heirloom.report.claims.specs import Measurement, Quantity, leaves
from heirloom.report.intervals import LEVEL, Interval, exponential, interval, t_quantile


def quantity_interval(quantity: Quantity, value_of: Mapping[str, Value], *, is_expectation: bool) -> Interval:
    """Return the quantity with its interval: over seeds, paired within a seed; with one seed, by error propagation.

    Parameters
    ----------
    value_of
        Spelling of a leaf → its value (`quantities.leaf_value`).
    is_expectation
        Whether the claim is about the mean, which is then never taken on the logarithm.
    """
    centre_S = values(quantity, _numbers(value_of))
    if not np.isfinite(centre_S).all():
        return Interval(math.nan, math.nan, math.nan, "none", "none")
    positive = is_positive(quantity) and not is_expectation
    if len(centre_S) > 1:
        return interval(centre_S, positive=positive)
    return _of_one_seed(quantity, float(centre_S[0]), value_of, positive=positive)


def _of_one_seed(quantity: Quantity, centre: float, value_of: Mapping[str, Value], *, positive: bool) -> Interval:
    """Return the interval of a single seed's quantity f by error propagation.

    Half width = q sqrt(sum_i (f(x + s_i) - f(x))²) over the measures x_i with standard errors s_i, taken as independent; q is
    Student's quantile with the fewest degrees of freedom of them. For a positive quantity, f and all x_i are logarithms.
    """
    on_logarithm = positive and centre > 0 and all(value.log_noise is not None for value in value_of.values())
    numbers_of = _numbers(value_of)
    shifts = []
    for name, value in value_of.items():
        noise = value.log_noise if on_logarithm else value.noise
        if noise is None:
            return Interval(centre, math.nan, math.nan, "none", "one seed")
        numbers_S = value.numbers * math.exp(noise) if on_logarithm else value.numbers + noise
        result = float(values(quantity, numbers_of | {name: numbers_S})[0])
        shifts.append(math.log(result / centre) if on_logarithm else result - centre)
    freedom = min(value.freedom for value in value_of.values())
    half = t_quantile((1 + LEVEL) / 2, freedom + 1) * float(np.linalg.norm(shifts))
    middle = math.log(centre) if on_logarithm else centre
    scaled_interval = Interval(middle, middle - half, middle + half, *_basis(quantity, value_of.values()))
    return exponential(scaled_interval) if on_logarithm else scaled_interval


def _basis(quantity: Quantity, measured_values: Iterable[Value]) -> tuple[str, str]:
    """Return what the interval of one seed is based on, and what it covers."""
    if any(value.from_control for value in measured_values):
        return "control", "one seed"
    measures = [leaf for leaf in leaves(quantity) if isinstance(leaf, Measurement)]
    average = "median" if any(leaf.over == "median" for leaf in measures) else "mean"
    return "replicas", f"{average} over replicas"


def _numbers(value_of: Mapping[str, Value]) -> dict[str, NDArray[np.float64]]:
    return {name: value.numbers for name, value in value_of.items()}
