"""A d-dimensional Gaussian refitted to its own draws: the family whose answer is known in closed form.

It can do without rows: `sufficient` draws what a fit needs of them (``path: statistics``).

Legend of shapes: R replicas, N rows, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom import theory
from heirloom.data.columns import WEIGHT
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import algebra, arrays, gaussian_curves, gaussian_measures, gaussian_repair, precision, sufficient
from heirloom.families.base import Measuring, Sets
from heirloom.families.closed_forms import DensitySource
from heirloom.families.sufficient import Statistics
from heirloom.measures import mixtures, replicas, vectors
from heirloom.runtime.streams import Stream
from heirloom.specs.gaussian import Gaussian, GaussianSampling, GaussianTraining
from heirloom.theory.arm import Arm

Spec = Gaussian
Fit = GaussianTraining
Sampling = GaussianSampling


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted Gaussian for every replica, in float64 or the narrower type that it is computed in.

    Parameters
    ----------
    mean
        Array of shape (R, D).
    covariance
        Array of shape (R, D, D).
    """

    mean: NDArray[Any]
    covariance: NDArray[Any]


def train(rows: Dataset, fit: GaussianTraining, start: Model | None, stream: Stream) -> Model:
    """Fit mean and covariance; neither a start nor randomness enters.

    With weights w that sum to n, both are weighted means, and the divisor ``n-1`` becomes n - sum(w²) / n, which leaves the covariance of
    independent rows unbiased.

    Raises
    ------
    HeirloomError
        If there are too few rows for the divisor.
    """
    x_RND = rows.by_replica()
    if rows.is_weighted:
        return _weighted_fit(x_RND, rows.by_replica(WEIGHT), fit)
    if fit.precision == "float64":
        return fitted(sufficient.summarise(x_RND), fit)
    _, num_rows, dim = x_RND.shape
    if dim > 1:
        raise HeirloomError(f"family.training.precision: {fit.precision} is for one dimension, the rows have {dim}; use float64")
    ddof = num_rows - _divisor(num_rows, fit)
    mean_R, variance_R = precision.mean_and_variance(x_RND[:, :, 0], fit.precision, ddof)
    return Model(mean_R[:, None], variance_R[:, None, None])


def _weighted_fit(x_RND: NDArray[np.float64], weight_RN1: NDArray[np.float64], fit: GaussianTraining) -> Model:
    if fit.precision != "float64":
        raise HeirloomError(f"family.training.precision: {fit.precision} is for rows without weights; use float64")
    share_RN1, mean_RD, covariance_RDD = algebra.weighted_moments(x_RND, weight_RN1)
    effective_share_R11 = 1.0 - (share_RN1**2).sum(axis=1, keepdims=True) if fit.divisor == "n-1" else np.ones((1, 1, 1))
    covariance_RDD /= effective_share_R11
    return Model(mean_RD, sufficient.with_prior(covariance_RDD, x_RND.shape[1] * effective_share_R11, fit.prior))


