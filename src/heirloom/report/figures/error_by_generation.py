"""Error of a Gaussian that is refitted to its own rows, by generation and size."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Kind, Subject, are_gaussians_of_sizes

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
How far a Gaussian goes from the truth as it is refitted to its own rows: the root of the mean over
replicas of the squared error of the mean, and of the standard deviation, on log axes. Dashed:
closed form, where one is known. With the divisor n-1 and more generations than rows a few huge
replicas carry the expectation, and the mean over a finite number of replicas falls short of it; the
error of the standard deviation then tends to 1, because nearly every replica has shrunk to a point.
"""


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return `gaussian_errors.errors`."""
    from heirloom.report.gaussian_errors import errors

    return errors(subject, rows)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the error of mean and standard deviation by fit on log axes, a colour per number of rows; dashed: closed form."""
    import altair as alt

    from heirloom.report import gaussian_errors
    from heirloom.report.charts import heading, logarithmic, ordered_colour, with_style

    fits = numbers.assign(fit=numbers["generation"] + 1, panel=numbers["regime"] + ", divisor " + numbers["divisor"])
    divisors = sorted(set(numbers["divisor"]))
    order = [f"{regime}, divisor {divisor}" for regime, divisor in itertools.product(subject.regimes, divisors)]
    header = alt.Header(labelFontSize=12, labelFontWeight="bold", labelAnchor="start")
    by_panel = alt.Facet("panel:N", title=None, sort=order, header=header)
    x = logarithmic(alt.X("fit:Q", title="fits (generation + 1)"), fits["fit"])
    colour = ordered_colour("rows", sorted(set(fits["rows"])), "rows")
    blocks = []
    for estimate, part in fits.groupby("of", sort=False):
        lines = alt.Chart(part).mark_line(strokeWidth=1.8)
        panel = gaussian_errors.panel(lines, part, x, colour, str(estimate)).properties(width=250, height=190)
        blocks.append(panel.facet(by_panel, columns=4))
    title = heading("Error of a Gaussian refitted to its own rows", subject.name, gaussian_errors.SUBTITLE)
    return with_style(alt.vconcat(*blocks, spacing=20).properties(title=title))


KIND = Kind(
    name="error_by_generation",
    caption="Error of mean and standard deviation by generation, rows and regime, against the closed form.",
    explanation=EXPLANATION,
    applies=are_gaussians_of_sizes,
    numbers=numbers,
    draw=draw,
    is_of_grids=True,
)
