"""How likely generation 0 finds the text of each generation: histograms of the rows' perplexity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Kind, Subject, is_read_by_models
from heirloom.stats.spacing import evenly_spaced

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
Each generation's text as generation 0 sees it: the share of rows by their perplexity under
generation 0, in bins of a tenth of a decade, one curve per generation. Generation 0 (black) is
held-out real text, which this model has not seen. Mass that moves left is text that generation 0
finds more and more likely; a tail that grows on the right is text that it would never have written.
With many generations at most seven curves are drawn, evenly spaced. Shares are means over seeds.
The last bin on the right is open: it holds every row above 10,000.
"""

HISTOGRAM = "origin_perplexity_histogram."
MAX_CURVES = 7
BIN = 0.1
"""Width of a bin, in decades."""


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the histogram of row perplexity under generation 0: regime, generation, log10_from, perplexity, share.

    ``perplexity`` is the middle of a bin of a tenth of a decade on the log axis; shares are means over seeds. Bins that are empty at both
    ends for every curve are left out, and at most `MAX_CURVES` generations are kept, evenly spaced.
    """
    import numpy as np

    from heirloom.report.numbers import over_seeds, with_origin

    bins = over_seeds(with_origin(rows[rows["metric"].str.startswith(HISTOGRAM)], subject.regimes))
    edges = bins["metric"].str.removeprefix(HISTOGRAM).astype(float)
    bins = bins.assign(log10_from=edges.where(np.isfinite(edges), -BIN), share=bins["mean"])
    filled_bins = bins.loc[bins["share"] > 0, "log10_from"]
    is_within = bins["log10_from"].between(filled_bins.min() - 1.5 * BIN, filled_bins.max() + 1.5 * BIN)
    generations = evenly_spaced(range(int(bins["generation"].max()) + 1), MAX_CURVES)
    bins = bins[is_within & bins["generation"].isin(generations)]
    bins = bins.assign(perplexity=10 ** (bins["log10_from"] + BIN / 2)).sort_values(["regime", "generation", "log10_from"])
    return bins[["regime", "generation", "log10_from", "perplexity", "share"]].reset_index(drop=True)


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the histograms, a panel per regime and a curve per generation."""
    import altair as alt

    from heirloom.report.charts import heading, of_generations, panels, with_style

    low, high = numbers["perplexity"].min(), numbers["perplexity"].max()
    x = alt.X("perplexity:Q", title="row perplexity under generation 0 (log)").scale(type="log", domain=[low, high], nice=False)
    x = x.axis(values=[1, 3, 10, 30, 100, 300, 1000, 3000, 10_000], format=",d", grid=False)
    y = alt.Y("share:Q", title="rows (%) per tenth of a decade").axis(format=".0%", tickCount=5)
    line = alt.Chart(numbers).mark_line(strokeWidth=1.8).encode(x=x, y=y, color=of_generations(numbers))
    title = heading(
        "How surprising generation 0 finds the text of later generations",
        subject.name,
        "0: real text that it has not seen; further left: text that it finds more likely",
    )
    return with_style(panels(line, subject.regimes, 250, 190).properties(title=title))


KIND = Kind(
    name="synthetic_perplexity",
    caption="Histogram of each generation's text by its perplexity under generation 0, by regime.",
    explanation=EXPLANATION,
    applies=is_read_by_models,
    numbers=numbers,
    draw=draw,
)
