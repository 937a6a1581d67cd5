"""What the images still span: their spread under generation 0's encoder, and the likelihood of real images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Curve, Kind, Subject, is_encoded_by_models

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
What the images still span. Left: each generation's images go through the encoder of generation 0,
and the standard deviation of their posterior means is taken over images and dimensions together; a
fall says that the images crowd around the middle of what generation 0 knows. Generation 0 is
held-out real images. Right: the evidence lower bound of held-out real images under each
generation's own model, in nats an image; a fall says that the model no longer explains real images.
With several seeds the line is their mean; thin lines are the seeds, or from ten on a band reaches
from the least to the greatest. The vertical axes do not begin at zero.
"""

AXES = {
    "latent_spread": "spread of latent means under generation 0",
    "test_elbo": "ELBO of held-out real images (nats)",
}
"""Metric → the title of its axis."""


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the latent spread of the images and the evidence lower bound on real ones by regime and generation (`numbers.curves`)."""
    from heirloom.report.numbers import by_regime

    return by_regime(rows, AXES, subject.regimes)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the latent spread of the images and the evidence lower bound on real ones side by side."""
    from heirloom.report import arm_charts

    return arm_charts.side_by_side(subject, numbers, AXES, "What the images still span")


KIND = Kind(
    name="latent",
    caption="Spread of each generation's images under generation 0's encoder, and ELBO of real images, by regime.",
    explanation=EXPLANATION,
    applies=is_encoded_by_models,
    numbers=numbers,
    draw=draw,
    is_explored=True,
    curve=Curve("mean"),
)
