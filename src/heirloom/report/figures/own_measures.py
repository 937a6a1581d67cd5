"""The measures of the user's own by generation: of programs and packages that the config names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Curve, Kind, Subject

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
What your own programs and packages have measured, a panel per measure, of more than four the first
by their names; the page's explorer has all of them. With several seeds the line is their mean; thin
lines are the seeds, or from ten on a band reaches from the least to the greatest. The vertical axes
do not begin at zero.
"""

_MOST_PANELS = 4


def applies(subject: Subject) -> bool:
    """Return whether a config gives an experiment measures of the user's own."""
    return bool(subject.experiment.measures) or subject.experiment.family.has_own_measure


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the measures by regime and generation (`numbers.curves`)."""
    from heirloom.report import summary_metrics
    from heirloom.report.numbers import by_regime

    measured = rows.loc[rows["generation"] > 0, "metric"].unique()
    return by_regime(rows, summary_metrics.own(measured, subject.experiment)[:_MOST_PANELS], subject.regimes)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the measures side by side."""
    from heirloom.report import arm_charts

    axes = {name: name for name in sorted(numbers["metric"].unique())}
    return arm_charts.side_by_side(subject, numbers, axes, "Measures of your own")


KIND = Kind(
    name="own_measures",
    caption="What your own programs and packages have measured in each generation, by regime.",
    explanation=EXPLANATION,
    applies=applies,
    numbers=numbers,
    draw=draw,
    is_explored=True,
    curve=Curve("mean"),
)
