"""What becomes of rare words: the share of each frequency band that still occurs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heirloom.report.figures.kind import Curve, Kind, Subject, is_text

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

EXPLANATION = """\
What becomes of rare words. The words of the origin's training text are grouped by how often they
occur in it (once, 2 to 4 times, …); a line is the share of a group's words that occur at all in a
generation's text. Generation 0 shows real rows, as many as are sampled in each generation, so even
real text does not reach 100 %: compare with that, and with the control. Words are runs of letters
with their marks in the decoded text, never tokens; of Chinese, Japanese, Thai, Lao, Khmer, Burmese
and other scripts that put no space between words, each character is one. Means over seeds. Dotted,
in the same colours: neutral drift, what would be left if each generation drew its words anew from
the frequencies of the one before, 1 - exp(-r c g) for a word that occurs c times, with r the
synthetic tokens of a generation over the real ones, prompts left out. A solid line below the dotted
one of its colour says that more is lost than the drawing of finite samples explains.
"""

SURVIVAL, DRIFT = "tail_survival.", "tail_survival_drift."


def numbers(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of word types that still occur, and ``drift``, the share that neutral drift leaves.

    A row per regime, generation and frequency band.
    """
    keys = ["regime", "generation", "band"]
    survival = _by_band(subject, rows, SURVIVAL)
    drift = _by_band(subject, rows, DRIFT)[[*keys, "mean"]].rename(columns={"mean": "drift"})
    return survival.merge(drift, how="left", on=keys).drop(columns="metric")


def _by_band(subject: Subject, rows: pd.DataFrame, prefix: str) -> pd.DataFrame:
    from heirloom.report.numbers import over_seeds, with_origin

    shares = over_seeds(with_origin(rows[rows["metric"].str.startswith(prefix)], subject.regimes))
    return shares.assign(band=shares["metric"].str.split(".", n=1).str[1])


def draw(subject: Subject, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw the shares, a panel per regime and a line per frequency band, over neutral drift."""
    import altair as alt

    from heirloom.measures.text import BANDS
    from heirloom.report.charts import about_onsets, generation_axis, heading, onsets, ordered_colour, panels, points, with_style
    from heirloom.report.looks import DOTTED

    bands = [band for band in BANDS if band in set(numbers["band"])]
    y = alt.Y("mean:Q", title="words that still occur (%)").axis(format=".0%", tickCount=5).scale(domain=[0, 1])
    base = alt.Chart(numbers).encode(x=generation_axis(numbers), color=ordered_colour("band", bands, "times in real text"))
    line = base.mark_line(point=points(numbers), strokeWidth=2).encode(y=y)
    dotted_line = base.transform_filter("isValid(datum.drift)").mark_line(strokeWidth=1.5, strokeDash=list(DOTTED))
    drift = dotted_line.encode(y="drift:Q")
    subtitle = (
        "by how often a word occurs in the real training text; generation 0: real rows, as many as are sampled; dotted: neutral drift"
    )
    title = heading("Real words that still occur in the synthetic text", subject.name, subtitle + about_onsets(numbers))
    layers = alt.layer(drift, line, *onsets(base, numbers, y))
    return with_style(panels(layers, subject.regimes, 230, 190).properties(title=title))


def _measures(numbers: pd.DataFrame) -> list[str]:
    return (SURVIVAL + numbers["band"]).tolist()


KIND = Kind(
    name="tail_survival",
    caption="Share of the real text's words that still occur in the synthetic text, by frequency and regime.",
    explanation=EXPLANATION,
    applies=is_text,
    numbers=numbers,
    draw=draw,
    curve=Curve("mean", _measures),
)
