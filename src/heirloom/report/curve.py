"""One measure by generation as an interactive chart: hover for values, click an arm in the legend to see it alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import altair as alt

from heirloom.report.charts import BLACK, DASHED, FONT, POINTS_UP_TO, Look

if TYPE_CHECKING:
    import pandas as pd

FADED = 0.12
BAND = 0.16
POINT = 36

ONSET = 170
"""Area of the triangle that marks an onset of collapse, in square pixels."""

_TOLD = ("value", "low", "high", "theory", "control")


def curve(rows: pd.DataFrame | alt.NamedData, arms: Mapping[str, Look], label: str, last: int) -> alt.LayerChart:
    """Return the chart.

    Parameters
    ----------
    rows
        A row an arm and generation: ``regime``, ``generation``, ``value``, and where there are any ``low`` and ``high`` (band), ``theory``,
        ``control`` (closed form of a control of as many rows), ``onset`` (the value where the arm begins to collapse), ``control_low`` and
        ``control_high``; or the name under which a page puts them in.
    arms
        Regime → look, in the order of the legend.
    label
        Title of the vertical axis.
    last
        The last generation.
    """
    names = list(arms)
    only = alt.selection_point(name="only", fields=["regime"], bind="legend", toggle="true")
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolSize=300, symbolStrokeWidth=2.5)
    colour = alt.Color("regime:N", legend=legend).scale(domain=names, range=[arms[name].colour for name in names])
    dash = alt.StrokeDash("regime:N", legend=legend).scale(domain=names, range=[list(arms[name].dashes) for name in names])
    ticks = alt.Axis(tickMinStep=1, tickCount=min(last, 10), format="d", grid=False)
    x = alt.X("generation:Q", title="generation", axis=ticks).scale(domain=[0, last], nice=False)
    base = alt.Chart(rows).encode(x=x, color=colour)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=label).scale(zero=False)

    def faded(seen: float) -> Any:
        return alt.when(only).then(alt.value(seen)).otherwise(alt.value(seen * FADED))

    tooltip = [alt.Tooltip("regime:N"), alt.Tooltip("generation:Q"), *(alt.Tooltip(f"{name}:Q", format=".5~g") for name in _TOLD)]
    around = alt.Chart(rows).transform_filter("isValid(datum.control_low)").mark_area(color="#888888", opacity=BAND)
    control = base.transform_filter("isValid(datum.control)").mark_line(strokeWidth=1.2, strokeDash=list(DASHED))
    band = base.transform_filter("isValid(datum.low)").mark_area().encode(y=y("low"), y2="high:Q", opacity=faded(BAND))
    theory = base.transform_filter("isValid(datum.theory)").mark_line(strokeWidth=1.2, strokeDash=[2, 2], color=BLACK)
    line = base.mark_line(strokeWidth=2.2).encode(y=y("value"), strokeDash=dash, opacity=faded(1.0))
    # Where there are many, points are there for the mouse alone.
    point = base.mark_point(filled=True, size=POINT).encode(y=y("value"), opacity=faded(float(last <= POINTS_UP_TO)), tooltip=tooltip)
    onset = base.transform_filter("isValid(datum.onset)").mark_point(filled=True, size=ONSET, shape="triangle-down", stroke=BLACK)
    layers = [
        around.encode(x=x, y=y("control_low"), y2="control_high:Q"),
        band,
        control.encode(y=y("control"), opacity=faded(0.9)),
        theory.encode(y=y("theory"), opacity=faded(0.9)),
        line,
        point.add_params(only),
        onset.encode(y=y("onset"), opacity=faded(1.0), tooltip=tooltip),
    ]
    return (
        alt.layer(*layers)
        .configure(font=FONT, background="white", padding=8)
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", gridColor="#E5E5E5", titlePadding=8)
        .configure_legend(labelFontSize=12, symbolOpacity=1, columns=4)
        .configure_view(stroke="#CCCCCC")
    )
