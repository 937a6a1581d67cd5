"""The last run in full: each arm's numbers at generations 0, 1 and G, whether theory agrees, and one line per claim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.report import (
    attribution,
    control_curves,
    experiment_results,
    group_table,
    onset,
    reference,
    run_settings,
    selections,
    summary_metrics,
    tables,
)
from heirloom.report.agreement import Check, check
from heirloom.report.claims import sentences, specs, verdicts
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.figures import plan
from heirloom.report.intervals import conditional
from heirloom.report.profile import table as profile
from heirloom.report.profile.definitions import DEFINITIONS
from heirloom.report.ranking import table as rankings
from heirloom.report.reference import Place
from heirloom.report.summary_metrics import four_digits
from heirloom.report.summary_tables import empty_table, groups_table, profile_table, ranking_table
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
    f"meanings of collapse: {', '.join(f'{place} {name}' for place, name in enumerate(DEFINITIONS, 1))}; "
    "z: (mean - theory) / standard error, red from 4; "
    f"{ITS_CONTROL}: closed form of a control of as many rows, where none is run"
)

SUSPICIOUS_Z = 4.0


def print_summary(config: Config, console: Console | None = None) -> None:
    """Print one table per experiment, the verdict on each claim, and where the files lie.

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
    frame, records = tables.load(config.results), reference.read()
    note = run_settings.note(config)
    if note:
        console.print(note, style="bold", soft_wrap=True, markup=False, highlight=False)
    reasons, comparisons = list[str](), list[str]()
    for results in experiment_results.of_config(frame, config).values():
        _print_experiment(results, records, console)
        reasons += onset.not_estimable(results.onsets, results.name)
        comparisons += control_curves.missing_comparisons(results)
    for line in dict.fromkeys(reasons + comparisons):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    costs = attribution.table(frame, config)
    if len(costs):
        console.print(attribution_table(costs))
    ranked = rankings.load(config)
    if ranked is not None:
        console.print(ranking_table(ranked))
    answers = verdicts.answers(specs.load(), frame, config)
    console.print(claims_table(answers))
    console.print(sentences.chance(answers), style="dim")
    condition = conditional(config)
    if condition:
        console.print(condition, style="dim")
    console.print(LEGEND, style="dim")
    console.print(f"Tidy table: {config.results.metrics}   headline numbers: {config.results.headlines}")
    console.print(f"Figures: {config.results.figures}/ ({len(plan.figures(config))}, each as svg, png and csv; captions in index.json)")


def _print_experiment(results: ExperimentResults, records: Mapping[str, Any], console: Console) -> None:
    """Print one experiment's tables, and lines on its closed forms, recorded numbers and documents."""
    agreement = reference.comparison(results.rows, results.key, results.config, records)
    checks = {regime: check(results.rows, regime, results.experiment, results.config) for regime in results.regimes}
    console.print(summary_table(results, checks, agreement))
    for line in _lines_without_z(checks):
        console.print(line, style="dim", soft_wrap=True, markup=False, highlight=False)
    if agreement:
        console.print(reference.sentence(agreement), soft_wrap=True, highlight=False)
    for line in selections.lines(results.key, results.experiment, results.config.regimes):
        console.print(line, style="dim", soft_wrap=True, markup=False, highlight=False)
    documents = _documents(results.key)
    if documents:
        console.print(f"Documents of the real data: {documents}", style="dim")
    onsets = onset_table(results.onsets, results.key)
    if onsets is not None:
        console.print(onsets)
    groups = group_table.load(results.config, results.key)
    if groups is not None:
        console.print(groups_table(groups, results.key))
    profiles = profile_table(profile.load(results.config, results.key), results.key)
    if profiles is not None:
        console.print(profiles)


def _documents(key: str) -> str:
    """Return a sentence on the documents that an experiment's real data were made from; empty where the data do not lie here."""
    try:
        return counts.sentence(read_json(paths.manifest(kinds.REAL_TRAIN.path(key))))
    except HeirloomError:
        return ""


