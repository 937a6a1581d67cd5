"""How far fitted mixtures have gone from generation 0's: the squared L2 distance, its spread over replicas, and its chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from heirloom.report.charts import generation_axis, logarithmic
from heirloom.report.numbers import spread

if TYPE_CHECKING:
    from collections.abc import Iterable

TITLE = "Squared L2 distance to the mixture of generation 0"
OF_REPLICAS = "median over replicas, band: 5 to 95 %"


def distances(rows: pd.DataFrame, regimes: Iterable[str]) -> pd.DataFrame:
    """Return the squared L2 distance to generation 0's density after it: regime, generation, median, low, high (`numbers.spread`)."""
    table = spread(rows, regimes, "squared_l2_origin")
    return table[table["generation"] > 0].reset_index(drop=True)


def chart(numbers: pd.DataFrame, colour: alt.Color) -> alt.LayerChart:
    """Draw the distances by generation on a log axis, one line per colour."""
    y = logarithmic(alt.Y("median:Q", title="squared L2 distance (log)"), pd.concat([numbers["low"], numbers["high"]]))
    base = alt.Chart(numbers).encode(x=generation_axis(numbers), color=colour)
    layers = [base.mark_line(strokeWidth=1.6).encode(y=y)]
    if has_spread(numbers):
        band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q"), y2="high:Q")
        layers.insert(0, band)
    return alt.layer(*layers).properties(width=480, height=300)


def has_spread(numbers: pd.DataFrame) -> bool:
    """Return whether there are several replicas or seeds that differ."""
    return bool((numbers["low"] < numbers["high"]).any())
