"""A kernel density estimate refitted to its own draws: a row drawn with replacement, plus kernel noise.

Its density is never needed: the rows and the kernel's covariance are the model. What each generation adds to the second moment is
known exactly (`theory`), so smoothing makes the distribution wider where a Gaussian refit makes it narrower.

Legend of shapes: R replicas, N rows, D dimensions.
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
from heirloom.families import algebra, arrays, closed_forms
from heirloom.families.base import Measuring, Sets
from heirloom.families.closed_forms import DensitySource
from heirloom.measures import mixtures, replicas, vectors
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoSettings
from heirloom.specs.kde import Kde, KdeTraining
from heirloom.theory.arm import Arm

Spec = Kde
Fit = KdeTraining
Sampling = NoSettings

_PAIRS = 1_000_000  # of rows compared at once: some 50 MB


@dataclass(frozen=True, eq=False)
class Model:
    """An estimate for every replica.

    Parameters
    ----------
    x
        The rows that it smooths, shape (R, N, D).
    kernel
        Covariance of the Gaussian kernel, shape (R, D, D).
    """

    x: NDArray[np.float64]
    kernel: NDArray[np.float64]


def train(rows: Dataset, fit: KdeTraining, start: Model | None, stream: Stream) -> Model:
    """Keep the rows and choose the kernel; neither a start nor randomness enters.

    A number h as bandwidth gives the kernel h² I. Scott's rule gives n^(-2 / (D + 4)) times the rows' covariance with divisor n - 1
    (Scott 1992, Multivariate Density Estimation, equation 6.42, in the matrix form that SciPy's gaussian_kde has).

    Raises
    ------
    HeirloomError
        If Scott's rule is given a single row.
    """
    x_RND = rows.by_replica()
    num_replicas, num_rows, dim = x_RND.shape
    if fit.bandwidth != "scott":
        return Model(x_RND, np.broadcast_to(fit.bandwidth**2 * np.eye(dim), (num_replicas, dim, dim)))
    if num_rows == 1:
        raise HeirloomError("Scott's rule needs at least 2 rows, got 1; give family.training.bandwidth as a number")
    factor = num_rows ** (-2 / (dim + 4)) * num_rows / (num_rows - 1)
    return Model(x_RND, factor * _covariance(x_RND))


def sample(
    model: Model,
    prompts: Iterable[NDArray[Any]] | None,
    num_rows: int,
    settings: NoSettings,
    stream: Stream,
) -> Iterator[NDArray[np.float64]]:
    """Yield draws of shape (R, num_rows, D)."""
    num_replicas, num_kept, dim = model.x.shape
    place_RN = stream.child("row").generator().integers(num_kept, size=(num_replicas, num_rows))
    noise_RND = stream.child("noise").generator().standard_normal((num_replicas, num_rows, dim))
    noise_RND = np.matmul(noise_RND, algebra.root(model.kernel))
    noise_RND += np.take_along_axis(model.x, place_RN[:, :, None], axis=1)
    yield noise_RND


def log_likelihoods(model: Model, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return each row's log density in nats, shape (R, N): the logarithm of the mean kernel over the rows that the model keeps.

    Raises
    ------
    HeirloomError
        If a kernel is degenerate.
    """
    num_kept, dim = model.x.shape[1:]
    whitening_RDD = np.linalg.inv(algebra.root(model.kernel))
    log_determinant_R = vectors.log_determinant(model.kernel)
    constant_R = -log_determinant_R / 2 - dim * np.log(2 * np.pi) / 2 - np.log(num_kept)
    x_RND, centres_RKD = np.matmul(rows.by_replica(), whitening_RDD), np.matmul(model.x, whitening_RDD)
    log_sum_RN = []
    for x_ND, centres_KD in zip(x_RND, centres_RKD, strict=True):
        blocks = np.array_split(x_ND, -(-len(x_ND) * num_kept // _PAIRS))
        log_sum_RN.append(np.concatenate([_log_sum(x_BD, centres_KD) for x_BD in blocks]))
    return np.asarray(constant_R[:, None] + log_sum_RN, dtype=np.float64)


def _log_sum(x_BD: NDArray[np.float64], centres_KD: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of the sum of exp(-|x - c|² / 2) over centres c, shape (B,)."""
    from scipy.special import logsumexp

    square_BK = ((x_BD[:, None] - centres_KD) ** 2).sum(axis=-1)
    log_sum_B: NDArray[np.float64] = logsumexp(-square_BK / 2, axis=1)
    return log_sum_B


def evaluate(model: Model, sets: Sets, origin: Model, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Measure the estimate's mean and covariance (its rows' plus its kernel's) against the true law, and the tails of its rows.

    ``bandwidth`` is the kernel's standard deviation, over dimensions as a root mean square.
    """
    truth = mixtures.truth(measuring.truth)
    covariance_RDD = _covariance(model.x) + model.kernel
    measured = {
        "covariance_trace": vectors.covariance_trace(covariance_RDD),
        "log_determinant": vectors.log_determinant(covariance_RDD),
        "mean_squared_error": vectors.mean_squared_distance(model.x.mean(axis=1), mixtures.moments(truth)[0][0]),
        "bandwidth": np.sqrt(vectors.covariance_trace(model.kernel) / model.kernel.shape[-1]),
        **mixtures.tail_masses(sets.sample.by_replica(), truth),
        **mixtures.mode_mixing(sets.sample.by_replica(), truth),
    }
    return replicas.summarise_each(measured)


def save(model: Model, folder: Path) -> None:
    """Write ``model.safetensors`` with the arrays of the model."""
    arrays.save(model, folder)


def load(folder: Path) -> Model:
    """Return the model in a checkpoint folder."""
    return arrays.load(Model, folder)


def _covariance(x_RND: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the covariance of the rows with divisor N, shape (R, D, D)."""
    return algebra.scatter(x_RND)[1] / x_RND.shape[1]


def expected_curves(family: Kde, source: DensitySource, arm: Arm) -> dict[str, theory.Curve]:
    """Return the curves of a model that is wider than its rows by its kernel (`theory.smoothing`)."""
    dim, h = source.row_numbers, family.training.bandwidth
    if h == "scott":
        return closed_forms.traces(source, arm.moments(theory.smoothing.scott(dim)))
    total = float(closed_forms.covariance(source).trace())
    return closed_forms.traces(source, arm.moments(theory.smoothing.kernel(dim * h**2 / total)))
