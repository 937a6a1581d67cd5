"""Populations of a grid side by side: what stands for the members, on average, and how many founders their models have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Kind, Subject

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
Models that are trained on each other's rows. Line: mean over the members of a population, and over
seeds and replicas; where members differ in kind, each has a line of its own. Dashed: closed form,
where one is known. Founders: the effective number of first ancestors of a model among the members.
Effective size: the rows of one lineage that would have lost as much of its diversity, 1 / (1 - (H_g
/ H_0)^(1/g)).
"""


def applies(subject: Subject) -> bool:
    """Return whether a grid has members of a population."""
    return any(experiment.membership for experiment in subject.experiments.values())


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return `population_curves.curves`."""
    from heirloom.report.population_curves import curves

    return curves(subject, rows)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw a panel for each metric, a colour for each population, dashed closed forms."""
    import altair as alt

    from heirloom.report.charts import generation_axis, heading, ordered_colour, with_style
    from heirloom.report.population_curves import WORDS

    colour = ordered_colour("series", list(dict.fromkeys(numbers["series"])), "population")
    panels = []
    for metric, part in numbers.groupby("metric", sort=False):
        words = WORDS.get(str(metric), str(metric))
        y = alt.Y("value:Q", title=words).scale(zero=False)
        base = alt.Chart(part).encode(x=generation_axis(numbers), color=colour, detail="regime:N")
        expected = base.transform_filter("isValid(datum.expected)").mark_line(strokeDash=[4, 3], strokeWidth=1.4)
        lines = alt.layer(base.mark_line(strokeWidth=2.0).encode(y=y), expected.encode(y=alt.Y("expected:Q", title=words)))
        panels.append(lines.properties(width=300, height=240))
    title = heading("Models that read each other", subject.name, "mean over members; dashed: closed form")
    return with_style(alt.hconcat(*panels, spacing=30).properties(title=title))


KIND = Kind(
    name="population",
    caption="What stands for the members of each population, on average, and the founders of their models, by generation.",
    explanation=EXPLANATION,
    applies=applies,
    numbers=numbers,
    draw=draw,
    is_of_grids=True,
    stands_alone=True,
)
