"""The numbers that an expression is made of: one a seed, with a standard error where a single seed has one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom import paths
from heirloom.config import Config, Experiment
from heirloom.measures import scales
from heirloom.report import agreement, expected, onset
from heirloom.report.by_arm import ByArm
from heirloom.report.claims.specs import Claims, Difference, Expected, Leaf, Measured, Quantity, Ratio

FEWEST_GENERATIONS = 3
"""Of the control, below which their scatter says nothing."""

Arms = Mapping[str, str]
"""Name in the claims → name in the config."""


class Run(NamedTuple):
    """One experiment of a finished run, with its measures."""

    experiment: Experiment
    config: Config
    known: ByArm


class Value(NamedTuple):
    """A measure at a generation.

    Attributes
    ----------
    numbers
        One number a seed, shape (S,).
    noise
        Standard error of a single seed's number: over replicas, or from the control; 0 for a closed form, None if unknown.
    freedom
        Degrees of freedom of that error: one less than replicas or the control's generations; infinite for a closed form.
    log_noise
        Standard error of the logarithm of a single seed's number; None if unknown, or if the measure may have any sign.
    from_control
        Whether the standard error is how far the control's generations scatter.
    """

    numbers: NDArray[np.float64]
    noise: float | None
    freedom: float
    log_noise: float | None = None
    from_control: bool = False


def named_arms(claims: Claims, experiment: Experiment, config: Config) -> Arms:
    """Return which of an experiment's regimes plays which arm of the claims: the one with the same declaration."""
    named = {arm: next((name for name in experiment.regimes if config.regimes[name] == regime), "") for arm, regime in claims.arms.items()}
    return {arm: name for arm, name in named.items() if name} | {paths.ORIGIN: paths.ORIGIN}


def values(quantity: Quantity, given: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return an expression's value a seed, given those of its leaves by their spelling; a division by zero is not finite."""
    match quantity:
        case Ratio():
            over, under = (values(part, given) for part in quantity.ratio)
            with np.errstate(divide="ignore", invalid="ignore"):
                return over / under
        case Difference():
            first, second = (values(part, given) for part in quantity.difference)
            return first - second
    return given[str(quantity)]


def is_positive(quantity: Quantity) -> bool:
    """Return whether a quantity is averaged on the logarithm: a positive measure, or a ratio of measures that are never negative.

    A closed form speaks of an expectation, so that a ratio to one is averaged as it is; a difference has any sign.
    """
    return _is_amount(quantity) if isinstance(quantity, Ratio) else isinstance(quantity, Measured) and scales.is_positive(quantity.measure)


def _is_amount(quantity: Quantity) -> bool:
    if isinstance(quantity, Ratio):
        return all(_is_amount(part) for part in quantity.ratio)
    return isinstance(quantity, Measured) and scales.is_amount(quantity.measure)


def measured(leaf: Leaf, key: str, arms: Arms, runs: Mapping[str, Run]) -> Value | None:
    """Return the numbers of a leaf in an experiment, None where they were not measured, or have no closed form that compares."""
    run = runs[key]
    if isinstance(leaf, Expected):
        return _expected(leaf, run, arms)
    if leaf.settings:
        sibling = _sibling(leaf.settings, run)
        return None if sibling is None else _measured(leaf, runs[sibling], arms)
    return _measured(leaf, run, arms)


def generation_of(leaf: Leaf, experiment: Experiment) -> int:
    """Return the generation that a leaf speaks of."""
    last = experiment.generations
    return {"origin": 0, "first": 1, "middle": last // 2, "last": last}[leaf.at]


def _measured(leaf: Measured, run: Run, arms: Arms) -> Value | None:
    regime, generation = arms[leaf.arm], generation_of(leaf, run.experiment)
    name = next((name for name in (leaf.measure, f"{leaf.measure}.mean") if (name, regime) in run.known), None)
    if name is None or (leaf.arm == paths.ORIGIN and generation):
        return None
    found = _of_seeds(run, name, regime, generation)
    if found is None:
        return None
    errors = _of_seeds(run, f"{leaf.measure}.se", regime, generation) if name != leaf.measure else None
    if errors is not None:
        return Value(found, float(errors[0]), run.experiment.num_replicas - 1, float(errors[0] / found[0]) if found[0] > 0 else None)
    scatter = _scatter(run, name, regime)
    if scatter is None:
        return Value(found, None, math.inf)
    steps = math.sqrt(max(1, generation))
    return Value(found, scatter.sd * steps, scatter.freedom, None if scatter.log_sd is None else scatter.log_sd * steps, from_control=True)


def _expected(leaf: Expected, run: Run, arms: Arms) -> Value | None:
    regime, generation = arms[leaf.arm], generation_of(leaf, run.experiment)
    curve = expected.curves(run.experiment, run.config.regimes[regime]).get(leaf.expected)
    said = {
        metric: numbers
        for metric, arm in run.known
        if arm == regime and (numbers := _of_seeds(run, metric, regime, generation)) is not None
    }
    means = {metric: float(numbers.mean()) for metric, numbers in said.items()}
    if curve is None or not agreement.compares(leaf.expected, means, run.experiment):
        return None
    return Value(np.full(len(run.experiment.seeds), curve[generation]), 0.0, math.inf)


def _of_seeds(run: Run, metric: str, regime: str, generation: int) -> NDArray[np.float64] | None:
    """Return a metric at a generation, one number a seed in their order, finite or not; None if it was not measured there.

    Generation 0 is the origin's.
    """
    table = run.known.get((metric, regime if generation else paths.ORIGIN))
    if table is None or generation not in table.index:
        return None
    return np.asarray(table.loc[generation].reindex(sorted(run.experiment.seeds)).to_numpy(dtype=np.float64))


class _Scatter(NamedTuple):
    sd: float
    freedom: float
    log_sd: float | None


def _scatter(run: Run, metric: str, regime: str) -> _Scatter | None:
    """Return how far a control's generations scatter in one seed; they are independent, since its rows are redrawn every time."""
    control = onset.control_of(regime, run.experiment, run.config) if regime != paths.ORIGIN else None
    control = control or next((name for name in run.experiment.regimes if onset.control_of(name, run.experiment, run.config) == name), None)
    if control is None:
        return None
    table = run.known.get((metric, control))
    if table is None or len(table) < FEWEST_GENERATIONS:
        return None
    numbers_G = table[run.experiment.seeds[0]].to_numpy(dtype=np.float64)
    log_sd = float(np.log(numbers_G).std(ddof=1)) if (numbers_G > 0).all() else None
    return _Scatter(float(numbers_G.std(ddof=1)), len(numbers_G) - 1, log_sd)


def _sibling(changed: Mapping[str, object], run: Run) -> str | None:
    """Return the variant of the same grid that differs from an experiment in the given settings alone."""
    wanted = flat(run.experiment) | dict(changed)
    return next((key for key, other in run.config.experiments.items() if flat(other) == wanted), None)


def flat(experiment: Experiment) -> dict[str, object]:
    """Return an experiment's settings as dotted key → value, its place in a grid left out."""
    from heirloom.lineage.graph import settings

    return settings(experiment.model_dump(exclude={"point"}))