def log_likelihoods(model: Model, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return each row's log density in nats, shape (R, N).

    Raises
    ------
    HeirloomError
        If a covariance is degenerate.
    """
    return vectors.log_density(rows.by_replica(), model.mean, model.covariance)


def sample(
    model: Model, prompts: Iterable[NDArray[Any]] | None, num_rows: int, settings: GaussianSampling, stream: Stream
) -> Iterator[NDArray[np.float64]]:
    """Yield draws of shape (R, num_rows, D); the replica leads, so that more replicas leave earlier ones' draws alone."""
    covariance_RDD = _tempered(model, settings)
    num_replicas, dim = model.mean.shape
    noise_RND = stream.child("noise").generator().standard_normal((num_replicas, num_rows, dim))
    if dim == 1:
        noise_RND = noise_RND.astype(model.mean.dtype, copy=False)
        noise_RND *= np.sqrt(covariance_RDD)
    else:
        noise_RND = np.matmul(noise_RND, algebra.root(covariance_RDD).transpose(0, 2, 1))
    noise_RND += model.mean[:, None, :]
    yield noise_RND.astype(np.float64, copy=False)


def evaluate(model: Model, sets: Sets, origin: Model, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Measure the fit against the true law, and the tails of the generation's rows against the true law's bounds; see `measure`."""
    x_RND, truth = sets.sample.by_replica(), mixtures.truth(measuring.truth)
    of_rows = mixtures.tail_masses(x_RND, truth) | mixtures.mode_mixing(x_RND, truth)
    return measure(model, origin, measuring) | replicas.summarise_each(of_rows)


def summarise(rows: Dataset) -> Statistics:
    """Return what a fit needs of rows."""
    return sufficient.summarise(rows.by_replica())


def draw(model: Model, num_rows: int, settings: GaussianSampling, stream: Stream) -> Statistics:
    """Return the statistics of rows that are never drawn, equal in law to those of `sample`'s rows."""
    return sufficient.draw(model.mean, _tempered(model, settings), num_rows, stream)


def _tempered(model: Model, settings: GaussianSampling) -> NDArray[Any]:
    """Return the covariance that rows are drawn with: a density to the power of 1 / T has T times its covariance."""
    return model.covariance if settings.temperature == 1 else model.covariance * model.covariance.dtype.type(settings.temperature)


def blended(model: Model, base: Model, base_share: float) -> Model:
    """Return b base + (1 - b) model, of means and of covariances; a chain whose covariance is not positive ends (`gaussian_repair`)."""
    mean_RD = gaussian_repair.line(model.mean, base.mean, base_share)
    return Model(mean_RD, gaussian_repair.covariances(model.covariance, base.covariance, base_share))


def merge(parts: Sequence[Statistics]) -> Statistics:
    """Return the statistics of several sets of rows together."""
    return sufficient.union(parts)


def subset(statistics: Statistics, num_rows: int, stream: Stream) -> Statistics:
    """Refuse: mean and scatter of a set say nothing of which rows are chosen from it.

    Raises
    ------
    HeirloomError
        Always.
    """
    raise HeirloomError("family.path: statistics cannot draw from rows of earlier generations (`budget: drawn`); use path: rows")


def fitted(statistics: Statistics, fit: GaussianTraining) -> Model:
    """Fit mean and covariance to a set's statistics.

    Raises
    ------
    HeirloomError
        If there are too few rows for the divisor.
    """
    divisor = _divisor(statistics.num_rows, fit)
    return Model(statistics.mean, sufficient.with_prior(statistics.scatter / divisor, divisor, fit.prior))


def measure(model: Model, origin: Model, measuring: Measuring) -> dict[str, float]:
    """Measure the fit against the true law (`gaussian_measures`); each measure is summarised over replicas where there are several."""
    return gaussian_measures.measure(model.mean, model.covariance, mixtures.truth(measuring.truth))


def save(model: Model, folder: Path) -> None:
    """Write ``model.safetensors`` with the arrays of the model."""
    arrays.save(model, folder)


def load(folder: Path) -> Model:
    """Return the model in a checkpoint folder."""
    return arrays.load(Model, folder)


def _divisor(num_rows: int, fit: GaussianTraining) -> int:
    divisor = num_rows if fit.divisor == "n" else num_rows - 1
    if divisor < 1:
        raise HeirloomError(f"a Gaussian with divisor {fit.divisor!r} needs at least 2 rows, got {num_rows}")
    return divisor


def expected_curves(family: Gaussian, source: DensitySource, arm: Arm) -> dict[str, theory.Curve]:
    """Return the one-dimensional curves times the trace of the true covariance, and more where it is known (`gaussian_curves`)."""
    if family.sampling.schedules:
        return {}
    return gaussian_curves.expected_curves(family.ddof, family.training.prior, family.sampling.temperature, source, arm)
