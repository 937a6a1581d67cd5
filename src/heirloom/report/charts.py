"""Numbers to Altair charts: one look, one colour a regime, every axis with its unit.

Colours are those of Okabe and Ito 2008, told apart by colour-blind readers, and a control is dashed grey as well.
Generations and frequency bands are ordered, so they get an ordered scale (viridis).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from heirloom.measures.text import BANDS
from heirloom.report.numbers import EACH_SEED
from heirloom.specs.regime import Regime

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
PALETTE = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
PLACES = {"replace": 0, "keep": 1, "accumulate": 2, "fresh": 3, "accumulate_fixed": 4}
SOLID: tuple[int, ...] = (1, 0)
DASHED: tuple[int, ...] = (6, 3)
DOTTED: tuple[int, ...] = (2, 3)
GREY, BLACK, BLUE, ORANGE = "#666666", "#000000", "#0072B2", "#D55E00"
VIRIDIS = ("#440154", "#414487", "#2A788E", "#22A884", "#7AD151", "#D4B300")
PICTURE = 200  # points a side
POINTS_UP_TO = 12
ONSET = 110
"""Area of the triangle that marks an onset of collapse, in square points."""
COLUMNS = 3


@dataclass(frozen=True)
class Look:
    """Colour and dashes of a regime's line."""

    colour: str
    dashes: tuple[int, ...] = SOLID


