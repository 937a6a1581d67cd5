"""How far the fitted mixtures of a grid have gone from that of generation 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report import tables
from heirloom.report.figures.kind import Kind, Subject

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
How far the fitted mixture has gone from that of generation 0: the integral of the squared
difference of the two densities, in closed form (Shumailov et al. 2024), on a log axis, one line a
variant of the grid. As a mixture shrinks towards a point with standard deviation s in the plane,
the distance tends to 1 / (4 pi s²), without bound. Band, where there are replicas: 5 to 95 % of
them.
"""


def applies(subject: Subject) -> bool:
    """Return whether all variants fit a mixture."""
    return all(experiment.family.has_components for experiment in subject.experiments.values())


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the squared L2 distance to generation 0's density after it: variant, regime, generation, median, low, high."""
    import pandas as pd

    from heirloom.report.mixture_distances import distances

    parts = []
    for key, experiment in subject.experiments.items():
        variant = tables.names(key, experiment)[1]
        part = distances(rows[rows["variant"] == variant], experiment.regimes)
        parts.append(part.assign(variant=variant))
    table = pd.concat(parts, ignore_index=True)
    return table[["variant", "regime", "generation", "median", "low", "high"]]


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the distances by generation, one line per variant and one panel per regime, on a log axis."""
    import altair as alt

    from heirloom.report import mixture_distances
    from heirloom.report.charts import heading, ordered_colour, with_style

    variants = list(dict.fromkeys(numbers["variant"]))
    chart = mixture_distances.chart(numbers, ordered_colour("variant", variants, "variant"))
    header = alt.Header(labelFontSize=13, labelFontWeight="bold", labelAnchor="start")
    panels = chart.facet(alt.Facet("regime:N", title=None, sort=[*subject.regimes], header=header), columns=2)
    subtitle = mixture_distances.OF_REPLICAS if mixture_distances.has_spread(numbers) else "one chain each"
    return with_style(panels.properties(title=heading(mixture_distances.TITLE, subject.name, subtitle)))


KIND = Kind(
    name="distances",
    caption="Squared L2 distance of the fitted mixture to that of generation 0, by variant of the grid.",
    explanation=EXPLANATION,
    applies=applies,
    numbers=numbers,
    draw=draw,
    is_of_grids=True,
)
