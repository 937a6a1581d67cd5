"""How far apart two laws of vectors are, and is it more than chance: moments, distances, tails, modes and permutation tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.diffs.distribution import adjusted
from heirloom.diffs.result import Distribution, Measure
from heirloom.runtime.streams import Stream
from heirloom.stats.direction import direction, is_decidable
from heirloom.stats.samples import VectorSample
from heirloom.stats.vector_tests import vector_tests
from heirloom.stats.vectors import VectorDifferences, mode_occupancy, vector_differences

Floats = NDArray[np.float64]
NUM_MODES = 10
_MAX_DIMENSIONS = 8
_MAX_COVARIANCES = 4


def of_vectors(samples: tuple[VectorSample, VectorSample], stream: Stream, notes: Sequence[str] = (), caveat: str = "") -> Distribution:
    """Return how the vectors are distributed."""
    a, b = samples
    results = vector_tests(a, b, stream.child("vectors"))
    differences = vector_differences(a.x, b.x, stream.child("differences"))
    rows_a, rows_b = differences.energy_rows
    energy_note = f"energy distance over {rows_a:,} and {rows_b:,} rows"
    return Distribution(
        distance_name="energy distance",
        distance=differences.energy_distance,
        uncorrected=differences.energy_distance,
        direction=direction(results),
        tests=adjusted(results),
        measures=tuple(_vector_measures(a.x, b.x, differences, stream)),
        sampled=(len(a.x), len(b.x)),
        notes=(*notes, energy_note, caveat) if caveat else (*notes, energy_note),
        caveat=caveat,
        is_decidable=is_decidable(results),
    )


def _vector_measures(a: Floats, b: Floats, differences: VectorDifferences, stream: Stream) -> Iterator[Measure]:
    num_dimensions = a.shape[1]
    for dimension in range(min(num_dimensions, _MAX_DIMENSIONS)):
        a_N, b_N = a[:, dimension], b[:, dimension]
        yield Measure(f"mean of dimension {dimension}", float(a_N.mean()), float(b_N.mean()))
        yield Measure(f"standard deviation of dimension {dimension}", float(a_N.std()), float(b_N.std()))
        yield Measure(f"Kolmogorov-Smirnov distance of dimension {dimension}", 0.0, float(differences.kolmogorov_smirnov[dimension]))
        yield Measure(f"Wasserstein-1 distance of dimension {dimension}", 0.0, float(differences.wasserstein[dimension]))
    for first, second in combinations(range(min(num_dimensions, _MAX_COVARIANCES)), 2):
        covariance_a, covariance_b = (float(np.cov(x[:, first], x[:, second])[0, 1]) for x in (a, b))
        yield Measure(f"covariance of dimensions {first} and {second}", covariance_a, covariance_b)
    if num_dimensions > 1:
        yield Measure("Kolmogorov-Smirnov distance, largest of all dimensions", 0.0, float(differences.kolmogorov_smirnov.max()))
        yield Measure("Wasserstein-1 distance, sliced", 0.0, differences.sliced_wasserstein)
    yield Measure("total variance, share of A's", 1.0, _number(differences.total_variance_ratio))
    yield Measure("log generalised variance, beyond A's", 0.0, _number(differences.log_generalised_variance))
    for tail, shares_a in differences.tails_a.items():
        yield Measure(f"beyond A's outer {100 * tail:g} % quantiles", sum(shares_a), sum(differences.tails_b[tail]))
    modes = min(NUM_MODES, len(np.unique(a, axis=0)))
    shares: Any = mode_occupancy(a, b, modes, stream.child("modes")) if modes else ((), ())
    for number, (share_a, share_b) in enumerate(zip(*shares, strict=True)):
        yield Measure(f"share of rows in mode {number} (k-means on A)", float(share_a), float(share_b))


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
