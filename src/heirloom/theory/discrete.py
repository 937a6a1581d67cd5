"""What exact resampling does to types: who survives, who is alone in the end, and when.

A type that has c of n rows has Binomial(n, c / n) of the next n: the haploid model of Wright 1931 and Fisher 1930,
without mutation. Two moments of this chain, in every regime, are in `moments`.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heirloom.errors import HeirloomError
from heirloom.theory.moments import Curve

EXACT_ROWS = 1000
"""Most rows for which the exact chain of counts is worked out: 8 MB of transitions."""


def drift_survival(counts: ArrayLike, num_generations: int, ratio: float = 1.0) -> Curve:
    """Return the neutral expectation that a type seen c times in the real data still occurs in synthetic k = 1, 2, ….

    1 - exp(-r c g_k) with g_1 = 1 and g_(k+1) = 1 - exp(-g_k): the survival of a branching process with Poisson
    offspring of mean 1 (Fisher 1922; Athreya and Ney 1972, chapter I), for an exact refit of unigrams under replace. A
    chain of frequencies that starts from the true law instead of counts has c = n p, and its fit k counts the origin's.

    Parameters
    ----------
    counts, num_generations
        Occurrences c of each type in the real data, shape (V,); synthetic generations k.
    ratio
        r, synthetic tokens of one generation / real tokens, prompts left out.

    Returns
    -------
    array of shape (num_generations, V); row k - 1 belongs to synthetic k
    """
    counts_V = np.asarray(counts, dtype=np.float64)
    g_K = np.ones(max(0, num_generations))
    for k in range(1, num_generations):
        g_K[k] = -math.expm1(-g_K[k - 1])
    return np.asarray(-np.expm1(-ratio * np.multiply.outer(g_K, counts_V)))


def spectrum(probabilities: ArrayLike, num_rows: int, num_fits: int, weights: ArrayLike | None = None) -> Curve:
    """Return how many types are expected to have each count after each fit of `replace`, exactly.

    The first fit has Binomial(n, p_i) rows of type i, and every later one Binomial(n, c / n) of what it had c of; the
    expectation is a sum over types, so one vector of n + 1 numbers follows them all. Column 0 counts the types that are
    lost, column n is the probability that one is alone. Wright 1931, "Evolution in Mendelian populations".

    Parameters
    ----------
    probabilities
        The true law p, shape (V,).
    num_rows, num_fits
        n, at most `EXACT_ROWS`, since the chain has (n + 1)² transitions; fits, the origin's included.
    weights
        What a type counts for, shape (V,); by default 1. With the probabilities themselves, column 0 is the true mass
        of the lost types.

    Returns
    -------
    array of shape (num_fits, n + 1), a row a fit

    Raises
    ------
    HeirloomError
        If the sizes are impossible.
    """
    p_V = np.asarray(probabilities, dtype=np.float64)
    weight_V = np.ones_like(p_V) if weights is None else np.asarray(weights, dtype=np.float64)
    distinct, place_V = np.unique(p_V, return_inverse=True)
    weight_of_distinct = np.bincount(place_V, weights=weight_V)
    start = weight_of_distinct @ _binomial(distinct, num_rows)
    return _spectra(start, num_rows, num_fits)


def present(probabilities: ArrayLike, num_rows: int) -> Curve:
    """Return the probability that each type occurs among n independent rows, 1 - (1 - p)^n, shape (V,)."""
    p_V = np.asarray(probabilities, dtype=np.float64)
    with np.errstate(divide="ignore"):
        log_absent_V = num_rows * np.log1p(-p_V)
    return np.asarray(-np.expm1(log_absent_V))


def survival(count: int, num_rows: int, num_generations: int) -> Curve:
    """Return the probability that a type seen c times in n rows still occurs in synthetic k = 1, 2, …, exactly.

    `drift_survival` is its limit for many rows.

    Parameters
    ----------
    count, num_rows
        c and n.
    num_generations
        Synthetic generations k.

    Returns
    -------
    array of shape (num_generations,)
    """
    start = np.zeros(num_rows + 1)
    start[count] = 1.0
    loss = _spectra(start, num_rows, num_generations + 1)[1:, 0]
    return 1 - loss


def boundaries_with_one_real_row(
    probability: float, num_rows: int, num_fits: int, row: Literal["fixed", "redrawn", "fresh"]
) -> tuple[Curve, Curve]:
    """Return the probabilities that a Bernoulli chain sits at 0 and at 1 when one of its n rows is real, entry g for model g, exactly.

    A chain with c ones has Z + Binomial(n - 1, c / n) ones next. Z is a new Bernoulli(p) (``fresh``), or the value of one of the n
    originals: of the same one for ever (``fixed``), or of one drawn anew (``redrawn``). ``fixed`` has the law of `replace`, whatever n and
    the number of types: label the line of one row's ancestors in `replace`; the n - 1 others still choose among all. Jangjoo, Marsili
    and Roudi 2026 (arXiv 2506.20623) say that one true row in each retraining prevents the absorbing state. Derived here.

    Parameters
    ----------
    probability
        The true p.
    num_rows, num_fits
        n; models of the chain, the origin included.

    Returns
    -------
    curves of shape (num_fits,)
    """
    shares = np.arange(num_rows + 1) / num_rows
    _transitions(num_rows)
    others = _binomial(shares, num_rows - 1)
    zero, one = np.pad(others, ((0, 0), (0, 1))), np.pad(others, ((0, 0), (1, 0)))
    start = np.diag(_binomial(np.array([probability]), num_rows)[0])  # row: ones among the originals; column: ones of the chain
    chains: list[tuple[Curve, Curve]] = [(start, shares[:, None])]
    if row == "fixed":  # what the originals were no longer matters, once the row is known
        chains = [((1 - shares) @ start, np.zeros(1)), (shares @ start, np.ones(1))]
    if row == "fresh":
        chains = [(start.sum(axis=0), np.full(1, probability))]
    at_zero, at_one = np.zeros(num_fits), np.zeros(num_fits)
    for first_state, share in chains:
        state = first_state
        for g in range(num_fits):
            at_zero[g] += state[..., 0].sum()
            at_one[g] += state[..., -1].sum()
            state = (1 - share) * (state @ zero) + share * (state @ one)
    return at_zero, at_one


def fixation_time(probability: float, num_rows: int) -> float:
    """Return how many fits a Bernoulli chain needs on average until all rows are alike, the origin's fit counted.

    Solves (1 - Q) tau = 1 on the counts 1 … n - 1 (Kemeny and Snell 1960, theorem 3.2.4); the diffusion limit is -2 n
    (p ln p + (1 - p) ln(1 - p)) (Watterson 1962).

    Parameters
    ----------
    probability, num_rows
        The true probability p and the rows n of each fit.
    """
    transient = _transitions(num_rows)[1:-1, 1:-1]
    identity = np.eye(num_rows - 1)
    tau = np.linalg.solve(identity - transient, np.ones(num_rows - 1))
    start = _binomial(np.array([probability]), num_rows)[0, 1:-1]
    return float(1 + start @ tau)


def poisson_extinction(rate: float, num_rows: int, num_fits: int) -> Curve:
    """Return the probability that a Poisson chain under `replace` has come to a rate of 0, entry g for model g.

    The sum of n rows at rate S / n is Poisson(S): a branching process with Poisson offspring of mean 1 from S_0 = n
    rate, so exp(-n rate g_t) with the g of `drift_survival`, here exactly.
    """
    return 1 - drift_survival([rate * num_rows], num_fits)[:, 0]


def _spectra(start: Curve, num_rows: int, num_fits: int) -> Curve:
    """Return the spectrum after each fit, shape (num_fits, n + 1), from that of the first."""
    transitions = _transitions(num_rows)
    spectra = [start]
    for _ in range(1, num_fits):
        spectra.append(spectra[-1] @ transitions)
    return np.array(spectra)


def _transitions(num_rows: int) -> NDArray[np.float64]:
    """Return the probabilities of going from c rows to c' rows of n, shape (n + 1, n + 1)."""
    if not 2 <= num_rows <= EXACT_ROWS:
        raise HeirloomError(f"theory: the exact chain of counts needs 2 to {EXACT_ROWS} rows, got {num_rows}")
    return _binomial(np.arange(num_rows + 1) / num_rows, num_rows)


def _binomial(probabilities: NDArray[np.float64], num_rows: int) -> NDArray[np.float64]:
    """Return Pr(Binomial(n, p) = c), shape (number of p, n + 1)."""
    from scipy.special import gammaln, xlog1py, xlogy

    c = np.arange(num_rows + 1)
    p = probabilities[:, None]
    log_coefficient = gammaln(num_rows + 1) - gammaln(c + 1) - gammaln(num_rows - c + 1)
    log_probability = log_coefficient + xlogy(c, p) + xlog1py(num_rows - c, -p)
    return np.asarray(np.exp(log_probability), dtype=np.float64)
