"""A lineage, a dataset or a checkpoint in the terminal: curves as a line of small bars, facts as a table."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from heirloom.artefacts import kinds
from heirloom.diffs.render.blocks import number, safe
from heirloom.errors import HeirloomError
from heirloom.report.shown import SHOWN
from heirloom.results import DEFAULT, Results
from heirloom.stats.spacing import evenly_spaced

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 32

_LINEAGE = re.compile(f"({kinds.NAME})/(?!{kinds.REAL}/)({kinds.NAME})/({kinds.NUMBER})")


def show(reference: str, console: Console | None = None, results: Results = DEFAULT) -> None:
    """Print what a reference names.

    Parameters
    ----------
    reference
        ``experiment/regime/seed`` for a lineage; anything else that `heirloom trace` takes for an artefact.
    console
        Where to print; by default the terminal.
    results
        Among which a lineage is looked up; by default those of ``config.yaml``.

    Raises
    ------
    HeirloomError
        If nothing has that name.
    """
    from rich.console import Console

    console = console or Console()
    found = _LINEAGE.fullmatch(reference)
    console.print(lineage(found[1], found[2], int(found[3]), results) if found else artefact(reference))


def lineage(experiment: str, regime: str, seed: int, results: Results = DEFAULT) -> Table:
    """Return a lineage's headline measures: each with its curve, first and last value.

    Raises
    ------
    HeirloomError
        If the results have no such lineage.
    """
    from heirloom.report import by_arm, tables
    from heirloom.variants import VARIANT_MARK

    name, _, variant = experiment.partition(VARIANT_MARK)
    frame = tables.load(results)
    own = frame[(frame["experiment"] == name) & (frame["variant"] == variant) & (frame["seed"] == seed)]
    if not (own["regime"] == regime).any():
        raise HeirloomError(f"{experiment}/{regime}/{seed}: not among the results of {results.config_file}; {_there(frame, name, variant)}")
    known = by_arm.tables(own)
    table = _table(f"{experiment}/{regime}/{seed}", ["measure", "generations", "0", "last"])
    for metric, words in SHOWN.items():
        measured = next((curve for what in (metric, f"{metric}.mean") if (curve := by_arm.joined(known, what, regime)) is not None), None)
        if measured is not None:
            values = measured[seed].tolist()
            ends = (number(float(f"{value:.5g}")) for value in (values[0], values[-1]))
            table.add_row(words, sparkline(values), *ends)
    return table


def artefact(reference: str) -> Table:
    """Return what is told of a dataset or a checkpoint, with the settings of its step.

    Raises
    ------
    HeirloomError
        If there is no such artefact, or it is not as it was recorded.
    """
    from rich.text import Text

    from heirloom.lineage import trace
    from heirloom.lineage.project import Project, locate
    from heirloom.report import facts

    node = locate(reference)
    table = _table(node.name, ["", "", ""])
    table.show_header = False
    is_at_hand = node.project == Project()
    place = node.data() if node.project.commit or node.is_here else node.place
    pairs = facts.facts(node, place, facts.ledger() if is_at_hand else {})
    pairs += [(key, str(value)) for key, value in trace.settings(node).items() if value is not None]
    for name, value in pairs:
        table.add_row(name, Text(safe(value), overflow="fold"))
    return table


def sparkline(values: Sequence[float]) -> str:
    """Return numbers as bars between the least and the greatest; a blank where there is no number, at most `WIDTH` of them."""
    shown = evenly_spaced(values, WIDTH)
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return " " * len(shown)
    low, high = min(finite), max(finite)
    step = (high - low) / (len(BARS) - 1) or 1.0
    return "".join(BARS[round((value - low) / step)] if math.isfinite(value) else " " for value in shown)


def _there(frame: pd.DataFrame, name: str, variant: str) -> str:
    """Return what there is: the arms and seeds of an experiment, or all experiments where there is none of that name."""
    from heirloom.variants import VARIANT_MARK

    own = frame[(frame["experiment"] == name) & (frame["variant"] == variant)]
    if len(own):
        regimes, seeds = (", ".join(map(str, sorted(own[column].unique()))) for column in ("regime", "seed"))
        return f"regimes: {regimes}; seeds: {seeds}"
    names = frame[["experiment", "variant"]].drop_duplicates().to_numpy().tolist()
    return "experiments: " + ", ".join(name + (VARIANT_MARK + variant if variant else "") for name, variant in names)


def _table(title: str, columns: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place > 1 else "left", no_wrap=place != 1)
    return table
