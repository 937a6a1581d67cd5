"""How two vector samples differ, in numbers that a person reads.

Shapes: N rows, D dimensions, K modes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from heirloom.stats.samples import Floats
from heirloom.streams import Stream

MAX_ENERGY_ROWS = 1000
NUM_SLICES = 64
TAILS = (0.01, 0.05)


@dataclass(frozen=True)
class VectorDifferences:
    """Differences B - A; lengths in the unit of x.

    Parameters
    ----------
    mean, total_variance_ratio, log_generalised_variance
        Difference of means; trace C_B / trace C_A; ln det C_B - ln det C_A (nan where a covariance is degenerate).
    energy_distance, energy_rows
        Energy distance (Székely and Rizzo 2004), over so many rows drawn from each sample.
    wasserstein, sliced_wasserstein
        Exact Wasserstein-1 distance of each dimension; mean over random directions (for one dimension the exact one).
    kolmogorov_smirnov
        Largest distance of the distribution functions, each dimension.
    tails_a, tails_b
        Share of entries beyond A's quantiles: tail (0.01, 0.05) to (share below, share above), averaged over dimensions.
    """

    mean: Floats
    total_variance_ratio: float
    log_generalised_variance: float
    energy_distance: float
    energy_rows: int
    wasserstein: Floats
    sliced_wasserstein: float
    kolmogorov_smirnov: Floats
    tails_a: Mapping[float, tuple[float, float]]
    tails_b: Mapping[float, tuple[float, float]]


def vector_differences(a_ND: Floats, b_ND: Floats, stream: Stream) -> VectorDifferences:
    """Return every difference of two vector samples."""
    raise NotImplementedError


def mode_occupancy(a_ND: Floats, b_ND: Floats, num_modes: int, stream: Stream) -> tuple[Floats, Floats]:
    """Return the share of rows of A and of B in each of K modes; the modes are the clusters of k-means on A."""
    raise NotImplementedError
