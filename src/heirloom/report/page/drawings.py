"""The figures of `figures.kinds` on the page as Vega-Lite: they answer a mouse, and have the colours of the reader's scheme."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from heirloom.report.figures.plan import Figure

if TYPE_CHECKING:
    import pandas as pd

Spec = dict[str, Any]

ISOLATED = "only"
FADED = 0.12
INK, SOFT, LINE = "var(--ink)", "var(--soft)", "var(--line)"
_COLOUR = re.compile("#[0-9A-Fa-f]{6}")


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
        return themed(interactive(dict(spec)))


def themed(spec: Spec) -> Spec:
    """Return a chart whose colours are variables of the page's style sheet, which has them for a light and for a dark scheme."""
    config = spec.setdefault("config", {})
    words = {"labelColor": INK, "titleColor": INK}
    lines = {"domainColor": SOFT, "tickColor": SOFT}
    defaults = {"axis": words | lines, "legend": words, "header": words, "title": {"color": INK}}
    for name, colours in defaults.items():
        config[name] = colours | config.get(name, {})
    return dict(_painted(spec))


def _painted(part: Any) -> Any:
    """Return a part of a chart in which each colour of a file stands as the page's colour of that name."""
    if isinstance(part, dict):
        return {key: _painted(value) for key, value in part.items()}
    if isinstance(part, list):
        return list(map(_painted, part))
    if isinstance(part, str) and _COLOUR.fullmatch(part):
        return f"var(--x-{part[1:].lower()}, {part})"
    return part


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
