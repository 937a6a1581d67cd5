"""Where arms begin to collapse, as marks on the curves of a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from heirloom.report.figures.kind import Curve


def with_onsets(numbers: pd.DataFrame, curve: Curve, onsets: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers behind a figure with the column ``onset``: the height of the curve where an arm begins to collapse, else NaN.

    Parameters
    ----------
    numbers
        A row per regime, generation and measure.
    curve
        The curve that an onset stands on.
    onsets
        As `onset.table` returns them.
    """
    arms_with_onset = onsets.dropna(subset="onset").set_index(["measure", "regime"])
    generations = arms_with_onset["onset"].to_dict()
    arms = zip(curve.measures(numbers), numbers["regime"], strict=True)
    onset_R = np.array([generations.get(arm, np.nan) for arm in arms])
    heights = numbers[curve.column].where(numbers["generation"] == onset_R)
    return numbers.assign(onset=heights)