def looks(regimes: Mapping[str, Regime]) -> dict[str, Look]:
    """Return one look a regime: usual names have their own colour, the rest get free ones, controls are dashed grey.

    A control is a regime whose rows are all redrawn from the real pool, whatever its name; one that grows has other dashes. More regimes
    than colours begin again with dashed lines.
    """
    arms = [name for name in sorted(regimes) if not regimes[name].is_control]
    taken = {name: PLACES[name] for name in arms if name in PLACES}
    free = [place for place in range(len(PALETTE) + len(arms)) if place not in taken.values()]
    others = [name for name in arms if name not in taken]
    places = taken | dict(zip(others, free, strict=False))
    dashes = (SOLID, (8, 2), (4, 2), DOTTED)
    chosen = {name: Look(PALETTE[i % len(PALETTE)], dashes[i // len(PALETTE) % len(dashes)]) for name, i in places.items()}
    return chosen | {name: Look(GREY, DOTTED if one.growth else DASHED) for name, one in regimes.items() if one.is_control}


def test_perplexity(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the perplexity on held-out real text by generation, one line a regime; ``arms`` are in the order of the legend."""
    title = heading("Perplexity on held-out real text", name, _what(numbers, arms))
    return dressed(_arms(numbers, arms, "test perplexity (lower is better)", title).properties(width=480, height=300))


def diversity(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw distinct-3 and token entropy of the synthetic text side by side."""
    axes = {"distinct_3": "distinct 3-grams / all 3-grams", "token_entropy": "token entropy (nats)"}
    return _side_by_side(numbers, arms, axes, heading("Diversity of the synthetic text", name, _what(numbers, arms)))


def ancestry(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the share of real rows and the mean depth of each generation's training set side by side."""
    axes = {"ancestry.real_row_share": "real rows / all rows", "ancestry.depth_mean": "models since a human, mean over rows"}
    return _side_by_side(numbers, arms, axes, heading("Ancestry of the training sets", name, _what(numbers, arms)))


def latent(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the latent spread of the images and the evidence lower bound on real ones side by side."""
    axes = {"latent_spread": "spread of latent means under generation 0", "test_elbo": "ELBO of held-out real images (nats)"}
    return _side_by_side(numbers, arms, axes, heading("What the images still span", name, _what(numbers, arms)))


def grid(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the pictures of `grids.pictures`, a row a regime and a column a generation."""
    picture = alt.Chart(numbers).mark_image(width=PICTURE, height=PICTURE, align="left", baseline="top", smooth=False)
    placed = picture.encode(url="picture:N", x=alt.value(0), y=alt.value(0)).properties(width=PICTURE, height=PICTURE)
    header = alt.Header(labelFontSize=13, labelFontWeight="bold", labelPadding=4)
    across = alt.Column("generation:O", title="generation", header=header)
    faceted = placed.facet(row=alt.Row("regime:N", title=None, sort=list(arms), header=header), column=across, spacing=8)
    return dressed(
        faceted.properties(title=heading("Images by generation", name, "the first of each set, of the first seed; 0: real images"))
    )


def synthetic_perplexity(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the histograms of row perplexity under generation 0, a panel a regime and a curve a generation."""
    generations = sorted(numbers["generation"].unique().tolist())
    colour = ordered("generation", generations, [BLACK, *ramp(len(generations) - 1)], "generation")
    low, high = numbers["perplexity"].min(), numbers["perplexity"].max()
    x = alt.X("perplexity:Q", title="row perplexity under generation 0 (log)").scale(type="log", domain=[low, high], nice=False)
    x = x.axis(values=[1, 3, 10, 30, 100, 300, 1000, 3000, 10_000], format=",d", grid=False)
    y = alt.Y("share:Q", title="rows (%) per tenth of a decade").axis(format=".0%", tickCount=5)
    line = alt.Chart(numbers).mark_line(strokeWidth=1.8).encode(x=x, y=y, color=colour)
    title = heading(
        "How surprising generation 0 finds the text of later generations",
        name,
        "0: real text that it has not seen; further left: text that it finds more likely",
    )
    return dressed(panels(line, arms, 250, 190).properties(title=title))


def tail_survival(numbers: pd.DataFrame, arms: Mapping[str, Look], name: str) -> alt.TopLevelMixin:
    """Draw the share of real words that still occur, a panel a regime and a line a frequency band."""
    bands = [band for band in BANDS if band in set(numbers["band"])]
    colour = ordered("band", bands, ramp(len(bands)), "times in real text")
    y = alt.Y("mean:Q", title="words that still occur (%)").axis(format=".0%", tickCount=5).scale(domain=[0, 1])
    base = alt.Chart(numbers).encode(x=generation_axis(numbers), color=colour)
    line = base.mark_line(point=_points(numbers), strokeWidth=2).encode(y=y)
    drawn = [line, *onsets(base, numbers, y)]
    drift = base.transform_filter("isValid(datum.drift)").mark_line(strokeWidth=1.5, strokeDash=list(DOTTED)).encode(y="drift:Q")
    title = heading(
        "Real words that still occur in the synthetic text",
        name,
        "by how often a word occurs in the real training text; generation 0: real rows, as many as are sampled; dotted: neutral drift"
        + marked(numbers),
    )
    return dressed(panels(alt.layer(drift, *drawn), arms, 230, 190).properties(title=title))


def attribution(numbers: pd.DataFrame, name: str) -> alt.TopLevelMixin:
    """Draw what each setting of each error source gains (`attribution.table`), with its interval: a row a setting, a panel a regime."""
    shown = numbers[numbers["source"] != ""].assign(label=lambda rows: (rows["source"] + " " + rows["setting"]).str.strip())
    labels, sources = shown["label"].unique().tolist(), shown["source"].unique().tolist()
    colours = [GREY if source == "all" else PALETTE[i % len(PALETTE)] for i, source in enumerate(sources)]
    measure = str(shown["measure"].iloc[0]).replace("_", " ").replace(".", ", ")
    base = alt.Chart(shown).encode(
        y=alt.Y("label:N", sort=labels, title=None).axis(grid=True, labelLimit=260),
        color=alt.Color("source:N", legend=None).scale(domain=sources, range=colours),
    )
    title = f"gain in {measure} (interval: 95 %)"
    zero = alt.Chart(shown).mark_rule(color=BLACK, strokeDash=list(DOTTED)).encode(x=alt.datum(0))
    whiskers = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    layers = alt.layer(zero, whiskers, base.mark_point(filled=True, size=80, opacity=1).encode(x=alt.X("gain:Q", title=title)), data=shown)
    faceted = layers.properties(width=420, height=alt.Step(26)).facet(row=alt.Row("regime:N", title=None))
    words = heading("What other settings of the error sources gain", name, "right of zero: less is lost; all others as in the baseline")
    return dressed(faceted.properties(title=words))


def _side_by_side(numbers: pd.DataFrame, arms: Mapping[str, Look], axes: Mapping[str, str], title: alt.Title) -> alt.TopLevelMixin:
    """Return one panel a metric, each with a line a regime."""
    panels = [_arms(numbers[numbers["metric"] == metric], arms, axis).properties(width=300, height=260) for metric, axis in axes.items()]
    return dressed(alt.hconcat(*panels, spacing=30).properties(title=title))


def _arms(numbers: pd.DataFrame, arms: Mapping[str, Look], axis: str, title: alt.Title | None = None) -> alt.LayerChart:
    """Return one line a regime; of several seeds it is their mean, before thin lines or a band."""
    names, legend = list(arms), alt.Legend(title="regime", symbolType="stroke", symbolSize=300, symbolStrokeWidth=2.5)
    colour = alt.Color("regime:N", legend=legend).scale(domain=names, range=[arms[name].colour for name in names])
    dash = alt.StrokeDash("regime:N", legend=legend).scale(domain=names, range=[list(arms[name].dashes) for name in names])
    base = alt.Chart(numbers).encode(x=generation_axis(numbers), color=colour)
    y = alt.Y("mean:Q", title=axis).scale(zero=False)
    line = base.mark_line(point=_points(numbers), strokeWidth=2.2).encode(y=y, strokeDash=dash)
    layers = [*_behind(base, numbers, axis), line, *onsets(base, numbers, y)]
    return alt.layer(*layers, **({"title": title} if title else {}))


def _behind(base: alt.Chart, numbers: pd.DataFrame, axis: str) -> list[alt.Chart]:
    """Return what shows the seeds behind their mean."""
    each = _each_seed(numbers)
    if each:
        thin = base.transform_fold(each, as_=["which", "value"]).mark_line(strokeWidth=1, opacity=0.55)
        return [thin.encode(y=alt.Y("value:Q", title=axis).scale(zero=False), detail="which:N")]
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", title=axis).scale(zero=False), y2="high:Q")
    return [band] if numbers["seeds"].max() > 1 else []


def onsets(base: alt.Chart, numbers: pd.DataFrame, y: alt.Y) -> list[alt.Chart]:
    """Return the triangles where arms begin to collapse (`marks.marked`), for the axis of the curves; nothing where none does."""
    if not marked(numbers):
        return []
    mark = base.transform_filter("isValid(datum.onset)").mark_point(filled=True, size=ONSET, shape="triangle-down", stroke=BLACK, opacity=1)
    height = y.copy()
    height["shorthand"] = "onset:Q"
    return [mark.encode(y=height)]


def marked(numbers: pd.DataFrame) -> str:
    """Return the end of a subtitle that explains the triangles; empty where there is none."""
    return "; triangle: onset of collapse" if "onset" in numbers and numbers["onset"].notna().any() else ""


def _each_seed(numbers: pd.DataFrame) -> list[str]:
    return [column for column in numbers.columns if column.startswith(EACH_SEED)]


def panels(chart: alt.Chart, arms: Mapping[str, Look], width: int, height: int) -> alt.FacetChart:
    """Return one panel a regime, three a row, each with its own labelled axes."""
    header = alt.Header(labelFontSize=13, labelFontWeight="bold", labelAnchor="start", labelPadding=4)
    facet = alt.Facet("regime:N", title=None, sort=list(arms), header=header)
    faceted = chart.properties(width=width, height=height).facet(facet=facet, columns=2 if len(arms) == 2 * 2 else COLUMNS, spacing=24)
    return faceted.resolve_axis(x="independent", y="independent")


def generation_axis(numbers: pd.DataFrame) -> alt.X:
    """Return the axis of generations, from 0 to the last one."""
    last = int(numbers["generation"].max())
    return (
        alt.X("generation:Q", title="generation")
        .scale(domain=[0, last], nice=False)
        .axis(tickMinStep=1, tickCount=min(last, 10), format="d", grid=False, labelFlush=False)
    )


def _points(numbers: pd.DataFrame) -> dict[str, int] | bool:
    return {"size": 36} if numbers["generation"].max() <= POINTS_UP_TO else False


def ordered(field: str, values: Sequence[object], colours: Sequence[str], title: str) -> alt.Color:
    """Return the colour of an ordered field, given its values and their colours in order."""
    legend = alt.Legend(title=title, symbolType="stroke", symbolSize=300, symbolStrokeWidth=2.5)
    return alt.Color(f"{field}:O", sort=list(values), legend=legend).scale(domain=list(values), range=list(colours))


def ramp(count: int) -> list[str]:
    """Return colours spread evenly over the ordered scale, darkest first."""
    return [VIRIDIS[round(i * (len(VIRIDIS) - 1) / max(1, count - 1))] for i in range(count)]


def _what(numbers: pd.DataFrame, arms: Mapping[str, Look]) -> str:
    seeds = int(numbers["seeds"].max())
    behind = "thin: each" if _each_seed(numbers) else "band: least to greatest"
    over = "one seed" if seeds == 1 else f"line: mean of {seeds} seeds, {behind}"
    growing = "; dotted grey: the same, as many rows as an arm that grows" if Look(GREY, DOTTED) in arms.values() else ""
    dashed = "; dashed grey: trained on real rows only" if Look(GREY, DASHED) in arms.values() else ""
    return over + dashed + growing + marked(numbers)


def heading(text: str, name: str, subtitle: str) -> alt.Title:
    """Return a figure's title: what it shows, and below it of which experiment, and how to read it."""
    return alt.Title(text, subtitle=f"{name} · {subtitle}", anchor="start", offset=12)


def dressed(chart: alt.TopLevelMixin) -> alt.TopLevelMixin:
    """Return the chart with the fonts and lines that all figures share."""
    return (
        chart.configure(font=FONT, background="white", padding=12)
        .configure_title(fontSize=16, subtitleFontSize=12, subtitleColor="#444444")
        .configure_axis(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", gridColor="#E5E5E5", titlePadding=8)
        .configure_legend(labelFontSize=12, titleFontSize=12, symbolOpacity=1)
        .configure_view(stroke="#CCCCCC")
    )
