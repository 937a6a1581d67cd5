"""Two moments decide a regime: how far the mean strays, and how much variance is left, whatever the family.

Exact recursions in units of the true variance (sigma² = 1, true mean 0). A curve has one entry for each fit, and the
origin is a fit too: **entry g describes model g**, which the literature counts as t = g + 1.

``ddof`` says how the model's variance follows from its training set's: divided by n - ddof, 0 for maximum likelihood
and 1 for the unbiased estimate, and ``None`` where it is not estimated and its expectation stays the truth's. Or it is the
rule itself, linear: number of rows and sample variance (divisor n) to model variance; `theory.smoothing` has two.

| family | ddof | unit |
|---|---|---|
| Gaussian | 0 or 1 | in D dimensions tr C0, for the covariance trace and the squared distance of the mean |
| Bernoulli | 0: p (1 - p) is the variance of zeros and ones | p0 (1 - p0) |
| categorical | 0: a type is a Bernoulli variable, and the diversity 1 - sum p² sums their variances | 1 - sum p0² |
| kernel density | a rule: the kernel's variance is added | tr C0 |
| Gaussian mixture | a rule: EM keeps the rows' mean and, but for ``reg_covar``, their covariance, whatever the components do | tr C0 |
| Poisson | None: a row's variance is the model's mean, whose expectation never changes | the true rate |

Derivation shared by the regimes. A training set of n rows with sample mean m and second moment q is fitted as variance
n / (n - ddof) · (q - m²). Row means and second moments of a mixture are linear in the previous model's E[mean²] and
E[variance], so two numbers per generation suffice. If every row is a true row or an unweighted sample of a maximum
likelihood model, E[variance] + E[mean²] = 1 for ever: what the variance loses, the mean gains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError

Curve = NDArray[np.float64]
Rule = int | Callable[[int, float], float] | None


class Moments(NamedTuple):
    """Expectations over chains; entry g of either curve, shape (num_fits,), describes model g.

    Attributes
    ----------
    variance
        E[fitted variance].
    mean_square
        E[(fitted mean - true mean)²], which is also the variance of the fitted mean over chains.
    """

    variance: Curve
    mean_square: Curve


def replace(num_rows: int, num_fits: int, ddof: Rule = 0) -> Moments:
    """Return the moments when each model is fitted to n rows of the previous one only.

    Model t = g + 1 has E[variance] = ((n-1) / (n-ddof))^t, that is (1 - 1/n)^t for maximum likelihood and 1 for the
    unbiased estimate, and E[mean²] = sum_(j<t) E[variance_j] / n, that is 1 - (1 - 1/n)^t and t / n. Shumailov et al.
    2024, supplementary information on one-dimensional Gaussians, for the unbiased case; two lines of algebra for the
    other.

    Parameters
    ----------
    num_rows, num_fits
        Rows of each training set, n; models of the chain, the origin included.
    ddof
        0, 1, None or a rule, see the module's docstring.

    Raises
    ------
    HeirloomError
        If n < 2, num_fits < 1 or ddof is none of these.
    """
    if callable(ddof):
        return fresh(num_rows, num_fits, 0, ddof)
    check(num_rows, num_fits, 0, ddof)
    step = 1.0 if ddof is None else (num_rows - 1) / (num_rows - ddof)
    variance = np.power(step, np.arange(num_fits + 1.0))
    return Moments(variance[1:], np.cumsum(variance[:-1]) / num_rows)


def control(num_rows: int, num_fits: int, ddof: Rule = 0) -> Moments:
    """Return the moments when each model is fitted to n true rows: (n-1) / (n-ddof) and 1 / n, at every generation.

    Holds whether rows come from the true law or are drawn without replacement from a pool of independent true rows.
    Parameters and errors as in `replace`.
    """
    return fresh(num_rows, num_fits, num_rows, ddof)


def fresh(num_rows: int, num_fits: int, num_fresh: int, ddof: Rule = 0) -> Moments:
    """Return the moments when m of n rows are true rows that no model has seen, the rest the previous model's.

    With s = n - m, E[mean_t²] = (m + s E[var] + s² E[mean²]) / n² and E[row²] = (m + s (E[var] + E[mean²])) / n, the
    right side taken at t - 1. Assumes a fixed m and independent true rows, n of them for the origin. Derived here.

    Parameters
    ----------
    num_rows, num_fits, ddof
        As in `replace`.
    num_fresh
        True rows in each training set after the origin's, m, from 0 (`replace`) to n (`control`).

    Raises
    ------
    HeirloomError
        As in `replace`, or if m is outside 0 … n.
    """
    return _mix(num_rows, num_fits, num_fresh, repeat(0.0), ddof)


def keep(num_rows: int, num_fits: int, num_kept: int, num_originals: int | None = None, ddof: Rule = 0) -> Moments:
    """Return the moments when m of n rows are redrawn each generation from one fixed original set.

    As `fresh`, plus the covariance of the kept rows' mean with the previous model's mean, 2 m s / n² · 1 / n0: the kept
    rows and every model have the covariance 1 / n0 with the original set's mean. Assumes m rows drawn uniformly without
    replacement, anew each generation, from n0 independent true rows, the origin on n of them. Derived here.

    Parameters
    ----------
    num_rows, num_fits, ddof
        As in `replace`.
    num_kept
        Original rows in each training set after the origin's, m, from 0 to n.
    num_originals
        Size of the original set, n0 >= n; by default n.

    Raises
    ------
    HeirloomError
        As in `replace`, if m is outside 0 … n or n0 < n.
    """
    pool = num_rows if num_originals is None else num_originals
    if pool < num_rows:
        raise HeirloomError(f"theory: the original set must have at least {num_rows} rows, got {pool}")
    return _mix(num_rows, num_fits, num_kept, repeat(1 / pool), ddof)


def keep_fixed(num_rows: int, num_fits: int, num_kept: int, ddof: Rule = 0) -> Moments:
    """Return the moments when the same m original rows are in every training set.

    As `keep`, but the covariance of the kept rows' mean with the model's mean grows, towards 1/m: b_1 = 1/n and b_t =
    (1 + s b_(t-1)) / n. Assumes that the m rows are among the n that the origin is fitted to. Derived here. Parameters
    and errors as in `fresh`.
    """
    covariances = np.cumsum((1 - num_kept / num_rows) ** np.arange(num_fits)) / num_rows
    return _mix(num_rows, num_fits, num_kept, covariances.tolist(), ddof)


def accumulate(num_rows: int, num_fits: int, ddof: Rule = 0) -> Moments:
    """Return the moments when all rows ever made are kept and each generation adds n: model t is fitted to n t rows.

    For maximum likelihood E[variance] = prod_(j<=t) (1 - 1 / (n j²)). In general E[mean_t²] = E[mean²] + E[var] / (n
    t²) and E[row²]_t = ((t-1) E[row²] + E[var] + E[mean²]) / t, the right side taken at t - 1. Derived here; the regime
    is that of Gerstgrasser et al. 2024. Parameters and errors as in `replace`.
    """
    check(num_rows, num_fits, 0, ddof)

    def recursion() -> Iterator[tuple[float, float]]:
        mean_square, row_square = 1 / num_rows, 1.0
        for t in range(1, num_fits + 1):
            variance = _model_variance(num_rows * t, ddof, row_square - mean_square)
            yield variance, mean_square
            row_square = (t * row_square + variance + mean_square) / (t + 1)
            mean_square += variance / (num_rows * (t + 1) ** 2)

    return _curves(recursion())


def accumulate_limit(num_rows: int) -> float:
    """Return what E[variance] under `accumulate` with maximum likelihood tends to: sin(x) / x, x = pi / sqrt(n).

    Euler's product for the sine, with n rows per generation; the mean's share of the loss is 1 minus that.
    """
    check(num_rows, 1, 0, 0)
    x = math.pi / math.sqrt(num_rows)
    return math.sin(x) / x


def accumulate_fixed(num_rows: int, num_fits: int, ddof: Rule = 0) -> Moments:
    """Return the moments when each model is fitted to n rows drawn from everything ever made.

    Model t = g + 1 draws uniformly without replacement from a pool of n t rows: n originals and n of each of the models
    0 … g - 1, where all n rows of a model join the pool whether drawn or not. With pool mean p and E[row²] over the
    pool, E[p_t²] = ((t² - 1) E[p²] + E[mean²] + E[var] / n) / t², the right side at t - 1, and drawing n of n t rows
    adds (E[row²] - E[p_t²]) (t - 1) / (n t - 1) to give E[mean_t²]. Derived here; the regime is that of Kazdan et al.
    2024, and before it the fixed-size draws of Shumailov et al. 2024. Parameters and errors as in `replace`.
    """
    check(num_rows, num_fits, 0, ddof)

    def recursion() -> Iterator[tuple[float, float]]:
        pool_square, row_square = 1 / num_rows, 1.0
        for t in range(1, num_fits + 1):
            mean_square = pool_square + (row_square - pool_square) * (t - 1) / (num_rows * t - 1)
            variance = _model_variance(num_rows, ddof, row_square - mean_square)
            yield variance, mean_square
            row_square = (t * row_square + variance + mean_square) / (t + 1)
            total_square = ((t + 1) ** 2 - 1) * pool_square + mean_square + variance / num_rows
            pool_square = total_square / (t + 1) ** 2

    return _curves(recursion())


def _mix(num_rows: int, num_fits: int, num_true: int, covariances: Iterable[float], ddof: Rule) -> Moments:
    """Fit n rows, m of them true; entry t - 1 of covariances is that of model t's mean and the next true rows' mean."""
    check(num_rows, num_fits, num_true, ddof)
    n, m, s = num_rows, num_true, num_rows - num_true

    def recursion() -> Iterator[tuple[float, float]]:
        mean_square, row_square = 1 / n, 1.0
        for covariance in islice(covariances, num_fits):
            variance = _model_variance(n, ddof, row_square - mean_square)
            yield variance, mean_square
            row_square = (m + s * (variance + mean_square)) / n
            mean_square = (m + s * variance + s**2 * mean_square + 2 * m * s * covariance) / n**2

    return _curves(recursion())


def _model_variance(num_rows: int, ddof: Rule, sample_variance: float) -> float:
    if callable(ddof):
        return ddof(num_rows, sample_variance)
    return 1.0 if ddof is None else sample_variance * num_rows / (num_rows - ddof)


def _curves(pairs: Iterator[tuple[float, float]]) -> Moments:
    variance, mean_square = np.array(list(pairs), dtype=np.float64).T
    return Moments(variance, mean_square)


def check(num_rows: int, num_fits: int, num_true: int, ddof: Rule) -> None:
    """Raise HeirloomError unless the sizes are possible; see `replace` and `fresh`."""
    is_rule = callable(ddof) or ddof in {0, 1, None}
    if num_rows < 2 or num_fits < 1 or not is_rule or not 0 <= num_true <= num_rows:
        raise HeirloomError(
            f"theory: got {num_rows} rows, {num_fits} fits, {num_true} true rows, ddof {ddof!r}; allowed are at least "
            f"2 rows, at least 1 fit, 0 to {num_rows} true rows, ddof 0, 1 or None"
        )
