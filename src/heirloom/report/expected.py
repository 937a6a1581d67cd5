"""Which closed form a regime's declaration stands for: the one place where regimes meet `heirloom.theory`.

Curves are in the source's units: entry g is the expectation of a measure of model g over replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from heirloom import mixing, sources, theory
from heirloom.config import Experiment
from heirloom.sources import categorical, normal
from heirloom.specs.gaussian import Gaussian
from heirloom.specs.gmm import Gmm
from heirloom.specs.kde import Kde
from heirloom.specs.linear_regression import LinearRegression
from heirloom.specs.regime import Regime
from heirloom.specs.vector_source import BernoulliSource, CategoricalSource, LinearSource, NormalSource, PoissonSource, VectorSource

Curve = NDArray[np.float64]
Arm = Literal["replace", "control", "accumulate"]

MOST_TRANSITIONS = 5_000_000
"""Types times rows up to which the exact chain of counts is worked out: a second or so."""


def curves(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    """Return what the mathematics expects of an arm: measure to its expectation over replicas, entry g for generation g.

    Empty where no closed form is known: another family, an origin with more rows than a generation, or a mixture that
    `heirloom.theory` does not treat.

    Returns
    -------
    measure to array of shape (generations + 1,)
    """
    source, rows = experiment.source, experiment.rows
    if not isinstance(source, VectorSource) or rows < 2 or (experiment.original_rows or source.rows) != rows:
        return {}
    if not regime.is_plain or (regime.budget, regime.synthetic) == ("grows", "latest"):
        return _extended(experiment, regime)
    known = _KNOWN.get(experiment.family.name)
    return known(experiment, regime) if known else {}


def _gaussian(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    """Return the one-dimensional curves times the trace of the true covariance, and more where it is known."""
    known = _traces(experiment, regime, _ddof(experiment))
    return known | _more(regime, experiment.source, experiment) if known and isinstance(experiment.source, NormalSource) else known


def _kde(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    assert isinstance(experiment.family, Kde)
    total, dim = _total_variance(experiment)
    h = experiment.family.training.bandwidth
    rule = theory.smoothing.scott(dim) if h == "scott" else theory.smoothing.kernel(dim * h**2 / total)
    return _traces(experiment, regime, rule)


def _gmm(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    assert isinstance(experiment.family, Gmm)
    total, dim = _total_variance(experiment)
    return _traces(experiment, regime, theory.smoothing.kernel(dim * experiment.family.training.reg_covar / total))


def _traces(experiment: Experiment, regime: Regime, ddof: theory.Rule) -> dict[str, Curve]:
    """Return the one-dimensional curves times the trace of the true covariance."""
    moments = _moments(experiment, regime, ddof)
    if moments is None:
        return {}
    scale, _ = _total_variance(experiment)
    return {"covariance_trace": scale * moments.variance, "mean_squared_error": scale * moments.mean_square}


def _extended(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    """Return the curves of a Gaussian whose training sets are weighted, grow, or hold a multiple of synthetic rows."""
    real = _real_rows(regime, experiment.rows)
    drawn = regime.synthetic == "all" or regime.budget == "drawn"
    if not isinstance(experiment.family, Gaussian) or regime.select or regime.edit or drawn or len(real) > 1:
        return {}
    assert isinstance(experiment.source, VectorSource)
    parts = [_parts(regime, experiment.rows, generation) for generation in range(1, experiment.generations + 1)]
    kind = next(iter(real), "fresh")
    fixed = regime.original is not None and regime.original.draw == "fixed"
    moments = theory.regimes.mixture(
        experiment.rows,
        parts,
        real="fresh" if kind == "fresh" else "fixed" if fixed else "redrawn",
        weight=mixing.golden_weight(*parts[0]) if regime.real_weight == "golden" else regime.real_weight,
        num_pool=experiment.source.rows if kind == "pool" else None,
        ddof=_ddof(experiment),
    )
    scale, _ = _total_variance(experiment)
    return {"covariance_trace": scale * moments.variance, "mean_squared_error": scale * moments.mean_square}


def _parts(regime: Regime, rows: int, generation: int) -> tuple[int, int]:
    """Return how many real and synthetic rows generation g is trained on."""
    budget = regime.budget_rows(rows, generation)
    real = sum(_real_rows(regime, budget).values())
    if regime.synthetic == "none":
        return real, 0
    return real, budget - real if regime.budget == "fixed" else regime.sampled_rows(rows, generation)


def _total_variance(experiment: Experiment) -> tuple[float, int]:
    """Return the trace of the true covariance, and the dimensions."""
    covariance = sources.module(experiment.source.name).law(experiment.source)["covariance"]
    return float(np.trace(covariance)), len(covariance)


def _more(regime: Regime, source: NormalSource, experiment: Experiment) -> dict[str, Curve]:
    """Return the expected log determinant, and in one dimension W2², of replacing and of the control."""
    n, fits, ddof = experiment.rows, experiment.generations + 1, _ddof(experiment)
    arm = _arm(regime, n)
    if arm not in ("replace", "control") or source.dim >= n:
        return {}
    covariance = normal.truth(source).covariance
    # Under the control every fit is like the first: entry 0 of replacing.
    entries = np.zeros(fits, np.int64) if arm == "control" else np.arange(fits)
    known = {
        "log_determinant": theory.replace_log_determinant(n, fits, source.dim, ddof)[entries] + float(np.linalg.slogdet(covariance)[1])
    }
    if source.dim == 1:
        known["wasserstein2_squared"] = float(covariance[0, 0]) * theory.replace_wasserstein2_squared(n, fits, ddof)[entries]
    return known


def _discrete(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    assert isinstance(experiment.source, CategoricalSource)
    moments = _moments(experiment, regime, 0)
    if moments is None:
        return {}
    p_V = categorical.probabilities(experiment.source.law)
    scale = 1 - float((p_V**2).sum())
    known = {"diversity": scale * moments.variance, "squared_error": scale * moments.mean_square}
    return known | _types(p_V, experiment.rows, experiment.generations, _arm(regime, experiment.rows))


def _types(p_V: Curve, rows: int, generations: int, arm: Arm | None) -> dict[str, Curve]:
    """Return the expected number of types, the true mass of the lost ones, and under replace when one is alone."""
    fits = generations + 1
    if arm in ("control", "accumulate"):  # either every fit is like the first, or the first fit's rows stay for ever
        present_V = theory.discrete.present(p_V, rows)
        return {"types": np.full(fits, present_V.sum()), "lost_mass": np.full(fits, 1 - p_V @ present_V)}
    if arm != "replace" or rows > theory.discrete.EXACT_ROWS or rows * len(p_V) > MOST_TRANSITIONS:
        return {}
    spectrum = theory.discrete.spectrum(p_V, rows, fits)
    return {
        "types": len(p_V) - spectrum[:, 0],
        "lost_mass": theory.discrete.spectrum(p_V, rows, fits, weights=p_V)[:, 0],
        "absorbed": spectrum[:, -1],
        "survival.1": np.concatenate([[1.0], theory.discrete.survival(1, rows, generations)]),
    }


def _bernoulli(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    assert isinstance(experiment.source, BernoulliSource)
    moments = _moments(experiment, regime, 0)
    if moments is None:
        return {}
    p, rows, fits = experiment.source.probability, experiment.rows, experiment.generations + 1
    scale = p * (1 - p)
    known = {"probability": np.full(fits, p), "variance": scale * moments.variance, "squared_error": scale * moments.mean_square}
    if _arm(regime, rows) == "replace" and rows <= theory.discrete.EXACT_ROWS:
        spectrum = theory.discrete.spectrum([p], rows, fits)
        known |= {"fixed_at_0": spectrum[:, 0], "fixed_at_1": spectrum[:, -1]}
    return known


def _poisson(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    assert isinstance(experiment.source, PoissonSource)
    moments = _moments(experiment, regime, None)
    if moments is None:
        return {}
    rate, rows, fits = experiment.source.rate, experiment.rows, experiment.generations + 1
    known = {"rate": np.full(fits, rate), "squared_error": rate * moments.mean_square}
    return known | ({"absorbed": theory.discrete.poisson_extinction(rate, rows, fits)} if _arm(regime, rows) == "replace" else {})


def _linear_regression(experiment: Experiment, regime: Regime) -> dict[str, Curve]:
    assert isinstance(experiment.source, LinearSource)
    assert isinstance(experiment.family, LinearRegression)
    source, rows, arm = experiment.source, experiment.rows, _arm(regime, experiment.rows)
    if arm is None or rows <= source.features + 1 or (arm != "control" and source.noise != experiment.family.sampling.noise):
        return {}
    forms = {"replace": theory.regression.replace, "accumulate": theory.regression.accumulate, "control": theory.regression.control}
    return {"squared_error": forms[arm](rows, source.features, experiment.generations + 1, source.noise)}


_KNOWN: Mapping[str, Callable[[Experiment, Regime], dict[str, Curve]]] = {
    "gaussian": _gaussian,
    "gmm": _gmm,
    "kde": _kde,
    "discrete": _discrete,
    "bernoulli": _bernoulli,
    "poisson": _poisson,
    "linear_regression": _linear_regression,
}

FAMILIES = tuple(_KNOWN)
"""Families that have closed forms."""


def _arm(regime: Regime, rows: int) -> Arm | None:
    """Return which of the three regimes that have forms of their own a declaration is."""
    real = _real_rows(regime, rows)
    if regime.synthetic == "all":
        return "accumulate" if (regime.budget, real) == ("grows", {"original": rows}) else None
    if regime.budget != "fixed":
        return None
    return "replace" if not real else "control" if real == {"pool": rows} else None


def _moments(experiment: Experiment, regime: Regime, ddof: theory.Rule) -> theory.Moments | None:
    """Return the expected variance and squared mean, in units of the true variance, of an origin with n rows."""
    assert isinstance(experiment.source, VectorSource)
    n, fits = experiment.rows, experiment.generations + 1
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
            return theory.keep(n, fits, count, experiment.source.rows, ddof)
        case ("original", count):
            fixed = regime.original is not None and regime.original.draw == "fixed"
            return theory.keep_fixed(n, fits, count, ddof) if fixed else theory.keep(n, fits, count, ddof=ddof)
    return theory.replace(n, fits, ddof)


def _real_rows(regime: Regime, rows: int) -> dict[str, int]:
    """Return how many real rows of each kind a generation has, kinds without any left out."""
    return {kind: count for kind, count in regime.real_rows(rows).items() if count}


def _ddof(experiment: Experiment) -> int:
    assert isinstance(experiment.family, Gaussian)
    return 0 if experiment.family.training.divisor == "n" else 1
