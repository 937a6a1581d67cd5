"""A matrix of distances as a heat map: cells shaded from white to dark, drawn as SVG by Altair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heirloom.diffs.render.blocks import safe

if TYPE_CHECKING:
    from heirloom.diffs.series import Series


def svg(series: Series) -> str:
    """Return the heat map of a series as SVG."""
    import altair as alt
    import vl_convert

    base = alt.Chart(alt.InlineData(cells_of(series))).encode(x=alt.X("B:N", sort=None, title=None), y=alt.Y("A:N", sort=None, title=None))
    cells = base.mark_rect().encode(color=alt.Color("distance:Q", scale=alt.Scale(scheme="greys"), title=series.distance_name))
    largest = max(max(row) for row in series.distances)
    is_dark = f"datum.distance > {largest / 2}"
    text_colour = alt.condition(is_dark, alt.value("white"), alt.value("black"))
    values = base.mark_text().encode(text=alt.Text("distance:Q", format=".3f"), color=text_colour)
    size = len(series.names)
    chart = (cells + values).properties(width=60 * size, height=40 * size)
    return str(vl_convert.vegalite_to_svg(chart.to_dict()))


def cells_of(series: Series) -> list[dict[str, Any]]:
    """Return what each cell shows; names are made safe, because the library that draws ends the process at some control characters."""
    names = [safe(name) for name in series.names]
    cells = []
    for name_a, distances, verdicts in zip(names, series.distances, series.verdicts, strict=True):
        for name_b, distance, verdict in zip(names, distances, verdicts, strict=True):
            cells.append({"A": name_a, "B": name_b, "distance": distance, "verdict": verdict})
    return cells
