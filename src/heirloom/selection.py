"""Selection: which synthetic rows are kept by their scores, before they are mixed.

Legend of shapes: R replicas, N rows of a replica, K candidates for a row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heirloom.data.choice import subset, take
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.specs.judges import Rule

Scores = NDArray[np.float64]
Positions = NDArray[np.int64]


def select(rows: Dataset, score_RN: Scores, rule: Rule, stream: Stream) -> Dataset:
    """Return the synthetic rows that are kept, in their order: of each replica as many, so that a judge's errors are exact shares.

    Parameters
    ----------
    rows
        Synthetic rows of one source.
    score_RN
        The score of each row, shape (R, N); equal scores are ordered by chance. With `best_of: K` row i is a candidate for row i modulo
        N / K.
    rule
        Which rows ought to pass, and how much of either side is kept.

    Raises
    ------
    HeirloomError
        If a score is no number, or no row is left.
    """
    num_undefined = int(np.isnan(score_RN).sum())
    if num_undefined:
        raise HeirloomError(f"`select`: the judge gave {num_undefined:,} of {score_RN.size:,} rows the score NaN; it must be a number")
    order_RN = _ranking(score_RN, rule, stream)
    positions = _best_candidates(order_RN, rule.best_of) if rule.best_of else _passing(score_RN, order_RN, rule, stream)
    return take(rows, np.sort(positions, axis=1))


def _ranking(score_RN: Scores, rule: Rule, stream: Stream) -> Positions:
    """Return the positions of the rows, those first that ought to pass first."""
    tie_break_RN = stream.child("ties").generator().random(score_RN.shape)
    merit_RN = {"lowest": -score_RN, "random": np.zeros_like(score_RN)}.get(rule.keep, score_RN)
    return np.lexsort((tie_break_RN, -merit_RN), axis=1)


def _passing(score_RN: Scores, order_RN: Positions, rule: Rule, stream: Stream) -> Positions:
    """Return the positions of the rows that are kept, the rightly kept ones first."""
    num_replicas, num_rows = score_RN.shape
    num_top = round((rule.share or 0.0) * num_rows)
    if rule.threshold is not None:  # of one replica
        num_top = int((score_RN >= rule.threshold).sum())
    num_right, num_wrong = rule.kept_sides(num_top, num_rows)
    if not num_right + num_wrong:
        cure = "lower `threshold`" if rule.threshold is not None else "raise `share`, `multiple` or `rows`"
        raise HeirloomError(f"`select` keeps none of {num_rows} rows; {cure}")
    selection = []
    for side, count, name in ((order_RN[:, :num_top], num_right, "true"), (order_RN[:, num_top:], num_wrong, "false")):
        if count:
            places = subset(stream.child(name), side.shape[1], count, num_replicas)
            selection.append(np.take_along_axis(side, places, axis=1))
    return np.concatenate(selection, axis=1)


def _best_candidates(order_RN: Positions, num_candidates: int) -> Positions:
    """Return for each row the position of its candidate that stands first in the order; shape (R, N / K)."""
    num_replicas, num_rows = order_RN.shape
    place_RN = np.empty_like(order_RN)
    np.put_along_axis(place_RN, order_RN, np.broadcast_to(np.arange(num_rows), order_RN.shape), axis=1)
    best = place_RN.reshape(num_replicas, num_candidates, -1).argmin(axis=1)
    return best * (num_rows // num_candidates) + np.arange(num_rows // num_candidates)
