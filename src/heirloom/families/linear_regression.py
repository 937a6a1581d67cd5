"""Least squares on labels that the generation before has given to one fixed design.

The features never change: generation 0's are handed on from model to model, and sampling gives them new labels.

Legend of shapes: R replicas, N training rows, T rows of the design, D features.
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
from heirloom.families import arrays
from heirloom.families.base import Measuring, Sets
from heirloom.measures import replicas
from heirloom.runtime.streams import Stream
from heirloom.specs.linear_regression import LinearRegression, LinearRegressionSampling, LinearRegressionTraining
from heirloom.specs.vector_source import LinearSource
from heirloom.theory.arm import Arm

Spec = LinearRegression
Fit = LinearRegressionTraining
Sampling = LinearRegressionSampling


@dataclass(frozen=True, eq=False)
class Model:
    """Fitted weights, and the features whose labels are resampled.

    Parameters
    ----------
    design
        Array of shape (R, T, D): the features that the origin was trained on.
    weights
        Array of shape (R, D).
    """

    design: NDArray[np.float64]
    weights: NDArray[np.float64]


def train(rows: Dataset, fit: LinearRegressionTraining, start: Model | None, stream: Stream) -> Model:
    """Fit the weights by least squares, without an intercept; the design is the start's, or the origin's own features.

    Raises
    ------
    HeirloomError
        If there are fewer rows than features, or features that depend on each other.
    """
    x_RNW = rows.by_replica()
    design_RND, label_RN = x_RNW[..., :-1], x_RNW[..., -1]
    transposed_RDN = design_RND.transpose(0, 2, 1)
    try:
        weights_RD1 = np.linalg.solve(transposed_RDN @ design_RND, transposed_RDN @ label_RN[..., None])
    except np.linalg.LinAlgError:
        num_rows, num_features = design_RND.shape[1:]
        raise HeirloomError(
            f"linear regression: {num_rows} rows do not determine {num_features} weights; give more rows, no feature twice"
        ) from None
    return Model(start.design if start else design_RND, np.asarray(weights_RD1[..., 0], dtype=np.float64))


def sample(
    model: Model, prompts: Iterable[NDArray[Any]] | None, num_rows: int, settings: LinearRegressionSampling, stream: Stream
) -> Iterator[NDArray[np.float64]]:
    """Yield the first rows of the design with new labels, shape (R, num_rows, D + 1); the replica leads.

    Raises
    ------
    HeirloomError
        If the design has fewer rows.
    """
    num_replicas, available, _ = model.design.shape
    if num_rows > available:
        raise HeirloomError(f"linear regression: `rows` is {num_rows}, but the design has {available}; lower it to `origin_rows`")
    design_RTD = model.design[:, :num_rows]
    noise_RT = settings.noise * stream.child("noise").generator().standard_normal((num_replicas, num_rows))
    label_RT = (design_RTD @ model.weights[..., None])[..., 0] + noise_RT
    yield np.concatenate([design_RTD, label_RT[..., None]], axis=-1)


def evaluate(model: Model, sets: Sets, origin: Model, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Measure |w - w0|² to the true weights: with standard normal features, the excess risk of a prediction.

    Summarised over replicas where there are several (`measures.replicas`).

    Raises
    ------
    HeirloomError
        If the true weights are not known.
    """
    if measuring.truth is None:
        raise HeirloomError("a linear regression is measured against the true weights; its source must be `linear`")
    error_R = ((model.weights - np.array(measuring.truth["weights"])) ** 2).sum(axis=-1)
    return replicas.summarise_each({"squared_error": error_R})


def log_likelihoods(model: Model, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return the log density of each row's label given its features in nats, shape (R, N).

    The noise has standard deviation 1, whatever labels are sampled with: another one would change the scale, and not the order of rows.
    """
    x_RNW = rows.by_replica()
    residual_RN = x_RNW[..., -1] - (x_RNW[..., :-1] @ model.weights[..., None])[..., 0]
    return np.asarray(-0.5 * (np.log(2 * np.pi) + residual_RN**2), dtype=np.float64)


def save(model: Model, folder: Path) -> None:
    """Write ``model.safetensors`` with ``design`` and ``weights``."""
    arrays.save(model, folder)


def load(folder: Path) -> Model:
    """Return the model in a checkpoint folder."""
    return arrays.load(Model, folder)


def expected_curves(family: LinearRegression, source: LinearSource, arm: Arm) -> dict[str, theory.Curve]:
    """Return the expected squared error of the weights (`theory.regression`), where source and labels have the same noise."""
    has_other_noise = arm.name != "control" and source.noise != family.sampling.noise
    if arm.name is None or arm.rows <= source.features + 1 or has_other_noise:
        return {}
    forms = {"replace": theory.regression.replace, "accumulate": theory.regression.accumulate, "control": theory.regression.control}
    return {"squared_error": forms[arm.name](arm.rows, source.features, arm.num_fits, source.noise)}
