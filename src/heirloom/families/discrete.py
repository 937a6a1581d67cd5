"""A categorical law refitted to its own draws by counting: the chain in which every type but one is lost in the end.

A model is the counts of its training set, and sampling draws from these rows with replacement: exact, without a
division. Since the counts say everything, a generation can also be drawn without rows: the functions from `summarise`
on (`families.abilities.Rowless`).

Legend of shapes: R replicas, N rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom import theory
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import arrays
from heirloom.families.base import Measuring, Sets
from heirloom.measures import categorical, replicas
from heirloom.measures.categorical import Counts
from heirloom.runtime.streams import Stream
from heirloom.sources import categorical as laws
from heirloom.specs.base import NoSettings, NoTraining
from heirloom.specs.discrete import Discrete
from heirloom.specs.vector_source import CategoricalSource
from heirloom.theory.arm import Arm

Spec = Discrete
Fit = NoTraining
Sampling = NoSettings

MOST_TRANSITIONS = 5_000_000
"""Types times rows up to which the exact chain of counts is worked out: a second or so."""


def train(rows: Dataset, fit: NoTraining, start: Counts | None, stream: Stream) -> Counts:
    """Count the types; neither a start nor randomness enters."""
    return fitted(summarise(rows), fit)


def sample(
    model: Counts, prompts: Iterable[NDArray[Any]] | None, num_rows: int, settings: NoSettings, stream: Stream
) -> Iterator[NDArray[np.float64]]:
    """Yield draws of shape (R, num_rows, 1), each row a copy of one of the training rows."""
    trained_RN = np.repeat(model.types, model.counts).reshape(model.num_replicas, -1)
    place_RN = stream.child("rows").generator().integers(0, trained_RN.shape[1], (model.num_replicas, num_rows))
    yield np.take_along_axis(trained_RN, place_RN, axis=1).astype(np.float64)[..., None]


def log_likelihoods(model: Counts, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return the log share of each row's type in nats, shape (R, N); minus infinity of a type that the model has not."""
    x_RN = rows.by_replica()[..., 0].astype(np.int64)
    log_share_RN = np.full(x_RN.shape, -np.inf)
    for x_N, log_share_N, replica in zip(x_RN, log_share_RN, _replicas(model), strict=True):  # types ascend within a replica
        types, shares = model.types[replica], model.shares[replica]
        place_N = np.searchsorted(types, x_N)
        is_known_N = types[np.minimum(place_N, len(types) - 1)] == x_N
        log_share_N[is_known_N] = np.log(shares[place_N[is_known_N]])
    return log_share_RN


