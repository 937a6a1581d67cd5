"""Priors of the exponential families in config: rows that nobody has drawn, which every fit counts beside its own.

The fit is the posterior mean of the conjugate prior, or the mode of one with the same number of pseudo-rows (Gelman et al. 2013, Bayesian
Data Analysis, sections 2.4 to 2.6).
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from heirloom.specs.base import Strict, Training
from heirloom.specs.sizes import MOST_RATE, MOST_ROWS


class Prior(Strict):
    """Pseudo-rows."""

    rows: float = Field(gt=0.0, le=MOST_ROWS, description="Pseudo-rows beside a fit's own rows, a whole number or not.")


class SharePrior(Prior):
    """A beta prior of a probability."""

    mean: float = Field(ge=0.0, le=1.0, description="Share of ones among the pseudo-rows (0 to 1).")


class RatePrior(Prior):
    """A gamma prior of a rate."""

    mean: float = Field(ge=0.0, le=MOST_RATE, description="Mean of the pseudo-rows.")


class VariancePrior(Prior):
    """A scaled inverse chi² prior of a variance, in every dimension; it says nothing of the mean."""

    variance: float = Field(gt=0.0, description="Variance of the pseudo-rows about the fit's own mean, in every dimension.")


def prior() -> Any:
    """Return the field of that name, which is in a slice only where there is one."""
    return Field(
        None,
        exclude_if=lambda prior: prior is None,
        description="Pseudo-rows that every fit counts beside its own, generation 0's too; null is maximum likelihood.",
    )


class ShareTraining(Training):
    """How a probability is fitted."""

    prior: SharePrior | None = prior()


class RateTraining(Training):
    """How a rate is fitted."""

    prior: RatePrior | None = prior()
