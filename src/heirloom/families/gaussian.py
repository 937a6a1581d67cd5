"""A d-dimensional Gaussian refitted to its own draws: the family whose answer is known in closed form.

Legend of shapes: R replicas, N rows, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families.base import Measuring, Sets
from heirloom.measures import replicas, vectors
from heirloom.specs.base import NoSettings
from heirloom.specs.gaussian import GaussianTraining
from heirloom.streams import Stream

Fit = GaussianTraining
Sampling = NoSettings


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted Gaussian for every replica.

    Parameters
    ----------
    mean
        Array of shape (R, D).
    covariance
        Array of shape (R, D, D).
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def train(rows: Dataset, fit: GaussianTraining, start: Model | None, stream: Stream) -> Model:
    """Fit mean and covariance; neither a start nor randomness enters.

    Raises
    ------
    HeirloomError
        If there are too few rows for the divisor.
    """
    x_RND = rows.by_replica()
    num_rows = x_RND.shape[1]
    divisor = num_rows if fit.divisor == "n" else num_rows - 1
    if divisor < 1:
        raise HeirloomError(f"a Gaussian with divisor {fit.divisor!r} needs at least 2 rows, got {num_rows}")
    mean_RD = x_RND.mean(axis=1)
    centred_RND = x_RND - mean_RD[:, None, :]
    return Model(mean_RD, np.matmul(centred_RND.transpose(0, 2, 1), centred_RND) / divisor)


def sample(
    model: Model,
    prompts: Iterable[NDArray[Any]] | None,
    num_rows: int,
    settings: NoSettings,
    stream: Stream,
) -> Iterator[NDArray[np.float64]]:
    """Yield draws of shape (R, num_rows, D); the replica leads, so that more replicas leave earlier ones' draws alone."""
    num_replicas, dim = model.mean.shape
    noise_RND = stream.child("noise").generator().standard_normal((num_replicas, num_rows, dim))
    if dim == 1:
        noise_RND *= np.sqrt(model.covariance)
    else:
        noise_RND = np.matmul(noise_RND, _root(model.covariance).transpose(0, 2, 1))
    noise_RND += model.mean[:, None, :]
    yield noise_RND


def evaluate(model: Model, sets: Sets, origin: Model, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Measure the fit against the true law, and the tails of the generation's rows against the true law's bounds.

    Each measure is summarised over replicas where there are several (`measures.replicas`).
    """
    if measuring.truth is None:
        raise HeirloomError("a Gaussian is measured against the true law; its source must be `normal`")
    mean_D, covariance_DD = np.array(measuring.truth["mean"]), np.array(measuring.truth["covariance"])
    x_RND = sets.sample.by_replica()
    measured = {
        "covariance_trace": vectors.covariance_trace(model.covariance),
        "log_determinant": vectors.log_determinant(model.covariance),
        "mean_squared_error": vectors.mean_squared_distance(model.mean, mean_D),
        "wasserstein2_squared": vectors.wasserstein2_squared_gaussians(model.mean, model.covariance, mean_D, covariance_DD),
        "mean_first": model.mean[:, 0],
    }
    for level in vectors.TAIL_LEVELS:
        measured[f"tail_mass_{level * 100:g}"] = vectors.tail_mass(x_RND, mean_D, covariance_DD, level)
    return {key: value for name, values in measured.items() for key, value in replicas.summarise(name, values).items()}


def save(model: Model, folder: Path) -> None:
    """Write ``model.safetensors`` with ``mean`` and ``covariance`` in float64."""
    from safetensors.numpy import save_file

    folder.mkdir()
    tensors = {"mean": np.ascontiguousarray(model.mean), "covariance": np.ascontiguousarray(model.covariance)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def load(folder: Path) -> Model:
    """Return the model in a checkpoint folder."""
    from safetensors.numpy import load_file

    return Model(**load_file(folder / "model.safetensors"))


def _root(covariance_RDD: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric square root, which exists for singular covariances too."""
    values_RD, vectors_RDD = np.linalg.eigh(covariance_RDD)
    scaled_RDD = vectors_RDD * np.sqrt(np.clip(values_RD, 0.0, None))[:, None, :]
    return np.matmul(scaled_RDD, vectors_RDD.transpose(0, 2, 1))
