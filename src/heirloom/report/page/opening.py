"""The top of the page: the sentence, its chart with the control as the zero line, and the facts of the run on one line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from heirloom import controls
from heirloom.config import Config
from heirloom.lineage import git
from heirloom.lineage.artefact import Artefact
from heirloom.report import facts, measure_words, plain_words
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.headline import Headline
from heirloom.report.page import curves
from heirloom.report.page.making import COMMIT_DIGITS, environment

MACHINE = ("machine", "vendor", "device")
"""What of the environment the line of facts tells; the rest stands under "How it was made"."""

Line = dict[str, Any]
MeasuresOf = Mapping[str, list[dict[str, Any]]]


def context(told: Headline, results_of: Mapping[str, ExperimentResults], measures_of: MeasuresOf) -> dict[str, Any]:
    """Return the sentence and its chart for the template: ``{"sentence", "basis", "chart"}``; no chart where nothing was measured.

    Parameters
    ----------
    measures_of
        Experiment → its measures, as `curves.context` returns them.
    """
    chart = None
    if told.experiment:
        measure = next(one for one in measures_of[told.experiment] if one["name"] == told.metric)
        chart = hero(results_of[told.experiment], told, measure)
    return {"sentence": told.sentence, "basis": told.basis, "chart": chart}


def hero(results: ExperimentResults, told: Headline, measure: Mapping[str, Any]) -> dict[str, Any]:
    """Return the chart of the sentence: each arm's distance to its control by generation, so that the control is the zero line.

    Every line begins at 0, because generation 0 is the same model for all arms. Where no control is run, the distance is to generation 0.
    With several seeds a line is their mean, with a thin line per seed where they are few and a band where they are many. Of the chains
    of one seed the band is wide, so only the sentence's arm has it.

    Returns
    -------
    ``label`` and ``about`` in words, ``last`` generation, and ``lines``, each with ``name``, ``colour``, ``dashes``, generations ``g``,
    distances ``v``, where there are any ``l`` and ``h`` (band), and the words ``end`` at its end
    """
    control = controls.control_of(told.regime, results.experiment, results.config)
    lines = []
    for regime, curve in measure["arms"].items():
        is_control = results.regimes[regime].is_control
        zero = regime if is_control else controls.control_of(regime, results.experiment, results.config) or control
        if not is_control or regime == control:
            has_band = len(results.experiment.seeds) > 1 or regime == told.regime
            lines.append(_line(regime, curve if has_band else _without_band(curve), measure["arms"].get(zero or ""), results))
    words = measure_words.of_metric(told.metric)
    against = "the control, which is trained on real rows alone" if control else "generation 0"
    unit = f" ({words.unit})" if words.unit else ""
    is_of_chains = len(results.experiment.seeds) == 1 and "band:" in measure["about"]
    basis = measure["about"] + (f", of {told.regime}" if is_of_chains else "")
    return {
        "experiment": results.key,
        "name": told.metric,
        "label": f"{words.words}{unit}: difference to {'the control' if control else 'generation 0'}",
        "about": f"{results.name}: {words.words}, as a difference to {against}. {basis[:1].upper()}{basis[1:]}.",
        "last": results.experiment.generations,
        "lines": lines,
        "band": _centred(measure.get("band"), measure["arms"].get(control or "")),
        "onset": measure.get("onset", {}).get("arms", {}),
    }


def _without_band(curve: curves.Curve) -> curves.Curve:
    return {key: values for key, values in curve.items() if key not in {"l", "h"}}


def _line(regime: str, curve: curves.Curve, zero: curves.Curve | None, results: ExperimentResults) -> Line:
    """Return an arm's line as distances to the zero line."""
    look = results.looks[regime]
    base = _base(curve, zero)
    drawn = [key for key in curve if key in {"v", "l", "h"} or curves.is_of_seed(key)]
    differences = {key: _minus(curve[key], base) for key in drawn}
    value, distance = curve["v"][-1], differences["v"][-1]
    end = regime if value is None else f"{regime} {plain_words.amount(value)}"
    signed = "" if not distance else f" ({'+' if distance > 0 else ''}{plain_words.amount(distance)})"
    return {"name": regime, "colour": look.colour, "dashes": list(look.dashes), "g": curve["g"], **differences, "end": end + signed}


def _base(curve: curves.Curve, zero: curves.Curve | None) -> list[float | None]:
    """Return the number that is the zero of each generation: generation 0's own, then the control's."""
    first = curve["v"][0]
    if zero is None:
        return [first] * len(curve["g"])
    zero_of = dict(zip(zero["g"], zero["v"], strict=True))
    return [first, *(zero_of.get(generation) for generation in curve["g"][1:])]


def _minus(values: list[float | None], base: list[float | None]) -> list[float | None]:
    pairs = zip(values, base, strict=True)
    return [None if value is None or zero is None else float(f"{value - zero:.5g}") for value, zero in pairs]


def _centred(band: Mapping[str, Any] | None, control: curves.Curve | None) -> dict[str, Any] | None:
    """Return the band of the control about the zero line."""
    if band is None or control is None:
        return None
    zero_of = dict(zip(control["g"], control["v"], strict=True))
    base = [zero_of.get(generation) for generation in band["g"]]
    return {"g": band["g"], "l": _minus(band["l"], base), "h": _minus(band["h"], base), "about": band["about"]}


def run_facts(config: Config, config_file: Path, nodes: Iterable[Artefact]) -> list[tuple[str, str]]:
    """Return the facts of the run in pairs of words: when, which commit, which machine, how long, which config, how many seeds.

    Parameters
    ----------
    nodes
        Artefacts of the run, whose manifests name the machine.
    """
    commit, changes = git.tree()
    machine = dict(environment(node.manifest.get("environment", {}) for node in nodes))
    seconds = sum(job["seconds"] or 0.0 for job in facts.ledger().values())
    pairs = {
        "measured": _date(Path(config.results.metrics)),
        "commit": f"{commit[:COMMIT_DIGITS]}{' with changes' if changes else ''}" if commit else "not in git",
        "machine": ", ".join(machine[key] for key in MACHINE if key in machine),
        "work": f"{seconds / 60:,.1f} minutes of jobs" if seconds else "",
        "config": config_file.name,
        "seeds": _seeds(config),
    }
    return [(name, words) for name, words in pairs.items() if words]


def _date(metrics: Path) -> str:
    """Return the day on which the tidy table was written: that of its last commit, or of the file where none holds it as it is."""
    is_committed = metrics.read_bytes() in git.head_or_index(metrics)
    commits = git.history([str(metrics)]) if is_committed else []
    if commits:
        return commits[0].date[:10]
    return dt.datetime.fromtimestamp(metrics.stat().st_mtime, dt.UTC).date().isoformat()


def _seeds(config: Config) -> str:
    numbers = sorted({len(experiment.seeds) for experiment in config.experiments.values()})
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
