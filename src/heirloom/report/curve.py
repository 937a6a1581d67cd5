"""One measure by generation as an interactive chart: hover for values, click an arm in the legend to see it alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import altair as alt

from heirloom.report.charts import FONT, POINTS_UP_TO
from heirloom.report.looks import BLACK, DASHED, Look

if TYPE_CHECKING:
    import pandas as pd

FADED = 0.12
BAND = 0.16
POINT = 36

ONSET = 170
"""Area of the triangle that marks an onset of collapse, in square pixels."""

_VALUES = ("value", "low", "high", "theory", "control")


def curve(rows: pd.DataFrame | alt.NamedData, looks: Mapping[str, Look], label: str, last_generation: int) -> alt.LayerChart:
    """Return the chart.

    Parameters
    ----------
    rows
        A row per arm and generation: ``regime``, ``generation``, ``value``, and where there are any ``low`` and ``high`` (band),
        ``theory``, ``control`` (closed form of a control of as many rows), ``onset`` (the value where the arm begins to collapse),
        ``control_low`` and ``control_high``; or the name under which a page puts them in.
    looks
        Regime → look, in the order of the legend.
    label
        Title of the vertical axis.
    last_generation
        The last generation.
    """
    only = alt.selection_point(name="only", fields=["regime"], bind="legend", toggle="true")
    regimes = list(looks)
    colours = [look.colour for look in looks.values()]
    dashes = [list(look.dashes) for look in looks.values()]
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolSize=300, symbolStrokeWidth=2.5)
    colour = alt.Color("regime:N", legend=legend).scale(domain=regimes, range=colours)
    dash = alt.StrokeDash("regime:N", legend=legend).scale(domain=regimes, range=dashes)
    base = alt.Chart(rows).encode(x=_x(last_generation))
    arms = base.encode(color=colour)
    layers = [_control_band(base, label), *_background_layers(arms, label, only), *_lines(arms, dash, label, last_generation, only)]
    return (
        alt.layer(*layers)
        .configure(font=FONT, background="white", padding=8)
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", gridColor="#E5E5E5", titlePadding=8)
        .configure_legend(labelFontSize=12, symbolOpacity=1, columns=4)
        .configure_view(stroke="#CCCCCC")
    )


def _control_band(base: alt.Chart, label: str) -> alt.Chart:
    """Return the band in which a further control would lie."""
    area = base.transform_filter("isValid(datum.control_low)").mark_area(color="#888888", opacity=BAND)
    return area.encode(y=_y("control_low", label), y2="control_high:Q")


def _background_layers(base: alt.Chart, label: str, only: alt.Parameter) -> list[alt.Chart]:
    """Return the layers behind the lines: bands, the closed form of a control, the closed form of the arm."""
    band = base.transform_filter("isValid(datum.low)").mark_area()
    control = base.transform_filter("isValid(datum.control)").mark_line(strokeWidth=1.2, strokeDash=list(DASHED))
    theory = base.transform_filter("isValid(datum.theory)").mark_line(strokeWidth=1.2, strokeDash=[2, 2], color=BLACK)
    return [
        band.encode(y=_y("low", label), y2="high:Q", opacity=_faded_opacity(BAND, only)),
        control.encode(y=_y("control", label), opacity=_faded_opacity(0.9, only)),
        theory.encode(y=_y("theory", label), opacity=_faded_opacity(0.9, only)),
    ]


def _lines(base: alt.Chart, dash: alt.StrokeDash, label: str, last_generation: int, only: alt.Parameter) -> list[alt.Chart]:
    """Return the lines, their points and the triangles where arms begin to collapse."""
    value, tooltip = _y("value", label), _tooltip()
    line = base.mark_line(strokeWidth=2.2).encode(y=value, strokeDash=dash, opacity=_faded_opacity(1.0, only))
    # Points of many generations are there for the mouse alone.
    opacity = _faded_opacity(float(last_generation <= POINTS_UP_TO), only)
    point = base.mark_point(filled=True, size=POINT).encode(y=value, opacity=opacity, tooltip=tooltip)
    triangle = base.transform_filter("isValid(datum.onset)").mark_point(filled=True, size=ONSET, shape="triangle-down", stroke=BLACK)
    onset = triangle.encode(y=_y("onset", label), opacity=_faded_opacity(1.0, only), tooltip=tooltip)
    return [line, point.add_params(only), onset]


def _x(last_generation: int) -> alt.X:
    ticks = alt.Axis(tickMinStep=1, tickCount=min(last_generation, 10), format="d", grid=False)
    return alt.X("generation:Q", title="generation", axis=ticks).scale(domain=[0, last_generation], nice=False)


def _y(field: str, label: str) -> alt.Y:
    return alt.Y(f"{field}:Q", title=label).scale(zero=False)


def _faded_opacity(opacity: float, only: alt.Parameter) -> Any:
    """Return an opacity; an arm outside the reader's selection has a part of it."""
    return alt.when(only).then(alt.value(opacity)).otherwise(alt.value(opacity * FADED))


def _tooltip() -> list[alt.Tooltip]:
    values = [alt.Tooltip(f"{name}:Q", format=".5~g") for name in _VALUES]
    return [alt.Tooltip("regime:N"), alt.Tooltip("generation:Q"), *values]
