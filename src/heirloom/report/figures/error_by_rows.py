"""Error of one fit to real rows, by how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Kind, Subject, are_gaussians_of_sizes

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
How far one fit to n real rows is from the truth: the root of the mean over replicas of the squared
error of the mean, and of the standard deviation, on log axes. Points: measured. Dashed: closed
form, 1 / sqrt(n) for the mean, in units of the true standard deviation. This is the statistical
error that every generation adds anew.
"""


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the errors of the first fit alone, to real rows: variant, rows, divisor, of, error, expected (`gaussian_errors.errors`)."""
    from heirloom.report.gaussian_errors import errors

    table = errors(subject, rows)
    first_fits = table[table["generation"] == 0].drop_duplicates(["variant", "of"])
    return first_fits[["variant", "rows", "divisor", "of", "error", "expected"]]


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the errors of mean and standard deviation side by side, on log axes; dashed: closed form."""
    import altair as alt

    from heirloom.report import gaussian_errors
    from heirloom.report.charts import heading, logarithmic, stroke_legend, with_style
    from heirloom.report.looks import BLUE, ORANGE

    x = logarithmic(alt.X("rows:Q", title="rows"), numbers["rows"])
    divisors = sorted(set(numbers["divisor"]))
    colour = alt.Color("divisor:N", legend=stroke_legend("divisor")).scale(domain=divisors, range=[BLUE, ORANGE][: len(divisors)])
    blocks = []
    for estimate, part in numbers.groupby("of", sort=False):
        points = alt.Chart(part).mark_point(size=50, strokeWidth=2)
        panel = gaussian_errors.panel(points, part, x, colour, str(estimate))
        blocks.append(panel.properties(width=300, height=240))
    title = heading("Error of one fit to real rows", subject.name, gaussian_errors.SUBTITLE)
    return with_style(alt.hconcat(*blocks, spacing=30).properties(title=title))


KIND = Kind(
    name="error_by_rows",
    caption="Error of the first fit's mean and standard deviation by rows, against the closed form.",
    explanation=EXPLANATION,
    applies=are_gaussians_of_sizes,
    numbers=numbers,
    draw=draw,
    is_of_grids=True,
)
