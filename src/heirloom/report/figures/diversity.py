"""Diversity of the synthetic text: how much of it repeats, and how few tokens carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Curve, Kind, Subject, is_text

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
Diversity of each generation's text, at the same number of rows in every generation. Left: different
sequences of three tokens, as a share of all of them; a fall says that the text repeats itself.
Right: entropy of the token frequencies, in nats; a fall says that few tokens carry more of the
text. Generation 0 is real text. With several seeds the line is their mean; thin lines are the
seeds, or from ten on a band reaches from the least to the greatest. The vertical axes do not begin
at zero.
"""

AXES = {
    "distinct_3": "distinct 3-grams / all 3-grams",
    "token_entropy": "token entropy (nats)",
}
"""Metric → the title of its axis."""


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return distinct-3 and token entropy by regime and generation (`numbers.curves`)."""
    from heirloom.report.numbers import by_regime

    return by_regime(rows, AXES, subject.regimes)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw distinct-3 and token entropy side by side."""
    from heirloom.report import arm_charts

    return arm_charts.side_by_side(subject, numbers, AXES, "Diversity of the synthetic text")


KIND = Kind(
    name="diversity",
    caption="Distinct 3-grams and token entropy of each generation's text, by regime.",
    explanation=EXPLANATION,
    applies=is_text,
    numbers=numbers,
    draw=draw,
    is_explored=True,
    curve=Curve("mean"),
)
