"""What all figures share: fonts, titles, axes with their units, legends, panels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

import altair as alt
import pandas as pd

from heirloom.report.looks import BLACK, ramp

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
POINTS_UP_TO = 12
ONSET = 110
"""Area of the triangle that marks an onset of collapse, in square points."""
COLUMNS = 3

Channel = TypeVar("Channel", alt.X, alt.Y)


def heading(text: str, name: str, subtitle: str) -> alt.Title:
    """Return a figure's title: what it shows, and below that the experiment's name and how to read it."""
    return alt.Title(text, subtitle=f"{name} · {subtitle}", anchor="start", offset=12)


def with_style(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    """Return the chart with the fonts and lines that all figures share."""
    return (
        chart.configure(font=FONT, background="white", padding=12)
        .configure_title(fontSize=16, subtitleFontSize=12, subtitleColor="#444444")
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", gridColor="#E5E5E5", titlePadding=8)
        .configure_legend(labelFontSize=12, titleFontSize=12, symbolOpacity=1)
        .configure_view(stroke="#CCCCCC")
    )


def panels(chart: alt.Chart | alt.LayerChart, regimes: Iterable[str], width: int, height: int) -> alt.FacetChart:
    """Return one panel per regime, three in a row, each with its own labelled axes."""
    names = list(regimes)
    header = alt.Header(labelFontSize=13, labelFontWeight="bold", labelAnchor="start", labelPadding=4)
    facet = alt.Facet("regime:N", title=None, sort=names, header=header)
    num_columns = 2 if len(names) == 2 * 2 else COLUMNS
    panel = chart.properties(width=width, height=height)
    return panel.facet(facet=facet, columns=num_columns, spacing=24).resolve_axis(x="independent", y="independent")


def by_regime_and_generation(chart: alt.Chart | alt.LayerChart, regimes: Iterable[str], spacing: int) -> alt.FacetChart:
    """Return a row of panels per regime, and in it one panel per generation."""
    header = alt.Header(labelFontSize=13, labelFontWeight="bold", labelPadding=4)
    row = alt.Row("regime:N", title=None, sort=list(regimes), header=header)
    column = alt.Column("generation:O", title="generation", header=header)
    return chart.facet(row=row, column=column, spacing=spacing)


def generation_axis(numbers: pd.DataFrame) -> alt.X:
    """Return the axis of generations, from 0 to the last one."""
    last_generation = int(numbers["generation"].max())
    axis = alt.X("generation:Q", title="generation").scale(domain=[0, last_generation], nice=False)
    return axis.axis(tickMinStep=1, tickCount=min(last_generation, 10), format="d", grid=False, labelFlush=False)


def logarithmic(channel: Channel, values: pd.Series[float]) -> Channel:
    """Return a channel on a log axis from the least to the greatest value, with a tick per decade."""
    positive = values[values > 0]
    low, high = float(positive.min()), float(positive.max())
    first_power, last_power = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = [10.0**power for power in range(first_power, last_power + 1)]
    log_channel = channel.scale(type="log", domain=[low, high], nice=False)
    return log_channel.axis(values=decades, format="~g", labelFlush=False)


def points(numbers: pd.DataFrame) -> dict[str, int] | bool:
    """Return the points of a line; a line of many generations has none."""
    return {"size": 36} if numbers["generation"].max() <= POINTS_UP_TO else False


def stroke_legend(title: str | None) -> alt.Legend:
    """Return a legend of lines."""
    return alt.Legend(title=title, symbolType="stroke", symbolSize=300, symbolStrokeWidth=2.5)


def ordered_colour(field: str, values: Sequence[object], title: str, colours: Sequence[str] | None = None) -> alt.Color:
    """Return the colour of an ordered field, given its values in order; their colours are those of `ramp` unless others are given."""
    domain = list(values)
    scale = alt.Scale(domain=domain, range=list(colours or ramp(len(domain))))
    return alt.Color(f"{field}:O", sort=domain, legend=stroke_legend(title), scale=scale)


def of_generations(numbers: pd.DataFrame) -> alt.Color:
    """Return the colour of generations: black for real rows, the ordered scale for the rest."""
    generations = sorted(numbers["generation"].unique().tolist())
    return ordered_colour("generation", generations, "generation", [BLACK, *ramp(len(generations) - 1)])


def onsets(base: alt.Chart, numbers: pd.DataFrame, y: alt.Y) -> list[alt.Chart]:
    """Return the triangles where arms begin to collapse (`marks.with_onsets`), for the axis of the curves; empty where no arm collapses."""
    if not about_onsets(numbers):
        return []
    arms_with_onset = base.transform_filter("isValid(datum.onset)")
    triangles = arms_with_onset.mark_point(filled=True, size=ONSET, shape="triangle-down", stroke=BLACK, opacity=1)
    height = y.copy()
    height["shorthand"] = "onset:Q"
    return [triangles.encode(y=height)]


def about_onsets(numbers: pd.DataFrame) -> str:
    """Return the end of a subtitle that explains the triangles; empty where no arm has one."""
    has_onset = "onset" in numbers and numbers["onset"].notna().any()
    return "; triangle: onset of collapse" if has_onset else ""
