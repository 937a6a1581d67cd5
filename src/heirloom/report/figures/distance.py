"""How far an experiment's fitted mixture has gone from that of generation 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Kind, Subject

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
How far the fitted mixture has gone from that of generation 0: the integral of the squared
difference of the two densities, in closed form (Shumailov et al. 2024), on a log axis. Line: median
over replicas. Band: 5 to 95 % of them. As a mixture shrinks towards a point with standard deviation
s in the plane, the distance tends to 1 / (4 pi s²), without bound.
"""


def applies(subject: Subject) -> bool:
    """Return whether the family fits a mixture, in an experiment that is no variant of a grid: a grid has `distances`."""
    return subject.experiment.family.has_components and subject.experiment.variant_of is None


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the squared L2 distance to generation 0's density after it: regime, generation, median, low, high."""
    from heirloom.report import mixture_distances

    return mixture_distances.distances(rows, subject.regimes)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the distance by generation, one line per regime, on a log axis."""
    import altair as alt

    from heirloom.report import mixture_distances
    from heirloom.report.charts import heading, stroke_legend, with_style

    colours = [look.colour for look in subject.looks.values()]
    colour = alt.Color("regime:N", legend=stroke_legend("regime")).scale(domain=[*subject.looks], range=colours)
    title = heading(mixture_distances.TITLE, subject.name, mixture_distances.OF_REPLICAS)
    return with_style(mixture_distances.chart(numbers, colour).properties(title=title))


KIND = Kind(
    name="distance",
    caption="Squared L2 distance of the fitted mixture to that of generation 0, by regime.",
    explanation=EXPLANATION,
    applies=applies,
    numbers=numbers,
    draw=draw,
)
