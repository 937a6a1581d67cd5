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
_SHOWN_DIMENSIONS = 8
_SHOWN_COVARIANCES = 4


def of_vectors(samples: tuple[VectorSample, VectorSample], stream: Stream, notes: Sequence[str] = (), caveat: str = "") -> Distribution:
    """Return how the vectors are distributed."""
    a, b = samples
    results = vector_tests(a, b, stream.child("vectors"))
    differences = vector_differences(a.x, b.x, stream.child("differences"))
    looked_at = f"energy distance over {differences.energy_rows[0]:,} and {differences.energy_rows[1]:,} rows"
    return Distribution(
        distance_name="energy distance",
        distance=differences.energy_distance,
        uncorrected=differences.energy_distance,
        direction=direction(results),
        tests=adjusted(results),
        measures=tuple(_vector_measures(a.x, b.x, differences, stream)),
        sampled=(len(a.x), len(b.x)),
        notes=(*notes, looked_at, *([caveat] if caveat else [])),
        caveat=caveat,
        is_decidable=is_decidable(results),
    )


def _vector_measures(a: Floats, b: Floats, found: VectorDifferences, stream: Stream) -> Iterator[Measure]:
    shown = min(a.shape[1], _SHOWN_DIMENSIONS)
    for dimension in range(shown):
        yield Measure(f"mean of dimension {dimension}", float(a[:, dimension].mean()), float(b[:, dimension].mean()))
        yield Measure(f"standard deviation of dimension {dimension}", float(a[:, dimension].std()), float(b[:, dimension].std()))
        yield Measure(f"Kolmogorov-Smirnov distance of dimension {dimension}", 0.0, float(found.kolmogorov_smirnov[dimension]))
        yield Measure(f"Wasserstein-1 distance of dimension {dimension}", 0.0, float(found.wasserstein[dimension]))
    for one, other in combinations(range(min(a.shape[1], _SHOWN_COVARIANCES)), 2):
        yield Measure(f"covariance of dimensions {one} and {other}", *(float(np.cov(x[:, one], x[:, other])[0, 1]) for x in (a, b)))
    if a.shape[1] > 1:
        yield Measure("Kolmogorov-Smirnov distance, largest of all dimensions", 0.0, float(found.kolmogorov_smirnov.max()))
        yield Measure("Wasserstein-1 distance, sliced", 0.0, found.sliced_wasserstein)
    yield Measure("total variance, share of A's", 1.0, _number(found.total_variance_ratio))
    yield Measure("log generalised variance, beyond A's", 0.0, _number(found.log_generalised_variance))
    for tail, beyond in found.tails_a.items():
        yield Measure(f"beyond A's outer {100 * tail:g} % quantiles", sum(beyond), sum(found.tails_b[tail]))
    modes = min(NUM_MODES, len(np.unique(a, axis=0)))
    shares: Any = mode_occupancy(a, b, modes, stream.child("modes")) if modes else ((), ())
    for number, (share_a, share_b) in enumerate(zip(*shares, strict=True)):
        yield Measure(f"share of rows in mode {number} (k-means on A)", float(share_a), float(share_b))


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
