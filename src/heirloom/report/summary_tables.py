"""Tables of the summary that have no figure: groups of rows, profiles of collapse, rankings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from heirloom.diffs.render.blocks import safe
from heirloom.report.profile.definitions import VERDICTS
from heirloom.report.summary_metrics import four_digits

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


def groups_table(groups: pd.DataFrame, key: str) -> Table:
    """Return what is left of each group of rows, those first that vanished first (`group_table.table`).

    Parameters
    ----------
    key
        The experiment's name in the expanded config.
    """
    from rich.text import Text

    table = empty_table(
        f"{key}: groups, those first that vanished first", ["real", "at the end", "trained on", "alive", "neutral", "half gone"]
    )
    table.columns[0].header, table.columns[1].header = "group", "arm"
    for row in groups.to_dict("records"):
        numbers = [row[column] for column in ("real_share", "share", "trained", "alive", "neutral_alive", "half_gone")]
        cells = ["-" if math.isnan(number) else four_digits(number) for number in numbers]
        table.add_row(Text(safe(str(row["group"]))), str(row["regime"]), *cells)
    return table


def profile_table(profiles: pd.DataFrame | None, key: str) -> Table | None:
    """Return one experiment's profiles of collapse, an arm a line (`profile.table`); None where there are none.

    Parameters
    ----------
    key
        The experiment's name in the expanded config.
    """
    if profiles is None or profiles.empty:
        return None
    table = empty_table(f"{key}: meanings of collapse that an arm meets", ["met", "not met"])
    table.columns[0].header, table.columns[1].header = "arm", "not measurable here"
    for regime, rows in profiles.groupby("regime", sort=False):
        numbers = [[str(place) for place, verdict in enumerate(rows["verdict"], 1) if verdict == name] for name in VERDICTS]
        met, unmet, unknown = (" ".join(places) or "-" for places in numbers)
        table.add_row(str(regime), unknown, met, unmet)
    return table


def ranking_table(ranked: pd.DataFrame) -> Table:
    """Return the rankings of mitigations, a line for each arm (`ranking.table`)."""
    title = "Rankings of mitigations: value over seeds, and which others each is better than for certain"
    table = empty_table(title, ["value", "low", "high", "p to baseline"])
    table.add_column("better than")
    table.columns[0].header, table.columns[1].header = "ranking", "mitigation"
    for name, rows in ranked.groupby("ranking", sort=False):
        for row in rows.to_dict("records"):
            numbers = [four_digits(row[column]) for column in ("value", "low", "high")]
            p = "-" if math.isnan(row["p_baseline"]) else f"{row['p_baseline']:.2g}"
            table.add_row(str(name), row["knob"], *numbers, p, row["better_than"])
        table.add_section()
    return table


def empty_table(title: str, columns: list[str]) -> Table:
    """Return a table without rows: a measure, a regime, and columns of numbers."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for words in ("measure", "regime"):
        table.add_column(words, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table
