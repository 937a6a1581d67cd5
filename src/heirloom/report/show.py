"""A lineage, a dataset or a checkpoint in the terminal: curves as a line of small bars, facts as a table."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from heirloom.artefacts import kinds
from heirloom.diffs.render.blocks import number, safe
from heirloom.errors import HeirloomError
from heirloom.report.summary_metrics import LABELS
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
    match = _LINEAGE.fullmatch(reference)
    table = lineage(match[1], match[2], int(match[3]), results) if match else artefact(reference)
    console.print(table)


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
    rows = frame[(frame["experiment"] == name) & (frame["variant"] == variant) & (frame["seed"] == seed)]
    if not (rows["regime"] == regime).any():
        alternatives = _alternatives(frame, name, variant)
        raise HeirloomError(f"{experiment}/{regime}/{seed}: not among the results of {results.config_file}; {alternatives}")
    arms = by_arm.tables(rows)
    table = _table(f"{experiment}/{regime}/{seed}", ["measure", "generations", "0", "last"])
    for measure, words in LABELS.items():
        metric = measure if (measure, regime) in arms else f"{measure}.mean"
        curve = by_arm.with_origin(arms, metric, regime)
        if curve is not None:
            values = curve[seed].tolist()
            ends = [number(float(f"{value:.5g}")) for value in (values[0], values[-1])]
            table.add_row(words, sparkline(values), *ends)
    return table


def artefact(reference: str) -> Table:
    """Return the facts of a dataset or a checkpoint, with the settings of its step.

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
        table.add_row(Text(safe(name)), Text(safe(value), overflow="fold"))
    return table


def sparkline(values: Sequence[float]) -> str:
    """Return at most `WIDTH` numbers as bars between the least and the greatest; a blank stands for what is not finite."""
    samples = evenly_spaced(values, WIDTH)
    finite = [value for value in samples if math.isfinite(value)]
    if not finite:
        return " " * len(samples)
    low, high = min(finite), max(finite)
    step = (high - low) / (len(BARS) - 1) or 1.0
    return "".join(BARS[round((value - low) / step)] if math.isfinite(value) else " " for value in samples)


def _alternatives(frame: pd.DataFrame, name: str, variant: str) -> str:
    """Return the arms and seeds of an experiment in words, or all experiments where none has that name."""
    from heirloom.variants import VARIANT_MARK

    rows = frame[(frame["experiment"] == name) & (frame["variant"] == variant)]
    if len(rows):
        regimes = ", ".join(sorted(rows["regime"].unique()))
        seeds = ", ".join(map(str, sorted(rows["seed"].unique())))
        return f"regimes: {regimes}; seeds: {seeds}"
    pairs = frame[["experiment", "variant"]].drop_duplicates().to_numpy().tolist()
    names = [f"{experiment}{VARIANT_MARK}{suffix}" if suffix else experiment for experiment, suffix in pairs]
    return f"experiments: {', '.join(names)}"


def _table(title: str, columns: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place > 1 else "left", no_wrap=place != 1)
    return table
