"""A matrix of distances as a heat map: cells shaded from white to dark, drawn as SVG by Altair."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heirloom.diffs.series import Series


def svg(found: Series) -> str:
    """Return the heat map of a series as SVG."""
    import altair as alt
    import vl_convert

    rows = [
        {"A": one, "B": other, "distance": distance, "verdict": verdict}
        for one, distances, verdicts in zip(found.names, found.distances, found.verdicts, strict=True)
        for other, distance, verdict in zip(found.names, distances, verdicts, strict=True)
    ]
    base = alt.Chart(alt.InlineData(rows)).encode(x=alt.X("B:N", sort=None, title=None), y=alt.Y("A:N", sort=None, title=None))
    cells = base.mark_rect().encode(color=alt.Color("distance:Q", scale=alt.Scale(scheme="greys"), title=found.distance_name))
    largest = max(max(row) for row in found.distances)
    dark = f"datum.distance > {largest / 2}"
    values = base.mark_text().encode(
        text=alt.Text("distance:Q", format=".3f"), color=alt.condition(dark, alt.value("white"), alt.value("black"))
    )
    return str(vl_convert.vegalite_to_svg((cells + values).properties(width=60 * len(found.names), height=40 * len(found.names)).to_dict()))
