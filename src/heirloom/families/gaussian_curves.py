"""Closed forms of a Gaussian that is refitted to its own draws: which of `heirloom.theory` an arm has."""

from __future__ import annotations

import numpy as np

from heirloom import theory
from heirloom.families import closed_forms
from heirloom.families.closed_forms import DensitySource
from heirloom.specs.prior import VariancePrior
from heirloom.specs.vector_source import NormalSource
from heirloom.theory.arm import Arm


def expected_curves(ddof: int, prior: VariancePrior | None, temperature: float, source: DensitySource, arm: Arm) -> dict[str, theory.Curve]:
    """Return the one-dimensional curves times the trace of the true covariance, and more where it is known."""
    if prior is not None:
        return _curves_with_prior(ddof, prior, source, arm) if temperature == 1 else {}
    if arm.base_share is not None or temperature != 1:
        return _repaired_curves(ddof, temperature, source, arm)
    if not arm.is_plain:
        return closed_forms.traces(source, arm.mixed_moments(ddof))
    curves = closed_forms.traces(source, arm.moments(ddof))
    if curves and isinstance(source, NormalSource):
        curves |= _more_curves(ddof, source, arm)
    return curves


def _curves_with_prior(ddof: int, prior: VariancePrior, source: DensitySource, arm: Arm) -> dict[str, theory.Curve]:
    """Return the curves of replacing with a prior of the variance; none of other regimes."""
    if arm.name != "replace":
        return {}
    covariance = closed_forms.covariance(source)
    pseudo_variance = prior.variance * len(covariance) / float(np.trace(covariance))
    return closed_forms.traces(source, theory.priors.variances(arm.rows, arm.num_fits, prior.rows, pseudo_variance, ddof))


def _repaired_curves(ddof: int, temperature: float, source: DensitySource, arm: Arm) -> dict[str, theory.Curve]:
    """Return the curves of replacing with a repair or a temperature: an extrapolation's in one dimension, and from the model before."""
    share = arm.base_share or 0.0
    if arm.real or arm.synthetic != "latest" or arm.budget != "fixed" or not arm.has_equal_sizes:
        return {}
    if share <= 1:
        base = arm.base or "previous"
        return closed_forms.traces(source, theory.repair.blended(arm.rows, arm.num_fits, share, base, temperature, ddof))
    if arm.base != "previous" or not isinstance(source, NormalSource) or source.dim > 1:
        return {}
    moments, ended = theory.repair.extrapolated(arm.rows, arm.num_fits, share - 1, temperature, ddof)
    return closed_forms.traces(source, moments) | {"absorbed": ended}


def _more_curves(ddof: int, source: NormalSource, arm: Arm) -> dict[str, theory.Curve]:
    """Return the expected log determinant, and in one dimension W2², of replacing and of the control."""
    if arm.name not in ("replace", "control") or source.dim >= arm.rows:
        return {}
    covariance = closed_forms.covariance(source)
    # Under the control every fit is like the first: entry 0 of replacing.
    entries = np.zeros(arm.num_fits, np.int64) if arm.name == "control" else np.arange(arm.num_fits)
    log_determinant = theory.replace_log_determinant(arm.rows, arm.num_fits, source.dim, ddof)[entries]
    curves = {"log_determinant": log_determinant + float(np.linalg.slogdet(covariance)[1])}
    if source.dim == 1:
        distance = theory.replace_wasserstein2_squared(arm.rows, arm.num_fits, ddof)
        curves["wasserstein2_squared"] = float(covariance[0, 0]) * distance[entries]
    return curves
