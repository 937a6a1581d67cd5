"""Charts of measures by generation with one line per arm: of several seeds it is their mean, before thin lines or a band."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import altair as alt

from heirloom.report.charts import about_onsets, dressed, generation_axis, heading, onsets, points, stroke_legend
from heirloom.report.looks import DASHED, DOTTED, GREY, Look
from heirloom.report.numbers import EACH_SEED

if TYPE_CHECKING:
    import pandas as pd

    from heirloom.report.figures.kind import Subject


def one_panel(subject: Subject, numbers: pd.DataFrame, axis: str, title: str) -> alt.TopLevelMixin:
    """Draw one measure; ``axis`` and ``title`` are words."""
    words = heading(title, subject.name, _how_to_read(numbers, subject.looks))
    return dressed(_lines(numbers, subject.looks, axis).properties(title=words, width=480, height=300))


def side_by_side(subject: Subject, numbers: pd.DataFrame, axes: Mapping[str, str], title: str) -> alt.TopLevelMixin:
    """Draw one panel per metric; ``axes`` has the words of each metric's axis."""
    parts = [numbers[numbers["metric"] == metric] for metric in axes]
    panels = [_lines(part, subject.looks, axis).properties(width=300, height=260) for part, axis in zip(parts, axes.values(), strict=True)]
    words = heading(title, subject.name, _how_to_read(numbers, subject.looks))
    return dressed(alt.hconcat(*panels, spacing=30).properties(title=words))


def _lines(numbers: pd.DataFrame, looks: Mapping[str, Look], axis: str) -> alt.LayerChart:
    legend = stroke_legend("regime")
    colour = alt.Color("regime:N", legend=legend).scale(domain=list(looks), range=[look.colour for look in looks.values()])
    dash = alt.StrokeDash("regime:N", legend=legend).scale(domain=list(looks), range=[list(look.dashes) for look in looks.values()])
    base = alt.Chart(numbers).encode(x=generation_axis(numbers), color=colour)
    y = alt.Y("mean:Q", title=axis).scale(zero=False)
    line = base.mark_line(point=points(numbers), strokeWidth=2.2).encode(y=y, strokeDash=dash)
    return alt.layer(*_behind(base, numbers, axis), line, *onsets(base, numbers, y))


def _behind(base: alt.Chart, numbers: pd.DataFrame, axis: str) -> list[alt.Chart]:
    """Return what shows the seeds behind their mean."""
    seeds = _each_seed(numbers)
    if seeds:
        thin = base.transform_fold(seeds, as_=["which", "value"]).mark_line(strokeWidth=1, opacity=0.55)
        return [thin.encode(y=alt.Y("value:Q", title=axis).scale(zero=False), detail="which:N")]
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", title=axis).scale(zero=False), y2="high:Q")
    return [band] if numbers["seeds"].max() > 1 else []


def _each_seed(numbers: pd.DataFrame) -> list[str]:
    return [column for column in numbers.columns if column.startswith(EACH_SEED)]


def _how_to_read(numbers: pd.DataFrame, looks: Mapping[str, Look]) -> str:
    seeds = int(numbers["seeds"].max())
    seeds_behind = "thin: each" if _each_seed(numbers) else "band: least to greatest"
    over = "one seed" if seeds == 1 else f"line: mean of {seeds} seeds, {seeds_behind}"
    growing = "; dotted grey: the same, as many rows as an arm that grows" if Look(GREY, DOTTED) in looks.values() else ""
    dashed = "; dashed grey: trained on real rows only" if Look(GREY, DASHED) in looks.values() else ""
    return over + dashed + growing + about_onsets(numbers)
