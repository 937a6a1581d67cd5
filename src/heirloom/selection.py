"""Selection: which synthetic rows a judge lets pass, before they are mixed.

Legend of shapes: R replicas, N rows of a replica.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heirloom.data.choice import subset, take
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.specs.regime import Select


def select(rows: Dataset, score_RN: NDArray[np.float64], settings: Select, stream: Stream) -> Dataset:
    """Return the synthetic rows that a judge lets pass, in their order: of each replica as many, so that its errors are exact shares.

    Parameters
    ----------
    rows
        Synthetic rows of one source.
    score_RN
        The judge's score of each row, shape (R, N); equal scores are ordered by chance.
    settings
        Which share ought to pass, and how much of either side is kept.

    Raises
    ------
    HeirloomError
        If no row is left.
    """
    num_replicas, num_rows = score_RN.shape
    num_top = round(settings.share * num_rows)
    num_right, num_wrong = settings.selected_rows(num_rows)
    if not num_right + num_wrong:
        raise HeirloomError(f"`select` keeps none of {num_rows} rows; raise `share`, `multiple` or `rows`")
    tie_break_RN = stream.child("ties").generator().random(score_RN.shape)
    order_RN = np.lexsort((tie_break_RN, -score_RN), axis=1)
    selection = []
    for side, count, name in ((order_RN[:, :num_top], num_right, "true"), (order_RN[:, num_top:], num_wrong, "false")):
        if count:
            places = subset(stream.child(name), side.shape[1], count, num_replicas)
            selection.append(np.take_along_axis(side, places, axis=1))
    positions = np.concatenate(selection, axis=1)
    return take(rows, np.sort(positions, axis=1))
