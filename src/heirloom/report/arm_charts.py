"""Charts of measures by generation with one line per arm: of several seeds it is their mean, before thin lines or a band."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import altair as alt

from heirloom.report.charts import about_onsets, generation_axis, heading, onsets, points, stroke_legend, with_style
from heirloom.report.looks import DASHED, DOTTED, GREY, Look
from heirloom.report.numbers import EACH_SEED

if TYPE_CHECKING:
    import pandas as pd

    from heirloom.report.figures.kind import Subject


def one_panel(subject: Subject, numbers: pd.DataFrame, axis: str, title: str) -> alt.TopLevelMixin:
    """Draw one measure; ``axis`` and ``title`` are words."""
    words = heading(title, subject.name, _how_to_read(numbers, subject.looks))
    return with_style(_lines(numbers, subject.looks, axis).properties(title=words, width=480, height=300))


def side_by_side(subject: Subject, numbers: pd.DataFrame, axes: Mapping[str, str], title: str) -> alt.TopLevelMixin:
    """Draw one panel per metric; ``axes`` has the words of each metric's axis."""
    panels = []
    for metric, axis in axes.items():
        lines = _lines(numbers[numbers["metric"] == metric], subject.looks, axis)
        panels.append(lines.properties(width=300, height=260))
    words = heading(title, subject.name, _how_to_read(numbers, subject.looks))
    return with_style(alt.hconcat(*panels, spacing=30).properties(title=words))


def _lines(numbers: pd.DataFrame, looks: Mapping[str, Look], axis: str) -> alt.LayerChart:
    legend = stroke_legend("regime")
    regimes = list(looks)
    colours = [look.colour for look in looks.values()]
    dashes = [list(look.dashes) for look in looks.values()]
    colour = alt.Color("regime:N", legend=legend).scale(domain=regimes, range=colours)
    dash = alt.StrokeDash("regime:N", legend=legend).scale(domain=regimes, range=dashes)
    base = alt.Chart(numbers).encode(x=generation_axis(numbers), color=colour)
    y = alt.Y("mean:Q", title=axis).scale(zero=False)
    line = base.mark_line(point=points(numbers), strokeWidth=2.2).encode(y=y, strokeDash=dash)
    return alt.layer(*_seed_layers(base, numbers, axis), line, *onsets(base, numbers, y))


def _seed_layers(base: alt.Chart, numbers: pd.DataFrame, axis: str) -> list[alt.Chart]:
    """Return the layer that shows the seeds behind their mean: a line per seed, or a band; none with one seed."""
    seed_columns = _seed_columns(numbers)
    if seed_columns:
        thin_lines = base.transform_fold(seed_columns, as_=["which", "value"]).mark_line(strokeWidth=1, opacity=0.55)
        return [thin_lines.encode(y=alt.Y("value:Q", title=axis).scale(zero=False), detail="which:N")]
    if numbers["seeds"].max() <= 1:
        return []
    band = base.mark_area(opacity=0.18)
    return [band.encode(y=alt.Y("low:Q", title=axis).scale(zero=False), y2="high:Q")]


def _seed_columns(numbers: pd.DataFrame) -> list[str]:
    return [column for column in numbers.columns if column.startswith(EACH_SEED)]


def _how_to_read(numbers: pd.DataFrame, looks: Mapping[str, Look]) -> str:
    seeds = int(numbers["seeds"].max())
    seeds_behind = "thin: each" if _seed_columns(numbers) else "band: least to greatest"
    about_seeds = "one seed" if seeds == 1 else f"line: mean of {seeds} seeds, {seeds_behind}"
    about_growth = "; dotted grey: the same, as many rows as an arm that grows" if Look(GREY, DOTTED) in looks.values() else ""
    about_control = "; dashed grey: trained on real rows only" if Look(GREY, DASHED) in looks.values() else ""
    return about_seeds + about_control + about_growth + about_onsets(numbers)
