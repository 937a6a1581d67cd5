"""What a fitted Gaussian is measured by: its moments, and its distances to the true law.

Legend of shapes: R replicas, D dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.measures import mixtures, replicas, vectors


def measure(mean_RD: NDArray[Any], covariance_RDD: NDArray[Any], truth: mixtures.Mixture) -> dict[str, float]:
    """Measure the fit against the true law; each measure is summarised over replicas where there are several.

    ``wasserstein2_squared`` is the distance to the truth; where that is a mixture in several dimensions, to the Gaussian with its mean and
    covariance, a lower bound (Gelbrich 1990). ``squared_l2``, where the truth is a mixture, is the distance to its density. ``absorbed``
    is 1 where the variance is exactly 0: such a chain has ended, has no log determinant and no bounded squared L2, and a generation with
    such a replica goes without these two.
    """
    mean_D = mixtures.moments(truth)[0][0]
    mean_RD, covariance_RDD = (values.astype(np.float64, copy=False) for values in (mean_RD, covariance_RDD))
    absorbed_R = np.trace(covariance_RDD, axis1=1, axis2=2) == 0
    measured = {
        "covariance_trace": vectors.covariance_trace(covariance_RDD),
        "mean_squared_error": vectors.mean_squared_distance(mean_RD, mean_D),
        "wasserstein2_squared": mixtures.wasserstein2_squared(mean_RD, covariance_RDD, truth),
        "mean_first": mean_RD[:, 0],
        "absorbed": absorbed_R.astype(np.float64),
    }
    if not absorbed_R.any():
        measured |= _density_measures(mean_RD, covariance_RDD, truth)
    return replicas.summarise_each(measured)


def _density_measures(mean_RD: NDArray[np.float64], covariance_RDD: NDArray[np.float64], truth: mixtures.Mixture) -> dict[str, Any]:
    """Return the measures that only a Gaussian with a density has."""
    measures = {"log_determinant": vectors.log_determinant(covariance_RDD)}
    if truth.weights.shape[1] == 1:
        return measures
    mixture = mixtures.Mixture(np.ones((len(mean_RD), 1)), mean_RD[:, None], covariance_RDD[:, None])
    return measures | {"squared_l2": mixtures.squared_l2(mixture, truth)}
