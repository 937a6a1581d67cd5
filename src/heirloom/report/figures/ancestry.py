"""Ancestry of the training sets: how much of each is real, and how many models lie behind the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Kind, Subject

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
What each generation was trained on. Left: real rows as a share of all rows. Right: depth, the
number of models between a row and a human, as a mean over the rows: a real row has depth 0, and a
synthetic row one more than the mean of the rows that its writer was trained on. What a model
inherits through the weights that its training starts from is not counted. With several seeds the
line is their mean; thin lines are the seeds, or from ten on a band reaches from the least to the
greatest.
"""

AXES = {
    "ancestry.real_row_share": "real rows / all rows",
    "ancestry.depth_mean": "models since a human, mean over rows",
}
"""Metric → the title of its axis."""


def applies(subject: Subject) -> bool:
    """Return whether generations have rows."""
    return subject.experiment.has_rows


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of real rows and the mean depth of each training set by regime and generation (`numbers.curves`)."""
    from heirloom.report.numbers import by_regime

    return by_regime(rows, AXES, subject.regimes)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the share of real rows and the mean depth of each generation's training set side by side."""
    from heirloom.report import arm_charts

    return arm_charts.side_by_side(subject, numbers, AXES, "Ancestry of the training sets")


KIND = Kind(
    name="ancestry",
    caption="Share of real rows, and models since a human, in each generation's training set, by regime.",
    explanation=EXPLANATION,
    applies=applies,
    numbers=numbers,
    draw=draw,
    is_explored=True,
)
