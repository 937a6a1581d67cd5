"""The rate of Poisson counts, refitted to its own draws: a branching process that dies out, slowly.

Legend of shapes: R replicas, N rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom import theory
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import algebra, arrays
from heirloom.families.base import Measuring, Sets
from heirloom.measures import replicas
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoSettings
from heirloom.specs.poisson import Poisson
from heirloom.specs.prior import RateTraining
from heirloom.specs.vector_source import PoissonSource
from heirloom.theory.arm import Arm

Spec = Poisson
Fit = RateTraining
Sampling = NoSettings


@dataclass(frozen=True, eq=False)
class Model:
    """The fitted rate, shape (R,)."""

    rate: NDArray[np.float64]


def train(rows: Dataset, fit: RateTraining, start: Model | None, stream: Stream) -> Model:
    """Fit by maximum likelihood or with a prior, the (weighted) mean; neither a start nor randomness enters."""
    return Model(algebra.posterior_mean(rows, fit.prior))


def log_likelihoods(model: Model, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return the log probability of each row in nats, shape (R, N): x ln r - r - ln x!."""
    from scipy.special import gammaln, xlogy

    x_RN = rows.by_replica()[..., 0]
    rate_R1 = model.rate[:, None]
    log_probability_RN = xlogy(x_RN, rate_R1) - rate_R1 - gammaln(x_RN + 1)
    return np.asarray(log_probability_RN, dtype=np.float64)


def sample(
    model: Model, prompts: Iterable[NDArray[Any]] | None, num_rows: int, settings: NoSettings, stream: Stream
) -> Iterator[NDArray[np.float64]]:
    """Yield counts of shape (R, num_rows, 1); more replicas leave earlier ones' draws alone."""
    rng = stream.child("rows").generator()
    counts_RN = rng.poisson(model.rate[:, None], (len(model.rate), num_rows))
    yield counts_RN.astype(np.float64)[..., None]


def evaluate(model: Model, sets: Sets, origin: Model, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Measure how far the rate has strayed, and the share of replicas whose rate is 0 for ever, ``absorbed``.

    Each measure is summarised over replicas where there are several (`measures.replicas`).

    Raises
    ------
    HeirloomError
        If the true law is not known.
    """
    if measuring.truth is None:
        raise HeirloomError("a Poisson law is measured against the true law; its source must be `poisson`")
    measured = {
        "rate": model.rate,
        "squared_error": (model.rate - measuring.truth["rate"]) ** 2,
        "absorbed": (model.rate == 0).astype(np.float64),
    }
    return replicas.summarise_each(measured)


def save(model: Model, folder: Path) -> None:
    """Write ``model.safetensors`` with ``rate``."""
    arrays.save(model, folder)


def load(folder: Path) -> Model:
    """Return the model in a checkpoint folder."""
    return arrays.load(Model, folder)


def expected_curves(family: Poisson, source: PoissonSource, arm: Arm) -> dict[str, theory.Curve]:
    """Return the expected rate and squared error, and under replace how many replicas are extinct."""
    prior = family.training.prior
    if prior is not None:
        if arm.name != "replace":
            return {}
        mean, square = theory.priors.rates(source.rate, arm.rows, arm.num_fits, prior.rows, prior.mean)
        return {"rate": mean, "squared_error": square - 2 * source.rate * mean + source.rate**2}
    moments = arm.moments(None)
    if moments is None:
        return {}
    curves = {"rate": np.full(arm.num_fits, source.rate), "squared_error": source.rate * moments.mean_square}
    if arm.name == "replace":
        curves["absorbed"] = theory.discrete.poisson_extinction(source.rate, arm.rows, arm.num_fits)
    return curves
