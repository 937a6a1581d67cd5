"""Charts of a measure over replicas beside its closed form: mean with two standard errors, median, and what theory expects."""

from __future__ import annotations

import altair as alt
import pandas as pd

from heirloom.report.charts import generation_axis, onsets, panels
from heirloom.report.looks import BLACK, BLUE, DASHED, DOTTED, ORANGE, SOLID

MEASURES = {
    "covariance_trace": "covariance trace (squared units)",
    "diversity": "diversity, 1 - sum p²",
    "types": "types alive",
    "variance": "variance, p (1 - p)",
    "fixed_at_1": "replicas that are all ones (%)",
    "squared_error": "squared error to the truth",
    "absorbed": "replicas that are absorbed (%)",
}
"""Measure to the title of its axis."""

SHARES = ("fixed_at_1", "absorbed")
WHICH = {"mean": "mean ± 2 se", "median": "median", "expected": "closed form of the mean"}
_STYLES = {"mean": (BLUE, SOLID), "median": (ORANGE, DOTTED), "expected": (BLACK, DASHED)}
"""Colour and dashes of each line of `WHICH`."""
_KEYS = ["regime", "generation"]


def axis_title(measure: str) -> str:
    """Return the title of a measure's axis, which is its name where `MEASURES` has no words for it."""
    return MEASURES.get(measure, measure)


def by_regime(numbers: pd.DataFrame, measure: str, regimes: list[str], height: int) -> alt.FacetChart:
    """Draw a measure, one panel per regime.

    Parameters
    ----------
    numbers
        `numbers.beside_theory` of the measure, with ``onset`` where onsets are marked.
    """
    rows = _rows(numbers)
    labels_of_rows = set(rows["which"])
    styles = {WHICH[which]: style for which, style in _STYLES.items() if WHICH[which] in labels_of_rows}
    labels = list(styles)
    colours = [colour for colour, _ in styles.values()]
    dashes = [list(dashes) for _, dashes in styles.values()]
    legend = alt.Legend(title=None, symbolSize=300, symbolStrokeWidth=2)
    colour = alt.Color("which:N", legend=legend).scale(domain=labels, range=colours)
    dash = alt.StrokeDash("which:N", legend=legend).scale(domain=labels, range=dashes)
    base = alt.Chart(rows).encode(x=generation_axis(numbers))
    axis = alt.Axis(tickCount=5, format=".0%") if measure in SHARES else alt.Axis(tickCount=5)
    name_of_measure = axis_title(measure).split(",")[0].split(" (")[0]
    y = alt.Y("value:Q", title=name_of_measure, axis=axis)
    area = base.transform_filter("isValid(datum.low)").mark_area(opacity=0.3, color=BLUE).encode(y=alt.Y("low:Q"), y2="high:Q")
    line = base.transform_filter("isValid(datum.value)").mark_line(strokeWidth=2).encode(y=y, color=colour, strokeDash=dash)
    triangles = onsets(base.encode(color=colour), numbers, y)
    band = [area] if rows["low"].notna().any() else []  # without rows, an area has no extent
    return panels(alt.layer(*band, line, *triangles), regimes, 230, height)


def _rows(numbers: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the chart: regime, generation, which line, value, low and high of the band, onset."""
    values = numbers.melt(_KEYS, list(WHICH), "which", "value").dropna()
    lines = values.assign(low=float("nan"), high=float("nan"))
    half_width = 2 * numbers["se"]
    band = numbers[[*_KEYS]].assign(which="mean", low=numbers["mean"] - half_width, high=numbers["mean"] + half_width)
    onset_rows = numbers.reindex(columns=[*_KEYS, "onset"]).dropna()
    parts = [lines, band.dropna(), onset_rows.assign(which="median")]
    return pd.concat(parts, ignore_index=True).replace({"which": WHICH})
