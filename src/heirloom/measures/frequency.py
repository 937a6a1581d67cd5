"""How often a type occurs, as an axis: the slope of Zipf's law along it, and a model's loss by the frequency of the token it should find.

Shapes: V vocabulary.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.measures.sums import GroupedSums

ZIPF_RANKS = 1000
"""The most frequent words that the slope is taken over: further down, ranks are ties of words that occur a few times."""

BANDS: Mapping[str, range] = {
    "0-9": range(10),
    "10-99": range(10, 100),
    "100-999": range(100, 1_000),
    "1000-9999": range(1_000, 10_000),
    "10000+": range(10_000, sys.maxsize),
}
"""Bands of frequency: label, usable in a metric's name, to occurrences in a million tokens of the real training set, rounded down."""


def zipf_slope(counts: Iterable[int]) -> float:
    """Return the least-squares slope of ln count over ln rank of the most frequent types, about -1 in natural text.

    Zipf (1949), "Human behavior and the principle of least effort": count ∝ rank^-s; the slope is -s. Steeper means that frequent types
    take from rare ones. All ranks up to `ZIPF_RANKS` count the same; compare equal numbers of rows.

    Raises
    ------
    HeirloomError
        If fewer than two types occur.
    """
    counts_V = np.fromiter(counts, np.float64)
    descending = np.sort(counts_V[counts_V > 0])[::-1][:ZIPF_RANKS]
    if descending.size < 2:
        raise HeirloomError(f"a slope over ranks needs at least two types, got {descending.size}")
    x, y = np.log(np.arange(1, descending.size + 1)), np.log(descending)
    x -= x.mean()
    return float(x @ (y - y.mean()) / (x @ x))


def bands(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each token id's band, shape (V,): its place in `BANDS`.

    Band 0 has up to 9 occurrences in a million tokens, and each further band the next decade: 1 has 10 to 99, 4 has 10,000 and more.

    Parameters
    ----------
    counts
        Occurrences of each id in the real training set, shape (V,). Per million they are rounded down.

    Raises
    ------
    HeirloomError
        If nothing was counted.
    """
    if not counts.sum():
        raise HeirloomError("frequencies need at least one token, got none")
    edges = [band.start for band in BANDS.values()]
    per_million = counts * 1_000_000 // counts.sum()
    return np.searchsorted(edges, per_million, side="right") - 1


def loss_by_frequency(nats: GroupedSums) -> dict[str, float]:
    """Return the mean loss of the targets of each band of frequency.

    Parameters
    ----------
    nats
        Negative log-likelihoods summed by the band of the token that was to be found.

    Returns
    -------
    label of `BANDS` to nats a token; a band without targets is left out
    """
    labels = list(BANDS)
    return {labels[band]: total / int(nats.counts[band]) for band, total in nats.totals.items()}
