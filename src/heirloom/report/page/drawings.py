"""The charts of the page as Vega-Lite: the explorer of every measure, and the figures of `figures.kinds`, made to answer a mouse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from heirloom.report.figures.plan import Figure
from heirloom.report.looks import Look

if TYPE_CHECKING:
    import pandas as pd

Spec = dict[str, Any]

ISOLATED = "only"
FADED = 0.12
EXPLORER_HEIGHT = 320


def explorer(arms: Mapping[str, Look], last: int) -> Spec:
    """Return the chart of one measure, without data: the script puts in what the reader chooses under the name ``rows``."""
    import altair as alt

    from heirloom.report.curve import curve

    chart = curve(alt.NamedData("rows"), arms, "", last)
    responsive = chart.properties(width="container", height=EXPLORER_HEIGHT)
    return dict(responsive.to_dict(validate=False))


def figure(drawing: Figure, numbers: pd.DataFrame) -> Spec:
    """Return a figure that shows values under the mouse, and one colour alone on a click in the legend.

    Parameters
    ----------
    numbers
        The table that is drawn (`figures.draw.numbers`).
    """
    import altair as alt

    from heirloom.report.figures import draw

    with alt.data_transformers.enable("default", max_rows=None):
        spec = draw.chart(drawing, numbers).to_dict(validate=False)  # `heirloom plot` has validated it
        return interactive(dict(spec))


def interactive(spec: Spec) -> Spec:
    """Return a chart with tooltips, and with a legend that isolates the colour that is clicked; it is changed in place."""
    mark_config = spec.setdefault("config", {}).setdefault("mark", {})
    mark_config["tooltip"] = {"content": "data"}
    units = [unit for unit in _units(spec) if "field" in unit["encoding"].get("color", {})]
    fields = {unit["encoding"]["color"]["field"] for unit in units}
    if len(fields) != 1 or spec.get("params"):
        return spec
    selection = {"type": "point", "fields": sorted(fields), "toggle": "true"}
    units[0]["params"] = [{"name": ISOLATED, "select": selection, "bind": "legend"}]
    for unit in units[:1] if "hconcat" in spec else units:
        _fade(unit)
    return spec


def _fade(unit: Spec) -> None:
    """Make a part of a chart faint where its colour is not the isolated one."""
    mark = unit["mark"] if isinstance(unit["mark"], dict) else {"type": unit["mark"]}
    opacity = mark.pop("opacity", 1)
    unit["mark"] = mark
    unit["encoding"]["opacity"] = {"condition": {"param": ISOLATED, "value": opacity}, "value": opacity * FADED}


def _units(spec: Spec) -> Iterator[Spec]:
    """Yield the parts of a chart that draw marks and have encodings of their own."""
    if "mark" in spec and "encoding" in spec:
        yield spec
    for key in ("layer", "hconcat", "vconcat", "concat"):
        for part in spec.get(key, []):
            yield from _units(part)
    facet = spec.get("spec")
    if isinstance(facet, dict):
        yield from _units(facet)
