"""What the mathematics says a chain must do, so that a simulation can be told from a mistake; one module a kind of model."""

from heirloom.theory import discrete, population, priors, regimes, regression, repair, smoothing, verifier
from heirloom.theory.discrete import drift_survival
from heirloom.theory.gaussian import replace_deviation, replace_log_determinant, replace_wasserstein2_squared
from heirloom.theory.moments import (
    Curve,
    Moments,
    Rule,
    accumulate,
    accumulate_fixed,
    accumulate_limit,
    control,
    fresh,
    keep,
    keep_fixed,
    replace,
)

__all__ = [
    "Curve",
    "Moments",
    "Rule",
    "accumulate",
    "accumulate_fixed",
    "accumulate_limit",
    "control",
    "discrete",
    "drift_survival",
    "fresh",
    "keep",
    "keep_fixed",
    "population",
    "priors",
    "regimes",
    "regression",
    "repair",
    "replace",
    "replace_deviation",
    "replace_log_determinant",
    "replace_wasserstein2_squared",
    "smoothing",
    "verifier",
]
