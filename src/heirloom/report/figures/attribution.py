"""What the error sources cost: what another setting of each gains, one at a time and all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report import attribution
from heirloom.report.figures.kind import Kind, Subject

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
What the error sources cost. Each row is one setting of one source, with all other sources at work
as in the baseline; the last row has all of them switched off. The point is how much better the
measure is at the last generation than in the baseline, on average over seeds and within a seed,
since variants share their random numbers; the line is its interval of 95 %. Gains need not add up:
sources interact. Where every chain ends in a single point, the measure is the generation at which
that happens. The loss of the baseline and of each setting stands beside it in the table
``attribution.csv``.
"""


def applies(subject: Subject) -> bool:
    """Return whether the axes of the grid are error sources."""
    return all(map(attribution.is_over_sources, subject.experiments.values()))


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the attribution of the grid, with the columns `attribution.COLUMNS`."""
    return attribution.of_grid(subject.name, attribution.grid(subject.experiments), rows)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw what each setting gains, with its interval: a row per setting, a panel per regime."""
    import altair as alt

    from heirloom.report.charts import heading, with_style
    from heirloom.report.looks import BLACK, DOTTED, GREY, PALETTE

    settings = numbers[numbers["source"] != ""]
    settings = settings.assign(label=(settings["source"] + " " + settings["setting"]).str.strip())
    labels = settings["label"].unique().tolist()
    sources = settings["source"].unique().tolist()
    colours = [GREY if source == "all" else PALETTE[place % len(PALETTE)] for place, source in enumerate(sources)]
    measure = str(settings["measure"].iloc[0]).replace("_", " ").replace(".", ", ")
    base = alt.Chart(settings).encode(
        y=alt.Y("label:N", sort=labels, title=None).axis(grid=True, labelLimit=260),
        color=alt.Color("source:N", legend=None).scale(domain=sources, range=colours),
    )
    title = f"gain in {measure} (interval: 95 %)"
    zero = alt.Chart(settings).mark_rule(color=BLACK, strokeDash=list(DOTTED)).encode(x=alt.datum(0))
    whiskers = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    gains = base.mark_point(filled=True, size=80, opacity=1).encode(x=alt.X("gain:Q", title=title))
    layers = alt.layer(zero, whiskers, gains, data=settings).properties(width=420, height=alt.Step(26))
    subtitle = "right of zero: less is lost; all others as in the baseline"
    words = heading("What other settings of the error sources gain", subject.name, subtitle)
    return with_style(layers.facet(row=alt.Row("regime:N", title=None)).properties(title=words))


KIND = Kind(
    name="attribution",
    caption="What another setting of each error source gains at the last generation, one at a time and all.",
    explanation=EXPLANATION,
    applies=applies,
    numbers=numbers,
    draw=draw,
    is_of_grids=True,
    stands_alone=True,
    needs_every_generation=True,
)