def evaluate(model: Counts, sets: Sets, origin: Counts, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Measure the law against the truth and the origin's counts; see `measure`."""
    return measure(model, origin, measuring)


def save(model: Counts, folder: Path) -> None:
    """Write ``model.safetensors`` with ``starts``, ``types`` and ``counts``."""
    arrays.save(model, folder)


def load(folder: Path) -> Counts:
    """Return the model in a checkpoint folder."""
    return arrays.load(Counts, folder)


def summarise(rows: Dataset) -> Counts:
    """Return the counts of rows."""
    return categorical.count(rows.by_replica()[..., 0].astype(np.int64))


def draw(model: Counts, num_rows: int, settings: NoSettings, stream: Stream) -> Counts:
    """Return the counts of rows that are never drawn: multinomial, so equal in law to counting `sample`'s rows."""
    rng = stream.child("counts").generator()
    counts = np.empty_like(model.counts)
    for replica in _replicas(model):  # one generator in order of replicas: more of them leave the earlier ones alone
        counts[replica] = rng.multinomial(num_rows, model.shares[replica])
    return _without_zeros(model, counts)


def merge(parts: Sequence[Counts]) -> Counts:
    """Return the counts of several sets of rows together."""
    return categorical.union(parts)


def subset(statistics: Counts, num_rows: int, stream: Stream) -> Counts:
    """Return the counts of rows chosen without replacement: multivariate hypergeometric.

    Raises
    ------
    HeirloomError
        If there are too few rows.
    """
    available = int(statistics.num_rows.min())
    if available < num_rows:
        raise HeirloomError(f"`rows` needs {num_rows} rows, but the union it draws from has {available}")
    rng = stream.child("counts").generator()
    counts = np.empty_like(statistics.counts)
    for replica in _replicas(statistics):
        counts[replica] = rng.multivariate_hypergeometric(statistics.counts[replica], num_rows, method="marginals")
    return _without_zeros(statistics, counts)


def fitted(statistics: Counts, fit: NoTraining) -> Counts:
    """Return the model: the counts themselves."""
    return statistics


def measure(model: Counts, origin: Counts, measuring: Measuring) -> dict[str, float]:
    """Return types, diversity, survival by original count, and distances to the true law.

    ``absorbed`` is the share of replicas with one type left. Each measure is summarised over replicas where there are
    several (`measures.replicas`).

    Raises
    ------
    HeirloomError
        If the true law is not known.
    """
    if measuring.truth is None:
        raise HeirloomError("a discrete law is measured against the true law; its source must be `categorical`")
    truth_V = laws.from_json(dict(measuring.truth))
    types = categorical.num_types(model)
    measured = {
        "types": types,
        "absorbed": (types == 1).astype(np.float64),
        "diversity": categorical.diversity(model),
        "entropy": categorical.entropy(model),
        "total_variation": categorical.total_variation(model, truth_V),
        "kullback_leibler": categorical.kullback_leibler(model, truth_V),
        "squared_error": categorical.squared_error(model, truth_V),
        "lost_mass": categorical.lost_mass(model, truth_V),
    }
    measured |= {f"survival.{band}": share for band, share in categorical.survival(model, origin).items()}
    return replicas.summarise_each(measured)


def _replicas(law: Counts) -> Iterator[slice]:
    for start, stop in pairwise(law.starts.tolist()):
        yield slice(start, stop)


def _without_zeros(law: Counts, counts: NDArray[np.int64]) -> Counts:
    occurs = counts > 0
    sizes = np.add.reduceat(occurs.astype(np.int64), law.starts[:-1])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return Counts(starts, law.types[occurs], counts[occurs])


def expected_curves(family: Discrete, source: CategoricalSource, arm: Arm) -> dict[str, theory.Curve]:
    """Return the expected diversity, squared error, and what is known of the types."""
    moments = arm.moments(0)
    if moments is None:
        return {}
    p_V = laws.probabilities(source.law)
    scale = 1 - float((p_V**2).sum())
    return {"diversity": scale * moments.variance, "squared_error": scale * moments.mean_square} | _type_curves(p_V, arm)


def _type_curves(p_V: theory.Curve, arm: Arm) -> dict[str, theory.Curve]:
    """Return the expected number of types, the true mass of the lost ones, and under replace when one is alone."""
    rows, fits = arm.rows, arm.num_fits
    if arm.name in ("control", "accumulate"):  # either every fit is like the first, or the first fit's rows stay for ever
        present_V = theory.discrete.present(p_V, rows)
        return {"types": np.full(fits, present_V.sum()), "lost_mass": np.full(fits, 1 - p_V @ present_V)}
    if arm.name != "replace" or rows > theory.discrete.EXACT_ROWS or rows * len(p_V) > MOST_TRANSITIONS:
        return {}
    spectrum = theory.discrete.spectrum(p_V, rows, fits)
    return {
        "types": len(p_V) - spectrum[:, 0],
        "lost_mass": theory.discrete.spectrum(p_V, rows, fits, weights=p_V)[:, 0],
        "absorbed": spectrum[:, -1],
        "survival.1": np.concatenate([[1.0], theory.discrete.survival(1, rows, fits - 1)]),
    }
