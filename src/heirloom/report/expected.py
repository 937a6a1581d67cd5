"""Which closed form a regime's declaration stands for: the one place where regimes meet `heirloom.theory`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heirloom import theory
from heirloom.config import Experiment
from heirloom.sources import normal
from heirloom.specs.gaussian import Gaussian
from heirloom.specs.regime import Regime
from heirloom.specs.vector_source import NormalSource

Curve = NDArray[np.float64]


def curves(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    """Return what the mathematics expects of an arm: measure to its expectation over replicas, entry g for generation g.

    Measures are in the source's units: the covariance trace and the squared error of the mean are the one-dimensional
    curves times the trace of the true covariance. Empty where no closed form is known: another family, an origin with
    more rows than a generation, or a mixture that `heirloom.theory` does not treat.

    Returns
    -------
    measure to array of shape (generations + 1,)
    """
    if not isinstance(experiment.family, Gaussian) or not isinstance(experiment.source, NormalSource):
        return {}
    source, rows = experiment.source, experiment.rows
    moments = _moments(regime, source, experiment) if rows >= 2 and (experiment.original_rows or source.rows) == rows else None
    if moments is None:
        return {}
    scale = float(np.trace(normal.truth(source).covariance))
    known = {"covariance_trace": scale * moments.variance, "mean_squared_error": scale * moments.mean_square}
    return known | _more(regime, source, experiment)


def _moments(regime: Regime, source: NormalSource, experiment: Experiment) -> theory.Moments | None:
    """Return the expected variance and squared mean, in units of the true variance, of an origin with n rows."""
    n, fits, ddof = experiment.rows, experiment.generations + 1, _ddof(experiment)
    real = _real_rows(regime, n)
    if regime.synthetic == "all" and real == {"original": n}:
        form = {"grows": theory.accumulate, "drawn": theory.accumulate_fixed}[regime.budget]
        return form(n, fits, ddof)
    if regime.synthetic == "all" or regime.budget != "fixed" or len(real) > 1:
        return None
    match next(iter(real.items()), (None, 0)):
        case ("fresh", count):
            return theory.fresh(n, fits, count, ddof)
        case ("pool", count):
            return theory.keep(n, fits, count, source.rows, ddof)
        case ("original", count):
            fixed = regime.original is not None and regime.original.draw == "fixed"
            return theory.keep_fixed(n, fits, count, ddof) if fixed else theory.keep(n, fits, count, ddof=ddof)
    return theory.replace(n, fits, ddof)


def _more(regime: Regime, source: NormalSource, experiment: Experiment) -> dict[str, Curve]:
    """Return the expected log determinant, and in one dimension W2², of replacing and of the control."""
    n, fits, ddof = experiment.rows, experiment.generations + 1, _ddof(experiment)
    real = _real_rows(regime, n)
    if regime.budget != "fixed" or real not in ({}, {"pool": n}) or source.dim >= n:
        return {}
    covariance = normal.truth(source).covariance
    # Under the control every fit is like the first: entry 0 of replacing.
    entries = np.zeros(fits, np.int64) if real else np.arange(fits)
    known = {
        "log_determinant": theory.replace_log_determinant(n, fits, source.dim, ddof)[entries] + float(np.linalg.slogdet(covariance)[1])
    }
    if source.dim == 1:
        known["wasserstein2_squared"] = float(covariance[0, 0]) * theory.replace_wasserstein2_squared(n, fits, ddof)[entries]
    return known


def _real_rows(regime: Regime, rows: int) -> dict[str, int]:
    """Return how many real rows of each kind a generation has, kinds without any left out."""
    shares = {"original": regime.original.share if regime.original else 0.0, "fresh": regime.fresh, "pool": regime.pool}
    return {kind: count for kind, share in shares.items() if (count := round(share * rows))}


def _ddof(experiment: Experiment) -> int:
    assert isinstance(experiment.family, Gaussian)
    return 0 if experiment.family.training.divisor == "n" else 1
