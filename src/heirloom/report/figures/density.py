"""Rows of the line by generation: how densely they lie, beside the real rows that the origin was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom import reading
from heirloom.report import kept_rows
from heirloom.report.figures.kind import Artefacts, Kind, Subject

if TYPE_CHECKING:
    import altair as alt
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

EXPLANATION = """\
How densely the rows of each generation's synthetic set lie on the line, of the first seed and
replica: a histogram with the bins of Freedman and Diaconis (1981) for the real rows, as a share of
the rows per unit. Generation 0 (black) is the real rows that the origin was trained on. A curve
that grows narrow and tall has lost its tails; one that wanders off has lost the mean. The axis
reaches half a range beyond the real rows on either side; rows outside it are not seen.
"""

MARGIN = 0.5
"""How far the axis goes beyond the real rows on either side, as a share of their range."""

LINE = 1


def applies(subject: Subject) -> bool:
    """Return whether rows of the line are kept on disk."""
    return kept_rows.has_vectors(subject.experiment, LINE)


def artefacts(subject: Subject) -> Artefacts:
    """Return the sets whose rows it draws."""
    return {path: place for place, path in kept_rows.vectors(subject.name, subject.experiment).items()}


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the histogram of the first replica's rows of each set, as a density.

    The bins are those of `edges` for the real rows, so that curves of one experiment can be compared.

    Returns
    -------
    regime, generation, x (the middle of a bin), density (share of the rows per unit of x)

    Raises
    ------
    HeirloomError
        If a dataset is missing, or not as it was recorded.
    """
    import numpy as np
    import pandas as pd

    sets = kept_rows.vectors(subject.name, subject.experiment)
    values = {place: reading.dataset(path).by_replica()[0, :, 0] for place, path in sets.items()}
    real_N = next(x_N for (_, generation), x_N in values.items() if not generation)
    bins = edges(real_N)
    middle = (bins[1:] + bins[:-1]) / 2
    width = bins[1] - bins[0]
    parts = []
    for (regime, generation), x_N in values.items():
        counts, _ = np.histogram(x_N, bins)
        density = counts / (len(x_N) * width)
        parts.append(pd.DataFrame({"regime": regime, "generation": generation, "x": middle, "density": density}))
    return pd.concat(parts, ignore_index=True)


def edges(real_N: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges of equal bins around the real rows, wider than their range by `MARGIN` on either side.

    The width is 2 IQR / N^(1/3) (Freedman and Diaconis 1981), or a little more, so that whole bins fill the range.
    """
    import numpy as np

    bins = np.histogram_bin_edges(real_N, "fd")
    width = bins[1] - bins[0]
    margin_bins = round(MARGIN * (len(bins) - 1))
    return bins[0] + width * np.arange(-margin_bins, len(bins) + margin_bins)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the densities, a panel per regime and a curve per generation."""
    import altair as alt

    from heirloom.report.charts import heading, of_generations, panels, with_style

    x = alt.X("x:Q", title="x").axis(grid=False, tickCount=6).scale(nice=False)
    y = alt.Y("density:Q", title="density (rows per unit of x)")
    line = alt.Chart(numbers).mark_line(strokeWidth=1.8).encode(x=x, y=y, color=of_generations(numbers))
    subtitle = "histogram of one chain; 0: real rows that the origin was trained on"
    title = heading("Density of the rows by generation", subject.name, subtitle)
    return with_style(panels(line, subject.regimes, 250, 190).properties(title=title))


KIND = Kind(
    name="density",
    caption="Density of each generation's rows on the line, by regime; generation 0: real rows.",
    explanation=EXPLANATION,
    applies=applies,
    numbers=numbers,
    draw=draw,
    artefacts=artefacts,
)
