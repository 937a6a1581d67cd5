"""The measures that stand for a family, beside their closed forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Curve, Kind, Subject

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
The measures that stand for the family. Solid: mean over replicas, with a band of two standard
errors either way. Dotted: the median replica. Dashed: the expectation of the mean in closed form,
where one is known for the regime. Mean and closed form should agree within the band in about 95 of
100 places.
"""


def applies(subject: Subject) -> bool:
    """Return whether the family has measures that stand for it."""
    return bool(subject.experiment.family.headlines)


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the measures against their closed forms: ``measure``, then `numbers.beside_theory`."""
    import pandas as pd

    from heirloom.report.numbers import beside_theory

    experiment = subject.experiment
    parts = {measure: beside_theory(measure, rows, experiment, subject.regimes) for measure in experiment.family.headlines}
    return pd.concat(parts, names=["measure"]).reset_index("measure").reset_index(drop=True)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw each measure in a block of panels, a panel per regime."""
    import altair as alt

    from heirloom.report.charts import about_onsets, heading, with_style
    from heirloom.report.theory_charts import axis_title, by_regime

    blocks = []
    for name, part in numbers.groupby("measure", sort=False):
        measure = str(name)
        block = by_regime(part, measure, [*subject.regimes], 150)
        blocks.append(block.properties(title=alt.Title(axis_title(measure), fontSize=13)))
    subtitle = "mean and median over replicas, se: standard error of the mean" + about_onsets(numbers)
    title = heading("What is left, and what theory expects", subject.name, subtitle)
    return with_style(alt.vconcat(*blocks, spacing=24).properties(title=title))


def _measures(numbers: pd.DataFrame) -> list[str]:
    return numbers["measure"].tolist()


KIND = Kind(
    name="beside_theory",
    caption="Headline measures by regime, against the closed form where there is one.",
    explanation=EXPLANATION,
    applies=applies,
    numbers=numbers,
    draw=draw,
    is_explored=True,
    curve=Curve("median", _measures),
)
