"""Perplexity on held-out real text, by generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Curve, Kind, Subject, is_read_by_models

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
Perplexity of each generation's model on real text that no model was trained on: exp of the mean
negative log-likelihood in nats a token. Lower is better; a rising line says that the model forgets
real text. All lines begin at generation 0, which the regimes share. With several seeds the line is
their mean; thin lines are the seeds, or from ten on a band reaches from the least to the greatest.
Perplexity can stand still while diversity falls: look at the other figures of the experiment too.
The vertical axis does not begin at zero.
"""


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the perplexity on held-out real text by regime and generation (`numbers.curves`)."""
    from heirloom.report.numbers import by_regime

    return by_regime(rows, ["test_perplexity"], subject.regimes)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the perplexity by generation, one line per regime."""
    from heirloom.report import arm_charts

    return arm_charts.one_panel(subject, numbers, "test perplexity (lower is better)", "Perplexity on held-out real text")


KIND = Kind(
    name="test_perplexity",
    caption="Perplexity of each generation's model on held-out real text, by regime.",
    explanation=EXPLANATION,
    applies=is_read_by_models,
    numbers=numbers,
    draw=draw,
    is_explored=True,
    curve=Curve("mean"),
)
