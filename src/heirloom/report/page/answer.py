"""The answer first: each claim with what was measured and its verdict."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from heirloom.diffs.render.blocks import number
from heirloom.report.claims.sentences import SIGNS, chance, lines
from heirloom.report.claims.specs import Measurement, leaves
from heirloom.report.claims.verdicts import RULE, VERDICTS, Answer, Finding, Outcome
from heirloom.report.intervals import Interval

_SUPERSCRIPTS = str.maketrans("0123456789nt", "⁰¹²³⁴⁵⁶⁷⁸⁹ⁿᵗ")
MetricsOf = Mapping[str, Collection[str]]

BASES = {
    "t": "over seeds",
    "replicas": "one seed, over replicas",
    "control": "one seed, by the control's scatter",
    "none": "no interval",
}
"""Kind of an interval → what it is based on, in words."""


def context(answers: Sequence[Answer], conditional: str, metrics_of: MetricsOf) -> dict[str, Any]:
    """Return the claims for the template: rows, how many of each verdict and by chance, the rule, and what shares one corpus.

    Parameters
    ----------
    conditional
        Which intervals speak of one corpus alone (`intervals.conditional`).
    metrics_of
        Experiment → the metrics that it has a curve of.
    """
    numbers = [mathematics(line.number) for line in lines(answers)]
    return {
        "rule": RULE,
        "counts": _counts(answers),
        "chance": chance(answers),
        "claims": [_claim(answer, number, metrics_of) for answer, number in zip(answers, numbers, strict=True)],
        "conditional": conditional,
    }


def _counts(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return each verdict with its sign and the number of claims that have it."""
    counts = Counter(answer.verdict for answer in answers)
    return [{"verdict": verdict, "sign": SIGNS[verdict], "number": counts[verdict]} for verdict in VERDICTS]


def _claim(answer: Answer, number: str, metrics_of: MetricsOf) -> dict[str, Any]:
    claim = answer.claim
    return {
        "id": claim.id,
        "short": claim.short,
        "number": number,
        "statement": mathematics(claim.statement),
        "source": mathematics(claim.source),
        "verdict": answer.verdict,
        "sign": SIGNS[answer.verdict],
        "families": _families(answer),
        "missing": _lack_sentence(answer.lack),
        "tests": [mathematics(str(test)) for test in claim.tests],
        "findings": [_finding(finding, metrics_of) for finding in answer.findings],
    }


def _families(answer: Answer) -> list[dict[str, str]]:
    """Return the verdict of each family; none if one family alone has one, which is the claim's."""
    if len(answer.families) <= 1:
        return []
    return [{"family": family, "verdict": verdict, "sign": SIGNS[verdict]} for family, verdict in answer.families.items()]


def _lack_sentence(lack: str) -> str:
    """Return what a run lacks as a sentence; the name of an experiment at its head keeps its letters."""
    capital = lack[:1].upper() if lack.startswith("no ") else lack[:1]
    return f"{capital}{lack[1:]}."


def _finding(finding: Finding, metrics_of: MetricsOf) -> dict[str, Any]:
    metric = _metric(finding, metrics_of)
    return {
        "measure": metric,
        "curve": {f"m.{finding.experiment}": metric} if metric else {},
        "experiment": finding.experiment,
        "verdict": finding.verdict,
        "sign": SIGNS[finding.verdict],
        "seeds": finding.seeds,
        "notes": _notes(finding),
        "outcomes": list(map(_outcome, finding.outcomes)),
    }


def _metric(finding: Finding, metrics_of: MetricsOf) -> str:
    """Return the first metric of a finding that its experiment has a curve of; empty where it has none."""
    quantities = [outcome.test.quantity for outcome in finding.outcomes]
    measurements = [leaf for quantity in quantities for leaf in leaves(quantity) if isinstance(leaf, Measurement)]
    names = (metric for measurement in measurements for metric in measurement.metrics)
    return next((name for name in names if name in metrics_of.get(finding.experiment, ())), "")


def _notes(finding: Finding) -> list[str]:
    """Return the notes beside a finding's numbers: the values of free keys, the generations of an expectation, what it counts with."""
    is_unit = finding.unit == finding.experiment
    sharing = "" if is_unit else f"shares random numbers with {finding.unit} and counts with it"
    return [note for note in (finding.parts, finding.note, sharing) if note]


def _outcome(outcome: Outcome) -> dict[str, Any]:
    premise = "premise: " if outcome.test.premise else ""
    return {
        "expression": mathematics(f"{premise}{outcome.test}"),
        "value": mathematics(number(outcome.interval.centre)),
        "interval": mathematics(interval_words(outcome.interval)),
    }


def mathematics(words: str) -> str:
    """Return words in which each minus is one, and no hyphen, and each power is raised; hyphens within a name stay."""
    raised = re.sub(r"\^(\w+)", lambda power: power[1].translate(_SUPERSCRIPTS), words)
    return re.sub(r"(?<!\w)-(?=[ \d(])", "\N{MINUS SIGN}", raised)


def interval_words(interval: Interval) -> str:
    """Return an interval in words: its ends and its basis."""
    if not math.isfinite(interval.centre):
        return "no number: a measure diverged or is missing"
    if not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return BASES["none"]
    ends = f"{number(interval.low)} to {number(interval.high)}"
    estimand = f"{interval.estimand} " if interval.kind == "t" else ""
    return f"{ends}, {estimand}{BASES[interval.kind]}"
