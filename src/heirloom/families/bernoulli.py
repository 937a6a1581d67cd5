"""The probability of a one, refitted to its own draws: a random walk that ends at 0 or 1.

Legend of shapes: R replicas, N rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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
from heirloom.specs.bernoulli import Bernoulli
from heirloom.specs.prior import ShareTraining
from heirloom.specs.vector_source import BernoulliSource
from heirloom.theory.arm import Arm

Spec = Bernoulli
Fit = ShareTraining
Sampling = NoSettings


MOST_ROWS_WITH_A_REAL_ONE = 200
"""Rows up to which the exact chain with one real row is worked out: two products of matrices a generation."""


@dataclass(frozen=True, eq=False)
class Model:
    """The fitted probability of a one, shape (R,)."""

    probability: NDArray[np.float64]


def train(rows: Dataset, fit: ShareTraining, start: Model | None, stream: Stream) -> Model:
    """Fit by maximum likelihood or with a prior, the (weighted) share of ones; neither a start nor randomness enters."""
    return Model(algebra.posterior_mean(rows, fit.prior))


def log_likelihoods(model: Model, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return the log probability of each row in nats, shape (R, N): ln p of a one, ln(1 - p) of a zero."""
    with np.errstate(divide="ignore"):  # a law that is fixed at one end gives the other minus infinity
        log_zero_one_R2 = np.log(np.stack([1 - model.probability, model.probability], axis=1))
    return np.take_along_axis(log_zero_one_R2, rows.by_replica()[..., 0].astype(np.int64), axis=1)


def sample(
    model: Model, prompts: Iterable[NDArray[Any]] | None, num_rows: int, settings: NoSettings, stream: Stream
) -> Iterator[NDArray[np.float64]]:
    """Yield zeros and ones of shape (R, num_rows, 1); more replicas leave earlier ones' draws alone."""
    uniform_RN = stream.child("rows").generator().random((len(model.probability), num_rows))
    yield (uniform_RN < model.probability[:, None]).astype(np.float64)[..., None]


def evaluate(model: Model, sets: Sets, origin: Model, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Measure how far the probability has strayed, what variance p (1 - p) is left, and how many replicas are fixed.

    ``fixed_at_0`` and ``fixed_at_1`` are shares of replicas whose rows are all alike. Each measure is summarised over
    replicas where there are several (`measures.replicas`).

    Raises
    ------
    HeirloomError
        If the true law is not known.
    """
    if measuring.truth is None:
        raise HeirloomError("a Bernoulli law is measured against the true law; its source must be `bernoulli`")
    p_R = model.probability
    measured = {
        "probability": p_R,
        "variance": p_R * (1 - p_R),
        "squared_error": (p_R - measuring.truth["probability"]) ** 2,
        "fixed_at_0": (p_R == 0).astype(np.float64),
        "fixed_at_1": (p_R == 1).astype(np.float64),
    }
    return replicas.summarise_each(measured)


def save(model: Model, folder: Path) -> None:
    """Write ``model.safetensors`` with ``probability``."""
    arrays.save(model, folder)


def load(folder: Path) -> Model:
    """Return the model in a checkpoint folder."""
    return arrays.load(Model, folder)


def expected_curves(family: Bernoulli, source: BernoulliSource, arm: Arm) -> dict[str, theory.Curve]:
    """Return the expected probability, variance p (1 - p) and squared error, and under replace how many replicas are fixed."""
    p, rows, fits, prior = source.probability, arm.rows, arm.num_fits, family.training.prior
    if prior is not None:
        if arm.name != "replace":
            return {}
        mean, square = theory.priors.shares(p, rows, fits, prior.rows, prior.mean)
        return {"probability": mean, "variance": mean - square, "squared_error": square - 2 * p * mean + p * p}
    moments = arm.moments(0)
    if moments is None:
        return {}
    scale = p * (1 - p)
    curves = {"probability": np.full(fits, p), "variance": scale * moments.variance, "squared_error": scale * moments.mean_square}
    if arm.name == "replace" and rows <= theory.discrete.EXACT_ROWS:
        spectrum = theory.discrete.spectrum([p], rows, fits)
        curves |= {"fixed_at_0": spectrum[:, 0], "fixed_at_1": spectrum[:, -1]}
    return curves | _curves_with_one_real_row(p, arm)


def _curves_with_one_real_row(probability: float, arm: Arm) -> dict[str, theory.Curve]:
    """Return how many replicas are fixed where one row of each generation is real."""
    rows: Mapping[str, Literal["fixed", "redrawn", "fresh"]] = {"fresh": "fresh", "original": "fixed" if arm.is_fixed else "redrawn"}
    kind = next(iter(arm.real), "")
    has_one = arm.is_plain and not arm.counts and (arm.synthetic, arm.budget, [*arm.real.values()]) == ("latest", "fixed", [1])
    if not has_one or kind not in rows or arm.rows > MOST_ROWS_WITH_A_REAL_ONE:
        return {}
    at_zero, at_one = theory.discrete.boundaries_with_one_real_row(probability, arm.rows, arm.num_fits, rows[kind])
    return {"fixed_at_0": at_zero, "fixed_at_1": at_one}
