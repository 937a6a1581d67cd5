"""Total variance of a fitted density, beside its closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Curve, Kind, Subject

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
Trace of the fitted covariance, in squared units of the data. Solid: mean over replicas, with a band
of two standard errors either way. Dotted: the median replica, which under collapse lies below the
mean, because a few wide replicas carry it. Dashed: the expectation of the mean in closed form,
where one is known for the regime. Mean and closed form should agree within the band in about 95 of
100 places, as long as there are no more generations than rows; beyond that the mean over a finite
number of replicas falls short of its expectation.
"""

MEASURE = "covariance_trace"


def applies(subject: Subject) -> bool:
    """Return whether the family fits a density, whose variance is measured."""
    return subject.experiment.family.is_density


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the fitted variance against its closed form (`numbers.beside_theory`)."""
    from heirloom.report.numbers import beside_theory

    return beside_theory(MEASURE, rows, subject.experiment, subject.regimes)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw mean with two standard errors and median, against the closed form."""
    from heirloom.report import theory_charts
    from heirloom.report.charts import about_onsets, heading, with_style

    subtitle = "covariance trace, in squared units of the data; mean and median over replicas, se: standard error of the mean"
    title = heading("Total variance of the fitted density", subject.name, subtitle + about_onsets(numbers))
    chart = theory_charts.by_regime(numbers, MEASURE, [*subject.regimes], 170)
    return with_style(chart.properties(title=title))


def _measures(numbers: pd.DataFrame) -> list[str]:
    return [MEASURE] * len(numbers)


KIND = Kind(
    name="variance",
    caption="Total variance of the fitted density by regime, against the closed form where there is one.",
    explanation=EXPLANATION,
    applies=applies,
    numbers=numbers,
    draw=draw,
    is_explored=True,
    curve=Curve("median", _measures),
)
