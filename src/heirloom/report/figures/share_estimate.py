"""The synthetic share that a classifier reads from the rows of each training set, beside the truth, and how well it can tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Kind, Subject

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
Whether the data alone tell how much of them models have written. Left: the synthetic share of each
training set that a classifier estimates from its rows, without their ancestry; dashed: the truth.
Where the two agree the estimate is calibrated. Right: how much higher synthetic rows score than
real ones, which is 1 where no row is mistaken. A classifier is trained for each generation, and
below a power of 0.02 no share can be read. Lines are means over seeds.
"""

SHARE, POWER, REAL = "share_estimate.synthetic", "share_estimate.power", "ancestry.real_row_share"
AXES = {SHARE: "synthetic rows / all rows", POWER: "power of the classifier"}
"""Metric → the title of its axis."""


def applies(subject: Subject) -> bool:
    """Return whether the experiment estimates the share."""
    return subject.experiment.share_estimate


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share and the power by regime and generation (`numbers.curves`), with the column ``truth``: NaN beside the power."""
    from heirloom.report.numbers import by_regime

    table = by_regime(rows, [*AXES, REAL], subject.regimes)
    real_shares = table[table["metric"] == REAL].set_index(["regime", "generation"])["mean"]
    estimates = table[table["metric"].isin(AXES)]
    truth = 1.0 - real_shares.reindex(estimates.set_index(["regime", "generation"]).index).to_numpy()
    return estimates.assign(truth=truth).assign(truth=lambda frame: frame["truth"].where(frame["metric"] == SHARE))


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the share with the truth, dashed, and the power side by side, a colour per regime."""
    import altair as alt

    from heirloom.report.charts import generation_axis, heading, points, with_style

    colours = [look.colour for look in subject.looks.values()]
    colour = alt.Color("regime:N", title="regime").scale(domain=list(subject.looks), range=colours)
    panels = []
    for metric, axis in AXES.items():
        part = numbers[numbers["metric"] == metric]
        base = alt.Chart(part).encode(x=generation_axis(part), color=colour)
        y = alt.Y("mean:Q", title=axis).scale(zero=True)
        lines = base.mark_line(point=points(part), strokeWidth=2.2).encode(y=y)
        truth = base.transform_filter("isValid(datum.truth)").mark_line(strokeDash=[4, 3]).encode(y=alt.Y("truth:Q", title=axis))
        panels.append(alt.layer(truth, lines).properties(width=300, height=260))
    words = heading("The synthetic share, read from the rows alone", subject.name, "lines: estimated, mean over seeds; dashed: truth")
    return with_style(alt.hconcat(*panels, spacing=30).properties(title=words))


KIND = Kind(
    name="share_estimate",
    caption="The synthetic share of each training set, estimated from its rows alone beside the truth, and the power of the classifier.",
    explanation=EXPLANATION,
    applies=applies,
    numbers=numbers,
    draw=draw,
)
