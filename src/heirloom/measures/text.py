"""What a set of texts still has: tokens, words and their tails, repetition, and how surprising a model finds it.

Every function is pure and takes rows batch by batch, so a corpus never has to be held whole; counts add up. Compare generations at the
same number of rows only: distinct-n, coverage and survival all depend on the sample size.

Shapes: N rows, T tokens per row, V vocabulary.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heirloom.errors import HeirloomError
from heirloom.measures import ngrams

Tokens = NDArray[np.integer[Any]]

POSITIVE = (
    "test_perplexity",
    "test_block_perplexity",
    "origin_perplexity",
    "distinct_1",
    "distinct_2",
    "distinct_3",
    "vocabulary_coverage",
    "word_types",
)
"""Measures of text that are above 0 (`measures.scales`)."""

NONNEGATIVE = (
    "tail_survival",
    "tail_survival_drift",
    "test_loss_by_frequency",
    "token_entropy",
    "duplicate_row_share",
)
"""Measures of text that are 0 or above (`measures.scales`)."""

TAILS = {"tail_survival.2-4": -1, "tail_survival.5-16": -1, "tail_survival.17-64": -1}
"""Measures whose loss is early collapse, each with the direction of loss (`measures.stages`)."""

BULK = {"distinct_3": -1, "token_entropy": -1, "test_perplexity": 1}
"""Measures whose loss is late collapse (`measures.stages`)."""

BANDS: Mapping[str, range] = {
    "1": range(1, 2),
    "2-4": range(2, 5),
    "5-16": range(5, 17),
    "17-64": range(17, 65),
    "65+": range(65, sys.maxsize),
}
"""Frequency bands of the real data: label, usable in a metric's name, to the counts that belong to it."""

_LOG10_EDGES = np.arange(41) / 10
_HISTOGRAM_LABELS = ("-inf", *(f"{edge:.2f}" for edge in _LOG10_EDGES))
_AT_ONCE = 2**16
"""Perplexities of which logarithms are held at once: half a megabyte."""


def count_tokens(rows: Iterable[Tokens], vocab_size: int) -> NDArray[np.int64]:
    """Return how often each token id occurs; arrays of batches add up.

    Parameters
    ----------
    rows, vocab_size
        Token ids, one array per row or a matrix (N, T); number of ids, V, which is the length of the result.

    Raises
    ------
    HeirloomError
        If a token id is outside 0 … V - 1.
    """
    counts = np.zeros(vocab_size, np.int64)
    matrices = [rows] if isinstance(rows, np.ndarray) else rows
    for tokens in matrices:
        if tokens.size and not 0 <= tokens.min() <= tokens.max() < vocab_size:
            raise HeirloomError(f"token ids run from {tokens.min()} to {tokens.max()}: allowed are 0 to {vocab_size - 1}")
        counts += np.bincount(tokens.reshape(-1), minlength=vocab_size)
    return counts


def distinct_n(rows: Iterable[Tokens], n: int) -> float:
    """Return distinct-n: number of different n-grams / number of n-grams, in [0, 1].

    N-grams lie inside a row. Source: Li et al. 2016, "A diversity-promoting objective function for neural conversation
    models", section 5 (there over words; here over tokens).

    Parameters
    ----------
    rows, n
        Token ids, one array per row or a matrix of several rows; length of the n-gram, at least 1.

    Raises
    ------
    HeirloomError
        If n < 1 or no row has n tokens.
    """
    if n < 1:
        raise HeirloomError(f"distinct-n needs n of at least 1, got {n}")
    num_different, num_all = ngrams.count_different(rows, n)
    if not num_all:
        raise HeirloomError(f"distinct-{n} needs a row of at least {n} tokens, and there is none")
    return num_different / num_all


def token_entropy(counts: ArrayLike) -> float:
    """Return the plug-in entropy -sum p ln p in nats, p = count / total (Shannon 1948).

    The plug-in estimate is low by about (V - 1) / (2 total) nats (Miller 1955): compare equal totals.

    Parameters
    ----------
    counts
        Occurrences of each id, shape (V,).

    Raises
    ------
    HeirloomError
        If there is no token at all.
    """
    counts_V = np.asarray(counts, dtype=np.float64)
    total = counts_V.sum()
    if total <= 0:
        raise HeirloomError("token entropy needs at least one token, got none")
    p_V = counts_V[counts_V > 0] / total
    # abs and not minus: a single type has entropy 0, never -0.
    return float(abs((p_V * np.log(p_V)).sum()))


def vocabulary_coverage(counts: ArrayLike, vocab_size: int) -> float:
    """Return the share of the vocabulary's ids that occur at least once, in [0, 1].

    Parameters
    ----------
    counts, vocab_size
        Occurrences of each id, shape (V,); number of ids of the tokenizer, V.

    Raises
    ------
    HeirloomError
        If more ids occur than the vocabulary has.
    """
    num_seen = int(np.count_nonzero(np.asarray(counts)))
    if vocab_size < 1 or num_seen > vocab_size:
        raise HeirloomError(f"{num_seen} different tokens do not fit a vocabulary of {vocab_size}")
    return num_seen / vocab_size


