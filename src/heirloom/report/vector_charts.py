"""Charts of families whose rows are vectors: the publication's figures, and measures beside their closed forms. The look is `charts`'."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import altair as alt
import pandas as pd

from heirloom.report.charts import (
    BLACK,
    BLUE,
    DASHED,
    DOTTED,
    ORANGE,
    SOLID,
    Look,
    dressed,
    generation_axis,
    heading,
    marked,
    onsets,
    ordered,
    panels,
    ramp,
)

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

Channel = TypeVar("Channel", alt.X, alt.Y)

SHARES = ("fixed_at_1", "absorbed")
WHICH = {"mean": "mean ± 2 se", "median": "median", "expected": "closed form of the mean"}
PANEL = 150


def variance(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the fitted total variance, mean with two standard errors and median, against the closed form."""
    subtitle = "covariance trace, in squared units of the data; mean and median over replicas, se: standard error of the mean" + marked(
        numbers
    )
    layers = _beside(numbers, "covariance_trace")
    return dressed(panels(layers, arms, 230, 170).properties(title=heading("Total variance of the fitted density", name, subtitle)))


def beside_theory(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw each measure in a block of panels, a panel a regime, against its closed form."""
    blocks = [
        panels(_beside(own, str(measure)), arms, 230, 150).properties(title=alt.Title(MEASURES[str(measure)], fontSize=13))
        for measure, own in numbers.groupby("measure", sort=False)
    ]
    subtitle = "mean and median over replicas, se: standard error of the mean" + marked(numbers)
    title = heading("What is left, and what theory expects", name, subtitle)
    return dressed(alt.vconcat(*blocks, spacing=24).properties(title=title))


def scatter(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the rows of `scatter.points`, a row of panels a regime and a panel a generation, on the axes of the real rows."""
    real = numbers[(numbers["generation"] == 0) & (numbers["part"] == "row")]
    domain = _domain(pd.concat([real["x"], real["y"]]))  # one for both axes: a round blob is round
    colour = alt.Color("component:O", legend=None).scale(range=[BLUE, ORANGE, *ramp(6)][: int(numbers["component"].max()) + 1])
    x, y = (
        alt.X("x:Q", title=None).scale(domain=domain, nice=False).axis(tickCount=3, grid=False),
        alt.Y("y:Q", title=None).scale(domain=domain, nice=False).axis(tickCount=3, grid=False),
    )
    base = alt.Chart(numbers).encode(x=x, y=y, color=colour)
    rows = base.transform_filter("datum.part == 'row'").mark_circle(size=9, opacity=0.55, clip=True)
    outlines = base.transform_filter("datum.part == 'outline'").mark_line(strokeWidth=1.6, clip=True).encode(order="place:O")
    header = alt.Header(labelFontSize=13, labelFontWeight="bold", labelPadding=4)
    faceted = alt.layer(rows, outlines).properties(width=PANEL, height=PANEL)
    chart = faceted.facet(
        row=alt.Row("regime:N", title=None, sort=list(arms), header=header),
        column=alt.Column("generation:O", title="generation", header=header),
        spacing=10,
    )
    outlined = "; line: two standard deviations of each component, colour: the likeliest" if "outline" in set(numbers["part"]) else ""
    subtitle = f"{len(real) // len(arms)} rows of one chain{outlined}; 0: real rows"
    return dressed(chart.properties(title=heading("Rows by generation", name, subtitle)))


def density(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw `density.densities`, a panel a regime and a curve a generation."""
    generations = sorted(numbers["generation"].unique().tolist())
    colour = ordered("generation", generations, [BLACK, *ramp(len(generations) - 1)], "generation")
    x = alt.X("x:Q", title="x").axis(grid=False, tickCount=6).scale(nice=False)
    line = (
        alt.Chart(numbers).mark_line(strokeWidth=1.8).encode(x=x, y=alt.Y("density:Q", title="density (rows per unit of x)"), color=colour)
    )
    title = heading("Density of the rows by generation", name, "histogram of one chain; 0: real rows that the origin was trained on")
    return dressed(panels(line, arms, 250, 190).properties(title=title))


def distance(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the squared L2 distance to generation 0's density by generation, a line a regime, on a log axis."""
    names = list(arms)
    colour = alt.Color("regime:N", legend=_legend("regime")).scale(domain=names, range=[arms[regime].colour for regime in names])
    chart = _distances(numbers, colour).properties(width=480, height=300)
    return dressed(chart.properties(title=heading(_DISTANCE, name, "median over replicas, band: 5 to 95 %")))


def distances(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the same, a line a variant of the grid and a panel a regime."""
    variants = list(dict.fromkeys(numbers["variant"]))
    chart = _distances(numbers, _ordered("variant", variants)).properties(width=480, height=300)
    title = heading(
        _DISTANCE, name, "median over replicas, band: 5 to 95 %" if (numbers["low"] < numbers["high"]).any() else "one chain each"
    )
    header = alt.Header(labelFontSize=13, labelFontWeight="bold", labelAnchor="start")
    return dressed(chart.facet(alt.Facet("regime:N", title=None, sort=list(arms), header=header), columns=2).properties(title=title))


def error_by_generation(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the error of mean and standard deviation by fit on log axes, a colour a number of rows; dashed: closed form."""
    placed = numbers.assign(fit=numbers["generation"] + 1, panel=numbers["regime"] + ", divisor " + numbers["divisor"])
    order = [f"{regime}, divisor {divisor}" for regime in arms for divisor in sorted(set(numbers["divisor"]))]
    x = _logarithmic(alt.X("fit:Q", title="fits (generation + 1)"), placed["fit"])
    colour = _ordered("rows", sorted(set(placed["rows"])))
    blocks = [
        _beside_form(alt.Chart(own).mark_line(strokeWidth=1.8), own, x, colour, str(of))
        .properties(width=250, height=190)
        .facet(_by_panel(order), columns=4)
        for of, own in placed.groupby("of", sort=False)
    ]
    title = heading(
        "Error of a Gaussian refitted to its own rows", name, "root of the mean squared error over replicas; dashed: closed form"
    )
    return dressed(alt.vconcat(*blocks, spacing=20).properties(title=title))


def error_by_rows(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the error of the first fit's mean and standard deviation by its number of rows, on log axes; dashed: closed form."""
    x = _logarithmic(alt.X("rows:Q", title="rows"), numbers["rows"])
    divisors = sorted(set(numbers["divisor"]))
    colour = alt.Color("divisor:N", legend=_legend("divisor")).scale(domain=divisors, range=[BLUE, ORANGE][: len(divisors)])
    blocks = [
        _beside_form(alt.Chart(own).mark_point(size=50, strokeWidth=2), own, x, colour, str(of)).properties(width=300, height=240)
        for of, own in numbers.groupby("of", sort=False)
    ]
    title = heading("Error of one fit to real rows", name, _ROOT)
    return dressed(alt.hconcat(*blocks, spacing=30).properties(title=title))


_ROOT = "root of the mean squared error over replicas; dashed: closed form"
_DISTANCE = "Squared L2 distance to the mixture of generation 0"


def _beside(numbers: pd.DataFrame, measure: str) -> alt.LayerChart:
    """Return mean with two standard errors, median and closed form of a measure, by generation."""
    keys = ["regime", "generation"]
    lines = numbers.melt(keys, list(WHICH), "which", "value").dropna().assign(low=float("nan"), high=float("nan"))
    band = numbers[[*keys]].assign(which="mean", low=numbers["mean"] - 2 * numbers["se"], high=numbers["mean"] + 2 * numbers["se"])
    starts = numbers.reindex(columns=[*keys, "onset"]).dropna().assign(which="median")
    rows = pd.concat([lines, band.dropna(), starts], ignore_index=True).replace({"which": WHICH})
    style = dict(zip(WHICH.values(), ((BLUE, SOLID), (ORANGE, DOTTED), (BLACK, DASHED)), strict=True))
    domain = [label for label in WHICH.values() if label in set(rows["which"])]
    legend = alt.Legend(title=None, symbolSize=300, symbolStrokeWidth=2)
    colour = alt.Color("which:N", legend=legend).scale(domain=domain, range=[style[label][0] for label in domain])
    dash = alt.StrokeDash("which:N", legend=legend).scale(domain=domain, range=[list(style[label][1]) for label in domain])
    base = alt.Chart(rows).encode(x=generation_axis(numbers))
    axis = alt.Axis(tickCount=5, format=".0%") if measure in SHARES else alt.Axis(tickCount=5)
    area = base.transform_filter("isValid(datum.low)").mark_area(opacity=0.3, color=BLUE).encode(y=alt.Y("low:Q"), y2="high:Q")
    y = alt.Y("value:Q", title=MEASURES[measure].split(",")[0].split(" (")[0], axis=axis)
    line = base.transform_filter("isValid(datum.value)").mark_line(strokeWidth=2).encode(y=y, color=colour, strokeDash=dash)
    triangles = onsets(base.encode(color=colour), numbers, y)
    return alt.layer(*([area] if rows["low"].notna().any() else []), line, *triangles)  # without rows, an area has no extent


def _distances(numbers: pd.DataFrame, colour: alt.Color) -> alt.LayerChart:
    y = _logarithmic(alt.Y("median:Q", title="squared L2 distance (log)"), pd.concat([numbers["low"], numbers["high"]]))
    base = alt.Chart(numbers).encode(x=generation_axis(numbers), color=colour)
    line = base.mark_line(strokeWidth=1.6).encode(y=y)
    spread = (numbers["low"] < numbers["high"]).any()
    return alt.layer(*([base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q"), y2="high:Q")] if spread else []), line)


def _beside_form(marks: alt.Chart, numbers: pd.DataFrame, x: alt.X, colour: alt.Color, of: str) -> alt.LayerChart:
    """Return the measured errors as given marks, over their closed form as dashed lines."""
    y = _logarithmic(alt.Y("error:Q", title=f"error of the {of} (log)"), pd.concat([numbers["error"], numbers["expected"].dropna()]))
    known = alt.Chart(numbers).transform_filter("isValid(datum.expected)").mark_line(strokeWidth=1.3, strokeDash=list(DASHED), color=BLACK)
    return alt.layer(marks.encode(x=x, y=y, color=colour), known.encode(x=x, y=alt.Y("expected:Q"), detail=[colour.shorthand]))


def _logarithmic(channel: Channel, values: pd.Series[float]) -> Channel:
    """Return a channel on a log axis from the least to the greatest value, with a tick a decade."""
    positive = values[values > 0]
    low, high = float(positive.min()), float(positive.max())
    decades = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    return channel.scale(type="log", domain=[low, high], nice=False).axis(values=decades, format="~g", labelFlush=False)


def _by_panel(order: Sequence[str]) -> alt.Facet:
    return alt.Facet(
        "panel:N", title=None, sort=list(order), header=alt.Header(labelFontSize=12, labelFontWeight="bold", labelAnchor="start")
    )


def _ordered(field: str, values: Sequence[object]) -> alt.Color:
    scale = alt.Scale(domain=list(values), range=ramp(len(values)))
    return alt.Color(f"{field}:O", sort=list(values), legend=_legend(field), scale=scale)


def _legend(title: str) -> alt.Legend:
    return alt.Legend(title=title, symbolType="stroke", symbolSize=300, symbolStrokeWidth=2.5)


def _domain(values: pd.Series[float]) -> list[float]:
    """Return the range of the values with a tenth more on both sides, to two digits."""
    margin = (values.max() - values.min()) / 10
    return [float(f"{values.min() - margin:.2g}"), float(f"{values.max() + margin:.2g}")]
