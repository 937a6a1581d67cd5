"""Closed forms beside what was simulated: by how many standard errors the two differ, an arm and measure a row."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from heirloom.config import Config, Experiment
from heirloom.errors import HeirloomError
from heirloom.report import expected, tables

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("family", "regime", "measure", "generation", "chains", "expected", "mean", "se", "z")
BEGIN, END = "<!-- begin: heirloom theory -->", "<!-- end: heirloom theory -->"
"""What encloses the table in a page that `inserted` renews."""


class Check(NamedTuple):
    """A mean over chains, its standard error (NaN for one chain), and the closed form of its expectation."""

    expected: float
    mean: float
    se: float

    @property
    def z(self) -> float | None:
        """Return (mean - expected) / standard error; None without an error."""
        return (self.mean - self.expected) / self.se if self.se > 0 else None


def check(own: pd.DataFrame, regime: str, experiment: Experiment, config: Config) -> dict[str, Check]:
    """Return the last generation's measures that have a closed form.

    Trust z only where the generations are no more than the rows a generation: beyond, rare huge replicas carry the mean.

    Parameters
    ----------
    own
        The tidy rows of the experiment.
    """
    from heirloom.report.numbers import estimates

    checks = {}
    for measure, curve in expected.curves(experiment, config.regimes[regime]).items():
        if not own["metric"].isin([measure, f"{measure}.mean"]).any():
            continue  # such as the survival of types seen once, where there are none
        last = estimates(own, [regime], measure).iloc[-1]
        checks[measure] = Check(float(curve[-1]), float(last["mean"]), float(last["se"]))
    return checks


def table(own: pd.DataFrame, experiment: Experiment, config: Config) -> pd.DataFrame:
    """Return one experiment's checks with the columns `COLUMNS`; ``chains`` is seeds times replicas, z is NaN without an error.

    Parameters
    ----------
    own
        The tidy rows of the experiment.
    """
    import pandas as pd

    chains, last, family = len(experiment.seeds) * experiment.num_replicas, experiment.generations, experiment.family.name
    rows = [
        (family, regime, measure, last, chains, *found, math.nan if found.z is None else found.z)
        for regime in experiment.regimes
        for measure, found in check(own, regime, experiment, config).items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def load() -> pd.DataFrame:
    """Return the table of the last run.

    Raises
    ------
    HeirloomError
        If there is none.
    """
    import pandas as pd

    if not Path(tables.THEORY).is_file():
        raise HeirloomError(f"{tables.THEORY}: missing; run snakemake")
    return pd.read_csv(tables.THEORY, dtype={"variant": str}).fillna({"variant": ""})


def markdown(frame: pd.DataFrame) -> str:
    """Return the table of all experiments (``results/theory.csv``) as Markdown."""
    lines = [
        "| family | experiment | regime | measure | generation | chains | closed form | simulated (s.e.) | z |",
        "|---|---|---|---|--:|--:|--:|--:|--:|",
    ]
    for row in frame.to_dict("records"):
        name = f"{row['experiment']}__{row['variant']}" if row["variant"] else row["experiment"]
        z = "" if math.isnan(row["z"]) else f"{row['z']:+.1f}"
        words = f"| {row['family']} | `{name}` | {row['regime']} | `{row['measure']}` | {row['generation']} | {row['chains']}"
        lines.append(f"{words} | {row['expected']:.5g} | {row['mean']:.5g} ({row['se']:.1g}) | {z} |")
    return "\n".join(lines) + "\n"


def inserted(page: str, lines: str) -> str:
    """Return a page with the text between `BEGIN` and `END` replaced.

    Raises
    ------
    HeirloomError
        If the page lacks one of the two.
    """
    before, begun, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise HeirloomError(f"the page has no place for the table; it needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{lines}\n{END}{after}"
