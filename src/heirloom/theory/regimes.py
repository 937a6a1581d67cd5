"""What the mathematics says of mixed, weighted, growing, selected and edited training sets.

In units of the true variance (sigma² = 1, true mean 0), entry g of a curve describing model g, as in `theory`. One recursion holds for
every Gaussian regime that trains on real rows and the newest synthetic set. Let model t's real rows have the mean X of m rows and the
weight w, its synthetic rows the mean Y of s rows and the weight u = 1 - w (unweighted: w = m / (m + s)), and let M and V be E[mean²] and
E[variance] of model t - 1, which wrote Y. Then

    E[mean²]  = w² / m + u² (M + V / s) + 2 w u b,
    E[row²]   = w + u (V + M),
    E[variance] = (E[row²] - E[mean²]) / (1 - ddof h),    h = w² / m + u² / s,

where b = E[X mean_(t-1)] is 0 for fresh rows; 1 / n0 for rows redrawn from n0 originals; and for fixed ones 1 / n0, then w / m + u b.
Derived here. If the weights and the divisor n leave E[variance] + E[mean²] = 1 once, it stays so for ever.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heirloom.errors import HeirloomError
from heirloom.theory.moments import Moments

Curve = NDArray[np.float64]


def mixture(
    num_originals: int,
    parts: Sequence[tuple[int, int]],
    *,
    real: Literal["fresh", "redrawn", "fixed"] = "fresh",
    weight: float | None = None,
    num_pool: int | None = None,
    ddof: int = 0,
) -> Moments:
    """Return the moments of a chain whose training sets are given by their sizes (the module's recursion).

    Parameters
    ----------
    num_originals
        Rows that the origin is fitted to, n0.
    parts
        (real rows m, synthetic rows s) of each model after the origin.
    real
        Where the real rows come from: true rows that no model has seen; redrawn each generation, or the same, from the originals.
    weight
        Weight of all real rows together, w; None counts every row the same.
    num_pool
        Size of the set that rows are redrawn from, where it is larger than the originals and holds them.
    ddof
        0 for maximum likelihood, 1 for the unbiased estimate.

    Returns
    -------
    curves of shape (1 + len(parts),)

    Raises
    ------
    HeirloomError
        If a training set has fewer than two rows, the weight is outside (0, 1) or has only one side, or ddof is neither 0 nor 1.
    """
    _check(num_originals, parts, weight, ddof)
    start_covariance = {"fresh": 0.0, "redrawn": 1.0 / (num_pool or num_originals), "fixed": 1.0 / num_originals}[real]

    def recursion() -> Iterator[tuple[float, float]]:
        mean_square, covariance = 1.0 / num_originals, start_covariance
        variance = (1.0 - mean_square) / (1.0 - ddof * mean_square)
        yield variance, mean_square
        for m, s in parts:
            w = m / (m + s) if weight is None else weight
            u = 1.0 - w
            real_noise, synthetic_noise = _noise(w, m), _noise(u, s)
            row_square = w + u * (variance + mean_square)
            mean_square = real_noise + u * u * mean_square + synthetic_noise * variance + 2 * w * u * covariance
            variance = (row_square - mean_square) / (1.0 - ddof * (real_noise + synthetic_noise))
            if real == "fixed" and m:
                covariance = real_noise / w + u * covariance
            yield variance, mean_square

    variances, mean_squares = np.array(list(recursion()), dtype=np.float64).T
    return Moments(variances, mean_squares)


def weighted_floor(num_real: int, num_synthetic: int, weight: float) -> float:
    """Return what E[mean²] settles at when each training set has m fresh rows of weight w and s of the newest synthetic rows.

    (w² / m + u² / s) / (1 - u² (1 - 1 / s)), u = 1 - w, for maximum likelihood: the fixed point of the recursion. For large m and s the
    best weight is the golden one (`mixing.golden_weight`), and the floor then is w / m (He, Xu and Cheng 2025, for a known variance).

    Raises
    ------
    HeirloomError
        If the weight is outside (0, 1), or a side has no rows.
    """
    _check(2, [(num_real, num_synthetic)], weight, 0)
    u = 1.0 - weight
    noise = _noise(weight, num_real) + _noise(u, num_synthetic)
    return noise / (1.0 - u * u * (1.0 - 1.0 / num_synthetic))


def schedule_limit(num_rows: int, growth: float) -> float:
    """Return what E[mean²] tends to when generation g has n (g + 1)^a rows, a > 1, fitted without bias: zeta(a) / n.

    The sum of 1 / M_i over all generations converges only for superlinear sizes (Shumailov et al. 2024, supplementary information on
    one-dimensional Gaussians).

    Raises
    ------
    HeirloomError
        If the growth is at most 1: then there is no limit.
    """
    from scipy.special import zeta

    if growth <= 1:
        raise HeirloomError(f"theory: with growth {growth} the error has no limit; growth must be above 1")
    return float(zeta(growth)) / num_rows


def selection_factor(share: float, true_keep: float = 1.0, false_keep: float = 0.0) -> float:
    """Return by what the variance of many Gaussian rows is multiplied when the share nearest to the mean ought to pass.

    The central share p = 2 Phi(c) - 1 has k = 1 - 2 c phi(c) / p of the variance (the two-sided truncated normal; Johnson, Kotz and
    Balakrishnan 1994, chapter 13), the rest (1 - p k) / (1 - p). If the judge keeps the shares t and f of the two, the factor is their mean
    with the weights t p and f (1 - p). A judge that keeps both alike changes nothing. In one dimension the log-likelihood under a model
    with the same mean orders rows so; generation after generation the factor is taken again.

    Raises
    ------
    HeirloomError
        If the share is outside (0, 1), or nothing is kept.
    """
    from scipy.special import ndtri

    central_weight, outer_weight = true_keep * share, false_keep * (1.0 - share)
    weight = central_weight + outer_weight
    if not 0.0 < share < 1.0 or weight <= 0.0:
        raise HeirloomError(f"theory: share {share}, true_keep {true_keep}, false_keep {false_keep}: share in (0, 1), and one keep above 0")
    c = float(ndtri((1.0 + share) / 2.0))
    edge_term = 2.0 * c * math.exp(-c * c / 2.0) / math.sqrt(2.0 * math.pi)
    central = 1.0 - edge_term / share
    outer = (1.0 - share * central) / (1.0 - share)
    return (central_weight * central + outer_weight * outer) / weight


def best_of_factor(num_candidates: int, keep: Literal["highest", "lowest"] = "highest") -> float:
    """Return by what the variance of many Gaussian rows in one dimension is multiplied when one of K candidates for each is kept.

    By the log-likelihood under a model with the same mean the highest candidate is the one nearest to the mean, the lowest the farthest. So
    the factor is the expectation of the first, or of the last, order statistic of K squares of standard normals, the integral of
    (1 - F)^K, or of 1 - F^K, with F the chi-squared distribution with one degree of freedom (David and Nagaraja 2003, "Order Statistics",
    section 3.1). For K = 2 these are 1 - 2/pi and 1 + 2/pi.

    Raises
    ------
    HeirloomError
        If there is no candidate.
    """
    from scipy.integrate import quad
    from scipy.special import chdtr

    if num_candidates < 1:
        raise HeirloomError(f"theory: {num_candidates} candidates; allowed are 1 and more")

    def survival(square: float) -> float:
        below = float(chdtr(1, square))
        return (1.0 - below) ** num_candidates if keep == "highest" else 1.0 - below**num_candidates

    return float(quad(survival, 0.0, math.inf)[0])


def edited_counts(counts: ArrayLike, judge: ArrayLike, model: ArrayLike, above: float) -> Curve:
    """Return the expected count of each type after editing rows of independent tokens: c [j < a] + (sum of the easy counts) p.

    A token of a type whose probability j under the judge is at least a is drawn anew from the model's law p; the others stay. Exact for
    unigrams (token editing as in Zhu et al. 2024).

    Parameters
    ----------
    counts, judge, model
        Count of each type among the tokens that may be edited, and its probability under judge and model; shape (V,).
    above
        The threshold a.
    """
    c, p = np.asarray(counts, dtype=np.float64), np.asarray(model, dtype=np.float64)
    is_easy = np.asarray(judge) >= above
    unedited_counts = np.where(is_easy, 0.0, c)
    return np.asarray(unedited_counts + c[is_easy].sum() * p, dtype=np.float64)


def _noise(weight: float, rows: int) -> float:
    """Return the variance that a weighted mean of independent rows has from them: weight² / rows, none without weight."""
    return weight * weight / rows if weight else 0.0


def _check(num_originals: int, parts: Sequence[tuple[int, int]], weight: float | None, ddof: int) -> None:
    smallest = min((num_originals, *(m + s for m, s in parts)))
    has_negative = any(m < 0 or s < 0 for m, s in parts)
    if smallest < 2 or ddof not in {0, 1} or has_negative:
        raise HeirloomError(
            f"theory: the smallest training set has {smallest} rows, ddof is {ddof}; allowed are at least 2 rows, ddof 0 or 1"
        )
    if weight is not None and not (0.0 < weight < 1.0 and all(m and s for m, s in parts)):
        raise HeirloomError(f"theory: weight {weight} must lie in (0, 1), and every training set have real and synthetic rows")
