"""The last run in at most `MOST_LINES` lines of 80 columns: what happened, each arm beside its control, the verdicts, and where to look."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from heirloom import controls
from heirloom.config import Config
from heirloom.report import (
    agreement,
    control_curves,
    experiment_results,
    headline,
    onset,
    page_age,
    reference,
    run_settings,
    summary_metrics,
    tables,
)
from heirloom.report.claims import sentences, specs, verdicts
from heirloom.report.claims.verdicts import Answer
from heirloom.report.experiment_results import ExperimentResults
from heirloom.theory import Curve

MOST_LINES, COLUMNS = 60, 80
FULL = "heirloom summary --full"

_MOST_ARMS, _MOST_CLAIMS = 26, 16
"""Lines of arms, headings among them, and of claims."""
_NAME, _CELL = 37, 10
"""Columns of a name and of a number in the table of arms."""
_UNTRIED = ("not run", "not built")
"""Verdicts of claims of which the run says nothing."""
_SUSPICIOUS_Z = 4.0


def lines(config: Config) -> list[str]:
    """Return the lines.

    Raises
    ------
    HeirloomError
        If there are no results, or they lack an experiment of the config.
    """
    frame = tables.load(config.results)
    results = experiment_results.of_config(frame, config)
    answers = verdicts.answers(specs.load(), frame, config)
    answer = headline.headline(frame, config)
    first = [*_folded(answer.sentence), *_folded(f"({answer.basis})")]
    note = run_settings.note(config)
    beginning = [_folded(note), first] if note else [first]
    parts = (*beginning, arm_lines(results.values(), config), claim_lines(answers), _checks(results.values(), config), _files(config))
    separated: list[str] = []
    for part in parts:
        separated += ["", *part] if separated else part
    return separated


def arm_lines(results: Iterable[ExperimentResults], config: Config) -> list[str]:
    """Return one line per arm: one measure at generations 0, 1 and the last, and its control's at the last; neural models of text first.

    The measures of the user's own follow in the same way.
    """
    ordered = sorted(results, key=lambda one: (not one.experiment.is_text, not one.experiment.family.needs_torch))
    metrics_of = [list(summary_metrics.metrics(one.rows, one.experiment)) for one in ordered]
    pairs = [(one, metric) for one, metrics in zip(ordered, metrics_of, strict=True) for metric in metrics[:1]]
    for one, metrics in zip(ordered, metrics_of, strict=True):
        pairs += [(one, metric) for metric in metrics[1:] if metric not in summary_metrics.LABELS]
    rows = [line for one, metric in pairs for line in _arms(one, metric, config)]
    hidden = len(rows) - _MOST_ARMS
    return rows if hidden <= 0 else [*rows[: _MOST_ARMS - 1], f"… and {hidden + 1} lines more: {FULL}"]


def _arms(results: ExperimentResults, metric: str, config: Config) -> Iterator[str]:
    experiment = results.experiment
    generations = summary_metrics.generations(experiment)
    rows = summary_metrics.narrowed(results.rows, [metric], generations)
    forms = control_curves.by_arm(results)
    heading = f"{results.key}, {summary_metrics.LABELS.get(metric, metric)}"
    yield _row(heading, [f"gen {generation}" for generation in generations], "its control")
    for regime in experiment.regimes:
        means = [summary_metrics.centre(rows, metric, regime, generation) for generation in generations]
        cells = [summary_metrics.four_digits(mean) for mean in means]
        control = controls.control_of(regime, experiment, config)
        is_control = config.regimes[regime].is_control
        value = "" if is_control else _control_value(control, regime, metric, forms, rows, experiment.generations)
        yield _row(f"  {regime}", cells, value)


def _row(name: str, cells: Sequence[str], control: str) -> str:
    """Return a line of the table of arms; a name that is too long for its column is cut."""
    short = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
    numbers = "".join(f"{cell:>{_CELL}}" for cell in cells)
    return f"{short:{_NAME}}{numbers:>{3 * _CELL}}{control:>13}".rstrip()


def _control_value(
    control: str | None, regime: str, metric: str, forms: Mapping[str, Mapping[str, Curve]], rows: Any, generation: int
) -> str:
    """Return the control's measure at a generation: as run, in closed form, or a dash."""
    if control is not None:
        return summary_metrics.four_digits(summary_metrics.centre(rows, metric, control, generation))
    form = control_curves.closed_form(forms, regime, metric)
    return "–" if form is None else summary_metrics.four_digits(float(form[generation]))


def claim_lines(answers: Sequence[Answer]) -> list[str]:
    """Return how many claims have which verdict, and one line per claim of which the run says something."""
    counts = Counter(answer.verdict for answer in answers)
    tried = [answer for answer in answers if answer.verdict not in _UNTRIED]
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in verdicts.VERDICTS if counts[verdict])
    rows = [f"{line.verdict:18}{line.words:42}{line.number}" for line in sentences.lines(tried)]
    hidden = len(rows) - _MOST_CLAIMS
    shown = rows if hidden <= 0 else [*rows[: _MOST_CLAIMS - 1], f"… and {hidden + 1} more: {FULL}"]
    return [*_folded(f"Claims of the literature: {words}"), *shown]


def _checks(results: Iterable[ExperimentResults], config: Config) -> list[str]:
    """Return whether closed forms and recorded numbers agree, and how many notes the full summary has."""
    records, zs, numbers, notes = reference.read(), list[float](), Counter[str](), list[str]()
    for one in results:
        for regime in one.regimes:
            checks = agreement.check(one.rows, regime, one.experiment, config).values()
            zs += [check.z for check in checks if check.z is not None]
        numbers.update(reference.comparison(one.rows, one.key, config, records).values())
        notes += onset.not_estimable(one.onsets, one.name) + control_curves.missing_comparisons(one)
    rows = []
    if zs:
        far = sum(abs(z) >= _SUSPICIOUS_Z for z in zs)
        rows.append(f"Closed forms: {len(zs)} means compared, {far} of them {_SUSPICIOUS_Z:g} standard errors away or more")
    if numbers:
        rows.append(f"{reference.FILE}, {reference.counted(numbers)}")
    num_notes = len(set(notes))
    if num_notes:
        rows.append(f"{num_notes} note{'s' if num_notes > 1 else ''} on seeds and controls: {FULL}")
    return rows


def _files(config: Config) -> list[str]:
    results = config.results
    page = page_age.note(results) or f"The page: {results.page}"
    return [f"The numbers: {results.metrics}; the figures: {results.figures}/", page]


def _folded(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, COLUMNS, break_long_words=False)
