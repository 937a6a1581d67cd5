"""The numbers of which an expression is made: one per seed, with a standard error if there is a single seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom import controls, measures
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.measures import scales
from heirloom.report import agreement, expected_curves
from heirloom.report.by_arm import ByArm
from heirloom.report.claims.parts import Arms, flat
from heirloom.report.claims.specs import ClosedForm, Difference, Leaf, Measurement, Quantity, Ratio
from heirloom.report.intervals import LEVEL, t_quantile
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

FEWEST_GENERATIONS = 3
"""Number of the control's generations below which their scatter says nothing."""


class Run(NamedTuple):
    """One experiment of a finished run, with its measures.

    Attributes
    ----------
    last
        The generation that `last` means: the experiment's last, or the last one to which a claim may apply.
    """

    experiment: Experiment
    config: Config
    tables: ByArm
    last: int


class Value(NamedTuple):
    """A measure at a generation.

    Attributes
    ----------
    numbers
        One number per seed, shape (S,).
    noise
        Standard error of a single seed's number, over replicas or from the control; 0 for a closed form, None if unknown.
    freedom
        Degrees of freedom of that error: one less than replicas or the control's generations; infinite for a closed form.
    log_noise
        Standard error of the logarithm of a single seed's number; None if unknown, or if the measure may have any sign.
    from_control
        Whether the standard error is the scatter of the control's generations.
    """

    numbers: NDArray[np.float64]
    noise: float | None
    freedom: float
    log_noise: float | None = None
    from_control: bool = False