def summary_table(
    results: ExperimentResults, checks: Mapping[str, Mapping[str, Check]], agreement: Mapping[Place, str] = MappingProxyType({})
) -> Table:
    """Return one experiment's table: a row per metric and regime; closed form, z-score and computed control where there are any.

    Parameters
    ----------
    checks
        Regime → the measures that have a closed form (`agreement.check`).
    agreement
        Whether each number agrees with the recorded one (`reference.comparison`); empty where nothing is recorded.
    """
    rows, experiment = results.rows, results.experiment
    regimes, generations = experiment.regimes, summary_metrics.generations(experiment)
    controls = control_curves.by_arm(results)
    theory_columns = ["theory", "z"] if any(checks.values()) else []
    reference_columns = ["reference"] if agreement else []
    generation_columns = [f"gen {generation}" for generation in generations]
    title = f"{results.key} ({experiment.family.name}, seeds: {len(experiment.seeds)})"
    table = empty_table(title, generation_columns + theory_columns + reference_columns)
    metrics = list(summary_metrics.metrics(rows, experiment))
    shown_rows = summary_metrics.narrowed(rows, metrics, generations)
    for metric in metrics:
        for regime in regimes:
            words = summary_metrics.LABELS.get(metric, metric) if regime == regimes[0] else ""
            cells = [four_digits(_average(shown_rows, metric, regime, generation, checks)) for generation in generations]
            if theory_columns:
                cells += _check_cells(checks[regime].get(metric))
            if reference_columns:
                cells.append(reference.worst(agreement, metric, regime))
            table.add_row(words, regime, *cells)
            control = control_curves.closed_form(controls, regime, metric)
            if control is not None:
                table.add_row("", ITS_CONTROL, *(four_digits(float(control[generation])) for generation in generations))
        table.add_section()
    return table


def _average(rows: pd.DataFrame, metric: str, regime: str, generation: int, checks: Mapping[str, Mapping[str, Check]]) -> float:
    """Return a metric's centre over seeds; where a closed form stands beside it, which is an expectation, the mean that is compared."""
    if metric in checks[regime]:
        return float(summary_metrics.values(rows, metric, regime, generation).mean())
    return summary_metrics.centre(rows, metric, regime, generation)


def _lines_without_z(checks: Mapping[str, Mapping[str, Check]]) -> list[str]:
    """Return a line for each reason why means that have a closed form have no z."""
    means_by_note: dict[str, list[str]] = {}
    for regime, arm_checks in checks.items():
        for measure, arm_check in arm_checks.items():
            if arm_check.note and measure in summary_metrics.LABELS:
                means = means_by_note.setdefault(arm_check.note, [])
                means.append(f"{summary_metrics.LABELS[measure]} of {regime}")
    return [f"no z, {', '.join(means)}: {note}" for note, means in means_by_note.items()]


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
    table = empty_table(f"{key}: {words}", ["onset", "p"])
    for measure, regime, generation, p, note in estimable[["measure", "regime", "onset", "p", "note"]].to_numpy().tolist():
        no_onset = "with bulk" if note else "none"
        table.add_row(measure, regime, no_onset if math.isnan(generation) else f"{generation:g}", f"{p:.2g}")
    return table


def claims_table(answers: Sequence[verdicts.Answer]) -> Table:
    """Return one line per claim: its verdict, the claim in a few words, and the number that decided with its region."""
    from rich.table import Table

    title = "Claims of the literature (each in full, with its tests: heirloom report)"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for line in sentences.lines(answers):
        table.add_row(*line)
    return table


def attribution_table(costs: pd.DataFrame) -> Table:
    """Return what other settings of error sources gain at the last generation, one at a time and all (`attribution.table`)."""
    table = empty_table("Error sources: what another setting gains, one at a time, and all switched off", ["loss", "gain", "interval"])
    table.columns[0].header, table.columns[1].header = "experiment", "setting"
    for name, regime, measure, source, setting, loss, gain, low, high, *_ in costs[list(attribution.COLUMNS)].to_numpy().tolist():
        if not source:
            table.add_section()
            table.add_row(f"{name} ({regime}), {measure}", "all at work", four_digits(loss))
        else:
            table.add_row(
                "", f"{source} {setting}".strip(), four_digits(loss), four_digits(gain), f"{four_digits(low)} to {four_digits(high)}"
            )
    return table


def _check_cells(arm_check: Check | None) -> tuple[str, str]:
    if arm_check is None:
        return "", ""
    if arm_check.z is None:
        return four_digits(arm_check.expected), "-"
    colour = "red" if abs(arm_check.z) >= SUSPICIOUS_Z else "green"
    return four_digits(arm_check.expected), f"[{colour}]{arm_check.z:+.1f}[/{colour}]"
