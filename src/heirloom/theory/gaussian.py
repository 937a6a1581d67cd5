"""What refitting a Gaussian does beyond its two moments: log variance, standard deviation and distance to the truth.

In units of the true variance, entry g for model g; ``ddof`` is 0 or 1: `moments`.
"""

from __future__ import annotations

import math

import numpy as np

from heirloom.errors import HeirloomError
from heirloom.theory.moments import Curve, check, replace


def replace_log_determinant(num_rows: int, num_fits: int, num_dimensions: int = 1, ddof: int = 0) -> Curve:
    """Return E[ln det C_t - ln det C0] under replace; for D = 1 E[ln variance]. Entry 0 is the control's, always.

    t (sum_(d=1..D) digamma((n - d) / 2) - D ln((n - ddof) / 2)): the determinant of a Wishart matrix is a product of
    chi² variates (Bartlett 1933). Use it for t >> n, where the mean of the variance misleads.

    Parameters
    ----------
    num_rows, num_fits, ddof
        As in `replace`.
    num_dimensions
        D, below n.

    Raises
    ------
    HeirloomError
        As in `replace`, or if D is outside 1 … n - 1.
    """
    from scipy.special import digamma

    check(num_rows, num_fits, 0, ddof)
    if not 0 < num_dimensions < num_rows:
        raise HeirloomError(f"theory: the log determinant needs 1 to {num_rows - 1} dimensions, got {num_dimensions}")
    degrees = num_rows - np.arange(1, num_dimensions + 1)
    log_chi_squares = digamma(degrees / 2) - math.log((num_rows - ddof) / 2)
    step = float(log_chi_squares.sum())
    return np.cumsum(np.full(num_fits, step))


def replace_deviation(num_rows: int, num_fits: int, ddof: int = 0) -> Curve:
    """Return E[standard deviation] under replace in one dimension, a^t.

    a = sqrt(2 / (n-ddof)) Gamma(n/2) / Gamma((n-1)/2): the mean of a chi variate (Johnson, Kotz and Balakrishnan 1994,
    chapter 18). Parameters and errors as in `replace`.
    """
    check(num_rows, num_fits, 0, ddof)
    n = num_rows
    log_scale = math.log(2 / (n - ddof)) / 2
    log_a = log_scale + math.lgamma(n / 2) - math.lgamma((n - 1) / 2)
    log_deviation = np.cumsum(np.full(num_fits, log_a))
    return np.asarray(np.exp(log_deviation), dtype=np.float64)


def replace_wasserstein2_squared(num_rows: int, num_fits: int, ddof: int = 0) -> Curve:
    """Return E[W2²] to the truth under replace in one dimension: E[mean²] + E[variance] - 2 E[sd] + 1.

    For the unbiased estimate t/n + 2 - 2 a^t, the exact form of the risk that Shumailov et al. 2024 give to leading
    order; for maximum likelihood 2 - 2 a^t. Parameters and errors as in `replace`.
    """
    moments = replace(num_rows, num_fits, ddof)
    deviation = replace_deviation(num_rows, num_fits, ddof)
    return moments.mean_square + moments.variance - 2 * deviation + 1
