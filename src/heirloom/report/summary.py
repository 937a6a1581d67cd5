"""The last run on one screen: each arm's numbers at generations 0, 1 and G, whether theory agrees, and a line a claim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.report import attribution, beside, experiment_results, onset, reference, shown, tables
from heirloom.report.agreement import Check, check
from heirloom.report.claims import sentences, specs, verdicts
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.figures import plan
from heirloom.report.intervals import conditional
from heirloom.report.reference import Place
from heirloom.sources import counts

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

ITS_CONTROL = "(its control)"
"""Stands for the regime of a control that is computed and not run."""

LEGEND = (
    "origin perplexity: median over rows of synthetic text, under generation 0; "
    "depth: models since a human, mean over training rows; "
    "rare words: 17 to 64 times in real text, share that still occurs; "
    "onset: the first generation that lost more than the control of the same seed or replicas; "
    "z: (mean - theory) / standard error, red from 4; "
    f"{ITS_CONTROL}: closed form of a control of as many rows, where none is run"
)

SUSPICIOUS_Z = 4.0


def print_summary(config: Config, console: Console | None = None) -> None:
    """Print a table an experiment, the verdict on each claim, and where the files lie.

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
    frame, reasons, missing, recorded = tables.load(config.results), list[str](), list[str](), reference.read()
    for key, one in experiment_results.of_config(frame, config).items():
        agreeing = reference.compared(one.rows, key, config, recorded)
        checks = {regime: check(one.rows, regime, one.experiment, config) for regime in one.regimes}
        console.print(summary_table(one, checks, agreeing))
        for line in _without_z(checks):
            console.print(line, style="dim", soft_wrap=True, markup=False, highlight=False)
        if agreeing:
            console.print(reference.sentence(agreeing), soft_wrap=True, highlight=False)
        if documents := _documents(key):
            console.print(f"Documents of the real data: {documents}", style="dim")
        if (table := onset_table(one.onsets, key)) is not None:
            console.print(table)
        reasons += onset.not_estimable(one.onsets, one.name)
        missing += beside.missing_comparisons(one)
    for line in dict.fromkeys([*reasons, *missing]):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    if len(attributed := attribution.table(frame, config)):
        console.print(attribution_table(attributed))
    answered = verdicts.answers(specs.load(), frame, config)
    console.print(claims_table(answered))
    console.print(sentences.chance(answered), style="dim")
    if words := conditional(config):
        console.print(words, style="dim")
    console.print(LEGEND, style="dim")
    console.print(f"Tidy table: {config.results.metrics}   headline numbers: {config.results.headlines}")
    console.print(f"Figures: {config.results.figures}/ ({len(plan.figures(config))}, each as svg, png and csv; captions in index.json)")


def _documents(key: str) -> str:
    """Return what an experiment's real data say of the documents that they were made from; empty where they do not lie here."""
    try:
        return counts.sentence(read_json(paths.manifest(kinds.REAL_TRAIN.path(key))))
    except HeirloomError:
        return ""


def summary_table(
    results: ExperimentResults, checks: Mapping[str, Mapping[str, Check]], agreeing: Mapping[Place, str] = MappingProxyType({})
) -> Table:
    """Return one experiment's table: a row per metric and regime; closed form, z-score and computed control where there are any.

    Parameters
    ----------
    checks
        Regime → the measures that have a closed form (`agreement.check`).
    agreeing
        Whether each number agrees with the recorded one (`reference.compared`); empty where nothing is recorded.
    """
    own, experiment = results.rows, results.experiment
    regimes, generations = experiment.regimes, shown.generations(experiment)
    controls = beside.computed(results)
    theory, recorded = ("theory", "z") if any(checks.values()) else (), ("reference",) if agreeing else ()
    columns = [*(f"gen {g}" for g in generations), *theory, *recorded]
    table = _empty_table(f"{results.key} ({experiment.family.name}, seeds: {len(experiment.seeds)})", columns)
    for metric in shown.metrics(own):
        for regime in regimes:
            values = (_number(float(shown.values(own, metric, regime, generation).mean())) for generation in generations)
            known = _check_cells(checks[regime].get(metric)) if theory else ()
            words = shown.SHOWN[metric] if regime == regimes[0] else ""
            table.add_row(words, regime, *values, *known, *([reference.worst(agreeing, metric, regime)] if recorded else ()))
            if (form := beside.closed_form(controls, regime, metric)) is not None:
                table.add_row("", ITS_CONTROL, *(_number(float(form[generation])) for generation in generations))
        table.add_section()
    return table


def _without_z(checks: Mapping[str, Mapping[str, Check]]) -> list[str]:
    """Return a line for each reason why means that have a closed form have no z."""
    named: dict[str, list[str]] = {}
    for regime, known in checks.items():
        for measure, closed_form in known.items():
            if closed_form.note and measure in shown.SHOWN:
                named.setdefault(closed_form.note, []).append(f"{shown.SHOWN[measure]} of {regime}")
    return [f"no z, {', '.join(means)}: {note}" for note, means in named.items()]


def onset_table(onsets: pd.DataFrame, key: str) -> Table | None:
    """Return one experiment's onsets of collapse (`onset.table`); None where nothing is estimable.

    Parameters
    ----------
    key
        The experiment's name in the expanded config.
    """
    estimable = onsets[onsets["level"].notna()]
    if estimable.empty:
        return None
    units, level = estimable["units"].iloc[0], estimable["level"].iloc[0]
    words = f"onset of collapse ({units}, level {100 * level:.1f} %)"
    table = _empty_table(f"{key}: {words}", ["onset", "p"])
    for measure, regime, first, p, note in estimable[["measure", "regime", "onset", "p", "note"]].to_numpy().tolist():
        without = "with bulk" if note else "none"
        table.add_row(measure, regime, without if math.isnan(first) else f"{first:g}", f"{p:.2g}")
    return table


def claims_table(answered: Sequence[verdicts.Answer]) -> Table:
    """Return a line a claim: its verdict, the claim in a few words, and the number that decided with the region in which it must lie."""
    from rich.table import Table

    title = "Claims of the literature (each in full, with its tests: heirloom report)"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for line in sentences.lines(answered):
        table.add_row(*line)
    return table


def attribution_table(attributed: pd.DataFrame) -> Table:
    """Return what is gained at the last generation by other settings of error sources, one at a time and all (`attribution.table`)."""
    table = _empty_table("Error sources: what another setting gains, one at a time, and all switched off", ["loss", "gain", "interval"])
    table.columns[0].header, table.columns[1].header = "experiment", "setting"
    for name, regime, measure, source, setting, loss, gain, low, high, *_ in attributed[list(attribution.COLUMNS)].to_numpy().tolist():
        if not source:
            table.add_section()
            table.add_row(f"{name} ({regime}), {measure}", "all at work", _number(loss))
        else:
            table.add_row("", f"{source} {setting}".strip(), _number(loss), _number(gain), f"{_number(low)} to {_number(high)}")
    return table


def _empty_table(title: str, columns: list[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for words in ("measure", "regime"):
        table.add_column(words, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _check_cells(known: Check | None) -> tuple[str, str]:
    if known is None:
        return "", ""
    if known.z is None:
        return _number(known.expected), "-"
    colour = "red" if abs(known.z) >= SUSPICIOUS_Z else "green"
    return _number(known.expected), f"[{colour}]{known.z:+.1f}[/{colour}]"


def _number(value: float) -> str:
    """Return four decimals of a number below ten, so that columns line up and stay narrow, and four digits of a larger one."""
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"
