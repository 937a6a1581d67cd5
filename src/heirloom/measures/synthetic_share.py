"""How much of a set of rows models have written, estimated from what the rows say: a small classifier, and what its mean score tells.

The classifier is the log ratio of two simple laws, fitted to rows that people have written and to rows that a model has. A share is read
from the mean score of a mixture, which lies between those of the two classes (Bella, Ferri, Hernández-Orallo and Ramírez-Quintana 2010,
"Quantification via probability estimators", scaled probability average).

Shapes: N rows, D numbers of a vector, T tokens of a row of text, G = T - 1 pairs of neighbouring tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.measures import ngrams, vectors

Rows = NDArray[Any]
Scores = NDArray[np.float64]
Classifier = Callable[[Rows, Rows], Callable[[Rows], Scores]]
"""From real rows and synthetic rows to the function that gives each row its probability to be synthetic, at equal numbers of both."""

FEWEST_ROWS = 10
"""Rows of each class and of the mixture, in each half, that an estimate needs."""
LEAST_POWER = 0.02
"""Distance of the two classes' mean scores below which the classes are the same to the classifier, and no share can be read."""
_BUCKETS = np.uint64(2**16)


class Estimate(NamedTuple):
    """A share with its standard error, and how far apart the mean scores of the two classes are (1: no row is mistaken)."""

    share: float
    se: float
    power: float


class Scored(NamedTuple):
    """The scores of a mixture's rows, of real rows and of synthetic rows, shape (N,) each, by classifiers that have seen none of them."""

    mixture: Scores
    real: Scores
    synthetic: Scores


def scored(mixture: Rows, real: Rows, synthetic: Rows, classifier: Classifier) -> Scored | None:
    """Return the scores of three sets of rows; None where a half has too few rows.

    Rows are parted into two halves by what they say, so that equal rows are in one half. The classifier that is fitted to one half scores
    the other.
    """
    sets = (mixture, real, synthetic)
    halves = [_half(rows) for rows in sets]
    scores_of_halves = []
    for half in (0, 1):
        parts = [rows[half_N == half] for rows, half_N in zip(sets, halves, strict=True)]
        others = [rows[half_N != half] for rows, half_N in zip(sets, halves, strict=True)]
        if min(len(part) for part in (*parts, *others[1:])) < FEWEST_ROWS:
            return None
        score = classifier(others[1], others[2])
        scores_of_halves.append([score(part) for part in parts])
    return Scored(*map(np.concatenate, zip(*scores_of_halves, strict=True)))


def together(parts: Sequence[Scored]) -> Scored:
    """Return the scores of several sets, each of which had a classifier of its own, as those of one."""
    return Scored(*map(np.concatenate, zip(*parts, strict=True)))


def estimate(scores: Scored) -> Estimate:
    """Return the share s that solves mean(mixture) = s mean(synthetic) + (1 - s) mean(real), its error to first order, and the power.

    The error is about the share of this very mixture, whose rows of each kind are given: their variances within a kind count alone. The
    share is NaN where the classifier does not score synthetic rows higher by `LEAST_POWER`. It is not cut to 0 and 1, so that its mean
    over many sets is right.
    """
    mixture, real, synthetic = scores
    power = float(synthetic.mean() - real.mean())
    if power < LEAST_POWER:
        return Estimate(float("nan"), float("nan"), power)
    share = float((mixture.mean() - real.mean()) / power)
    real_variance, synthetic_variance = real.var(ddof=1), synthetic.var(ddof=1)
    inside = min(max(share, 0.0), 1.0)
    variance = (inside * synthetic_variance + (1.0 - inside) * real_variance) / len(mixture)
    variance += (1.0 - share) ** 2 * real_variance / len(real) + share**2 * synthetic_variance / len(synthetic)
    return Estimate(share, float(np.sqrt(variance)) / power, power)


def quadratic(real_ND: Rows, synthetic_ND: Rows) -> Callable[[Rows], Scores]:
    """Return the classifier of vectors: the ratio of two normal densities (Fisher 1936, with unequal covariances)."""
    laws = [_normal(rows_ND.astype(np.float64)) for rows_ND in (real_ND, synthetic_ND)]

    def score(rows_ND: Rows) -> Scores:
        real_N, synthetic_N = (vectors.log_density(rows_ND[None].astype(np.float64), mean, covariance)[0] for mean, covariance in laws)
        return _probability(synthetic_N - real_N)

    return score


def bigrams(real_NT: Rows, synthetic_NT: Rows) -> Callable[[Rows], Scores]:
    """Return the classifier of text: naive Bayes over pairs of neighbouring tokens, one added to each count (Laplace 1774).

    The log ratio is divided by the number of pairs, since neighbouring pairs are far from independent.
    """
    log_ratio_B = _log_shares(synthetic_NT) - _log_shares(real_NT)

    def score(rows_NT: Rows) -> Scores:
        return _probability(log_ratio_B[_buckets(rows_NT)].mean(axis=1))

    return score


def _half(rows: Rows) -> NDArray[np.int64]:
    """Return 0 or 1 for each row, the same for equal rows."""
    whole_numbers = np.ascontiguousarray(rows).view(np.int64) if rows.dtype == np.float64 else rows
    return (ngrams.codes(whole_numbers, rows.shape[1])[:, 0] & np.uint64(1)).astype(np.int64)


def _normal(rows_ND: Scores) -> tuple[Scores, Scores]:
    """Return the mean, shape (1, D), and the covariance, shape (1, D, D), of rows; a thousandth of their scale keeps it from being flat."""
    centred_ND = rows_ND - rows_ND.mean(axis=0)
    covariance_DD = centred_ND.T @ centred_ND / len(rows_ND)
    floor = 1e-6 * max(float(np.trace(covariance_DD)), np.finfo(np.float64).tiny)
    return rows_ND.mean(axis=0)[None], (covariance_DD + floor * np.eye(rows_ND.shape[1]))[None]


def _buckets(rows_NT: Rows) -> NDArray[np.int64]:
    return (ngrams.codes(rows_NT, 2) % _BUCKETS).astype(np.int64)


def _log_shares(rows_NT: Rows) -> Scores:
    counts_B = 1.0 + np.bincount(_buckets(rows_NT).reshape(-1), minlength=int(_BUCKETS))
    return np.asarray(np.log(counts_B / counts_B.sum()))


def _probability(log_odds_N: Scores) -> Scores:
    from scipy.special import expit

    return np.asarray(expit(log_odds_N), dtype=np.float64)