def duplicate_row_share(rows: Iterable[Tokens]) -> float:
    """Return 1 - distinct rows / rows: 0 if no row is repeated, towards 1 if all are alike.

    Rows are token ids, one array per row or a matrix of several.

    Raises
    ------
    HeirloomError
        If there is no row.
    """
    num_different, num_all = ngrams.count_different(rows)
    if not num_all:
        raise HeirloomError("the share of duplicate rows needs at least one row, got none")
    return 1 - num_different / num_all


def tail_survival(reference: Mapping[str, int], produced: Collection[str], bands: Mapping[str, range] = BANDS) -> dict[str, float]:
    """Return, for each frequency band of the reference, the share of its types that are still produced.

    Survival of a band = |types of the band that occur in produced| / |types of the band|, in [0, 1]. Types are words of
    the decoded text (`heirloom.words`), never tokens of a tokenizer, which hardly ever die out.

    Parameters
    ----------
    reference
        Count of each type in the real data.
    produced
        The types that occur in the synthetic data: a set, or a counter without zero counts.
    bands
        Label to the counts that belong to the band.

    Returns
    -------
    label to share; a band without types is left out
    """
    sizes: Counter[str] = Counter()
    survivors: Counter[str] = Counter()
    for word, count in reference.items():
        for label, band in bands.items():
            if count in band:
                sizes[label] += 1
                survivors[label] += word in produced
    return {label: survivors[label] / sizes[label] for label in bands if sizes[label]}


def perplexity(summed_nats: float, num_tokens: int) -> float:
    """Return the perplexity exp(summed negative log-likelihood in nats / number of tokens) (Jelinek et al. 1977).

    Raises
    ------
    HeirloomError
        If there is no token, or if the loss is not finite or too large to be a perplexity.
    """
    return float(row_perplexities([summed_nats], num_tokens)[0])


def row_perplexities(losses: ArrayLike, tokens_per_row: ArrayLike) -> NDArray[np.float64]:
    """Return the perplexity of each row, exp(loss / tokens).

    Parameters
    ----------
    losses
        Summed negative log-likelihood of each row in nats, shape (N,).
    tokens_per_row
        Number of predicted tokens: one number, or one per row.

    Returns
    -------
    array of shape (N,)

    Raises
    ------
    HeirloomError
        If there is no token, or if a loss is not finite or too large to be a perplexity.
    """
    losses_N, tokens_N = np.asarray(losses, dtype=np.float64), np.asarray(tokens_per_row)
    if (tokens_N < 1).any():
        raise HeirloomError(f"perplexity needs at least one token, got {tokens_N.min()}")
    nats_N = losses_N / tokens_N
    largest = math.log(sys.float_info.max)
    is_usable_N = np.isfinite(nats_N) & (nats_N < largest)
    if not is_usable_N.all():
        worst = nats_N[~is_usable_N][0]
        raise HeirloomError(f"loss is {worst} nats a token: allowed are finite values below {largest:.0f}")
    return np.exp(nats_N, out=nats_N)


def perplexity_quantiles(row_ppl: ArrayLike) -> dict[str, float]:
    """Return the median and the 1 % and 99 % quantiles (linear interpolation) as ``median``, ``q01``, ``q99``.

    Raises
    ------
    HeirloomError
        If there is no row, or a perplexity is not a number.
    """
    ppl_N = _checked_perplexities(row_ppl)
    return dict(zip(("median", "q01", "q99"), np.quantile(ppl_N, [0.5, 0.01, 0.99]).tolist(), strict=True))


def perplexity_histogram(row_ppl: ArrayLike) -> dict[str, float]:
    """Return the share of rows in fixed bins of log10(perplexity).

    Bins are 0.1 decade wide from 1 to 10,000, lower edge included, with an open bin at either end; they never depend on
    the data, so that generations lie on one axis. All 42 bins are always there, and their shares sum to 1.

    Returns
    -------
    log10 of the bin's lower edge, "-inf", "0.00", "0.10" … "4.00" (sorted as text and as numbers), to the share

    Raises
    ------
    HeirloomError
        If there is no row, or a perplexity is not a number.
    """
    ppl_N = _checked_perplexities(row_ppl)
    counts = np.zeros(len(_HISTOGRAM_LABELS), np.int64)
    for start in range(0, ppl_N.size, _AT_ONCE):
        with np.errstate(divide="ignore"):
            log10_B = np.log10(ppl_N[start : start + _AT_ONCE])
        bins_B = np.searchsorted(_LOG10_EDGES, log10_B, side="right")
        counts += np.bincount(bins_B, minlength=counts.size)
    shares = counts / ppl_N.size
    return dict(zip(_HISTOGRAM_LABELS, shares.tolist(), strict=True))


def _checked_perplexities(row_ppl: ArrayLike) -> NDArray[np.float64]:
    ppl_N = np.asarray(row_ppl, dtype=np.float64)
    if ppl_N.size == 0 or not 0 <= ppl_N.min() <= ppl_N.max() < np.inf:
        raise HeirloomError(f"row perplexities must be at least one finite number >= 0 each, got {ppl_N.size} rows")
    return ppl_N
