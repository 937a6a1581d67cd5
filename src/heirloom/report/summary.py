"""The last run on one screen: each arm's numbers at generations 0, 1 and G, and whether theory agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from heirloom.config import Config, Experiment
from heirloom.report import expected, figures, tables

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

SHOWN = {
    "test_perplexity": "test perplexity",
    "origin_perplexity.median": "origin perplexity",
    "distinct_3": "distinct 3-grams",
    "token_entropy": "entropy (nats)",
    "tail_survival.1": "once-seen words",
    "covariance_trace": "variance, mean",
    "covariance_trace.median": "variance, median",
    "log_determinant": "log determinant",
    "mean_squared_error": "mean's sq. error",
}
"""Metric, or the measure whose mean over replicas is shown, to what the reader is told."""

LEGEND = (
    "origin perplexity: median over rows of synthetic text, under generation 0; once-seen words: share that still occurs; "
    "z: (mean - theory) / standard error, red from 4"
)

SUSPICIOUS_Z = 4.0


class Check(NamedTuple):
    """A measured mean against its closed form, and by how many standard errors it is off (None without an error)."""

    expected: float
    z: float | None


def print_summary(config: Config, console: Console | None = None) -> None:
    """Print a table an experiment, and where the files lie.

    Parameters
    ----------
    config
        The config of the last run.
    console
        Where to print; by default the terminal.

    Raises
    ------
    HeirloomError
        If there are no results, or they lack an experiment of the config.
    """
    from rich.console import Console

    console = console or Console()
    frame = tables.load()
    for key, experiment in config.experiments.items():
        console.print(summary_table(tables.of_experiment(frame, key, experiment), key, experiment, config))
    console.print(LEGEND, style="dim")
    console.print(f"Tidy table: {tables.METRICS}   headline numbers: {tables.HEADLINES_FILE}")
    console.print(f"Figures: {figures.FOLDER}/ ({len(figures.listed(config))}, each as svg, png and csv; captions in index.json)")


def summary_table(own: pd.DataFrame, key: str, experiment: Experiment, config: Config) -> Table:
    """Return one experiment's table: a row a metric and regime; a closed form and z-score where there is one.

    Parameters
    ----------
    own
        The tidy rows of the experiment.
    key
        Its name in the expanded config.
    """
    from rich import box
    from rich.table import Table

    generations = sorted({0, 1, experiment.generations})
    seeds = f"{len(experiment.seeds)} seed{'s' * (len(experiment.seeds) > 1)}"
    table = Table(
        title=f"{key} ({experiment.family.name}, {seeds})",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
    )
    table.add_column("measure", no_wrap=True)
    table.add_column("regime", no_wrap=True)
    checks = {regime: check(own, regime, experiment, config) for regime in experiment.regimes}
    has_theory = any(checks.values())
    for column in [*(f"gen {g}" for g in generations), *(("theory", "z") if has_theory else ())]:
        table.add_column(column, justify="right", no_wrap=True)
    for metric, words in SHOWN.items():
        for regime in experiment.regimes:
            values = [_value(own, metric, regime, generation) for generation in generations]
            if None not in values:
                first = regime == experiment.regimes[0]
                known = _check_cells(checks[regime].get(metric)) if has_theory else ()
                table.add_row(
                    words if first else "",
                    regime,
                    *(f"{value:.4g}" for value in values),
                    *known,
                    end_section=regime == experiment.regimes[-1],
                )
    return table


def check(own: pd.DataFrame, regime: str, experiment: Experiment, config: Config) -> dict[str, Check]:
    """Return the last generation's measures that have a closed form: z = (mean - expected) / standard error of the mean.

    Trust z only where the generations are no more than the rows a generation: beyond, rare huge replicas carry the mean.
    """
    from heirloom.report.numbers import estimates

    checks = {}
    for measure, curve in expected.curves(experiment, config.regimes[regime]).items():
        last = estimates(own, [regime], measure).iloc[-1]
        off = float(last["mean"] - curve[-1])
        checks[measure] = Check(float(curve[-1]), off / float(last["se"]) if last["se"] > 0 else None)
    return checks


def _value(own: pd.DataFrame, metric: str, regime: str, generation: int) -> float | None:
    """Return the mean over seeds, or None where the family does not measure it; generation 0 is the origin's."""
    from heirloom import paths

    here = own[(own["regime"] == (regime if generation else paths.ORIGIN)) & (own["generation"] == generation)]
    values = here.loc[here["metric"].isin([metric, f"{metric}.mean"]), "value"]
    return float(values.mean()) if len(values) else None


def _check_cells(known: Check | None) -> tuple[str, str]:
    if known is None:
        return "", ""
    if known.z is None:
        return f"{known.expected:.4g}", "-"
    colour = "red" if abs(known.z) >= SUSPICIOUS_Z else "green"
    return f"{known.expected:.4g}", f"[{colour}]{known.z:+.1f}[/{colour}]"