def values(quantity: Quantity, numbers_of: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return an expression's value per seed, shape (S,); a division by zero is not finite.

    Parameters
    ----------
    numbers_of
        Spelling of a leaf → its number per seed, shape (S,).
    """
    match quantity:
        case Ratio():
            numerator_S, denominator_S = (values(part, numbers_of) for part in quantity.ratio)
            with np.errstate(divide="ignore", invalid="ignore"):
                return numerator_S / denominator_S
        case Difference():
            first_S, second_S = (values(part, numbers_of) for part in quantity.difference)
            return first_S - second_S
    return numbers_of[str(quantity)]


def is_positive(quantity: Quantity) -> bool:
    """Return whether a quantity is averaged on the logarithm: a positive measure, or a ratio of measures that are never negative.

    A closed form is an expectation, so a ratio to a closed form is averaged as it is. A difference may have any sign.
    """
    if isinstance(quantity, Ratio):
        return _is_amount(quantity)
    return isinstance(quantity, Measurement) and scales.is_positive(quantity.measure)


def _is_amount(quantity: Quantity) -> bool:
    if isinstance(quantity, Ratio):
        return all(_is_amount(part) for part in quantity.ratio)
    return isinstance(quantity, Measurement) and scales.is_amount(quantity.measure)


def leaf_value(leaf: Leaf, key: str, arms: Arms, runs: Mapping[str, Run]) -> Value | None:
    """Return the numbers of a leaf in an experiment; None if they were not measured, or have no closed form to compare with."""
    run = runs[key]
    if isinstance(leaf, ClosedForm):
        return _expected_value(leaf, run, arms)
    if not leaf.settings:
        return _measured_value(leaf, run, arms)
    variant = sibling(leaf.settings, run.experiment, run.config)
    return None if variant is None else _measured_value(leaf, runs[variant], arms)


def generation_of(leaf: Leaf, last: int) -> int:
    """Return the generation of a leaf."""
    return {"origin": 0, "first": 1, "middle": last // 2, "last": last}[leaf.at]


def estimation_horizon(experiment: Experiment) -> int:
    """Return the last generation at which the chains of a replaced Gaussian can estimate an expected variance; below 1 if at none.

    The logarithm of the variance walks: after t fits to n rows twice the gap between ln E and E ln is
    v = 2 t (ln((n - 1) / 2) - digamma((n - 1) / 2)), about 2 t / n with either divisor. From v = ln(N) / 2 on, chains that are rarer
    than one in N carry the mean (`agreement.compares`). Generation g has t = g + 1.
    """
    from scipy.special import digamma

    half = (experiment.rows - 1) / 2
    gap = math.log(half) - float(digamma(half)) if half > 0 else math.inf
    log_chains = math.log(agreement.chains(experiment))
    return math.floor(log_chains / (4 * gap)) - 1


def _measured_value(leaf: Measurement, run: Run, arms: Arms) -> Value | None:
    regime, generation = arms[leaf.arm], generation_of(leaf, run.last)
    metric = next((metric for metric in leaf.metrics if (metric, regime) in run.tables), None)
    if metric is None or (leaf.arm == kinds.ORIGIN and generation):
        return None
    numbers_S = _numbers(run, metric, regime, generation)
    if numbers_S is None:
        return None
    if metric != leaf.measure:
        noise = _error_of_replicas(leaf, run, regime, generation)
        return _with_replica_noise(numbers_S, noise, run.experiment.num_replicas)
    return _with_control_noise(numbers_S, _scatter(run, metric), generation)


def _with_replica_noise(numbers_S: NDArray[np.float64], noise: float | None, num_replicas: int) -> Value:
    """Return numbers with the standard error over replicas; that of the logarithm is the relative error."""
    first = float(numbers_S[0])
    log_noise = noise / first if noise is not None and first > 0 else None
    return Value(numbers_S, noise, num_replicas - 1, log_noise)


def _with_control_noise(numbers_S: NDArray[np.float64], scatter: _Scatter | None, generation: int) -> Value:
    """Return numbers with the control's scatter times the square root of the generation."""
    if scatter is None:
        return Value(numbers_S, None, math.inf)
    growth = math.sqrt(max(1, generation))
    log_noise = None if scatter.log_sd is None else scatter.log_sd * growth
    return Value(numbers_S, scatter.sd * growth, scatter.freedom, log_noise, from_control=True)


def _error_of_replicas(leaf: Measurement, run: Run, regime: str, generation: int) -> float | None:
    """Return the standard error of the first seed's mean or median over replicas; None if it has none.

    If the interval of a median has no width, the measure has few values, and the interval does not give the error.
    """
    if leaf.over == "mean":
        errors_S = _numbers(run, f"{leaf.measure}.se", regime, generation)
        return None if errors_S is None else float(errors_S[0])
    low_S = _numbers(run, f"{leaf.measure}.median_low", regime, generation)
    high_S = _numbers(run, f"{leaf.measure}.median_high", regime, generation)
    if low_S is None or high_S is None:
        return None
    width = float(high_S[0]) - float(low_S[0])
    errors_per_width = 2 * t_quantile((1 + LEVEL) / 2, math.inf)
    return width / errors_per_width or None


def _expected_value(leaf: ClosedForm, run: Run, arms: Arms) -> Value | None:
    experiment, regime = run.experiment, arms[leaf.arm]
    generation = generation_of(leaf, run.last)
    curve = expected_curves.curves(experiment, run.config.regimes[regime]).get(leaf.expected)
    if curve is None or not agreement.compares(leaf.expected, _means(run, regime, generation), experiment):
        return None
    return Value(np.full(len(experiment.seeds), curve[generation]), 0.0, math.inf)


def _means(run: Run, regime: str, generation: int) -> dict[str, float]:
    """Return metric → mean over seeds, of all that a regime measures at a generation."""
    metrics = [metric for metric, arm in run.tables if arm == regime]
    numbers_of = {metric: _numbers(run, metric, regime, generation) for metric in metrics}
    return {metric: float(numbers_S.mean()) for metric, numbers_S in numbers_of.items() if numbers_S is not None}


def _numbers(run: Run, metric: str, regime: str, generation: int) -> NDArray[np.float64] | None:
    """Return a metric at a generation, one number per seed in their order, finite or not; None if it was not measured there.

    Generation 0 is the origin's.
    """
    table = run.tables.get((metric, regime if generation else kinds.ORIGIN))
    if table is None or generation not in table.index:
        return None
    by_seed = table.loc[generation].reindex(sorted(run.experiment.seeds))
    return np.asarray(by_seed.to_numpy(dtype=np.float64))


class _Scatter(NamedTuple):
    sd: float
    freedom: float
    log_sd: float | None


def _scatter(run: Run, metric: str) -> _Scatter | None:
    """Return the scatter of a control's generations in one seed. They are independent, because the control's rows are redrawn.

    The control must have a constant size, because the generations of a control that grows follow its size.
    """
    control = controls.constant_control(run.experiment, run.config)
    table = None if control is None else run.tables.get((metric, control))
    if table is None:
        return None
    generations = scatter_generations(table, metric)
    if len(generations) < FEWEST_GENERATIONS:
        return None
    numbers_G = generations[run.experiment.seeds[0]].to_numpy(dtype=np.float64)
    log_sd = float(np.log(numbers_G).std(ddof=1)) if (numbers_G > 0).all() else None
    return _Scatter(float(numbers_G.std(ddof=1)), len(numbers_G) - 1, log_sd)


def scatter_generations(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the generations of a control that scatter about one value.

    For a measure of rows the first is left out, because its rows are the origin's.

    Parameters
    ----------
    table
        One row per generation, one column per seed (`by_arm.tables`).
    """
    if measures.is_of_model(metric):
        return table
    return table[table.index != 1]


def sibling(changes: Mapping[str, object], experiment: Experiment, config: Config) -> str | None:
    """Return the variant of the same grid that differs from an experiment in some settings alone; None if there is none."""
    settings = flat(experiment) | dict(changes)
    return next((key for key, variant in config.experiments.items() if flat(variant) == settings), None)
