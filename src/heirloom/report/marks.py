"""Where arms begin to collapse, as marks on the curves of a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

CURVES = {
    "test_perplexity": "mean",
    "diversity": "mean",
    "tail_survival": "mean",
    "latent": "mean",
    "variance": "median",
    "beside_theory": "median",
}
"""Kind of figure with a measure of collapse to the curve that an onset stands on: of replicas the median is compared (`onset`)."""


def marked(numbers: pd.DataFrame, kind: str, onsets: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers behind a figure with the column ``onset``: the height of the curve where an arm begins to collapse, else nothing.

    Parameters
    ----------
    numbers
        A row per regime, generation and measure.
    onsets
        As `onset.table` returns them.
    """
    starts = onsets.dropna(subset="onset").set_index(["measure", "regime"])["onset"].to_dict()
    keys = zip(_measures(numbers, kind), numbers["regime"], strict=True)
    begins = np.array([starts.get(key, np.nan) for key in keys])
    return numbers.assign(onset=numbers[CURVES[kind]].where(numbers["generation"] == begins))


def _measures(numbers: pd.DataFrame, kind: str) -> list[str]:
    """Return the measure of each row."""
    match kind:
        case "tail_survival":
            return [f"tail_survival.{band}" for band in numbers["band"]]
        case "variance":
            return ["covariance_trace"] * len(numbers)
    column = "measure" if kind == "beside_theory" else "metric"
    return numbers[column].tolist()
