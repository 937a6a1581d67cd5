"""The answer first: each claim with what was measured and its verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from heirloom.diffs.render.blocks import number
from heirloom.report.claims.sentences import SIGNS, chance
from heirloom.report.claims.verdicts import RULE, VERDICTS, Answer, Finding, Outcome
from heirloom.report.intervals import Interval

STANDS_ON = {
    "t": "over seeds",
    "replicas": "one seed, over replicas",
    "control": "one seed, by the control's scatter",
    "none": "no interval",
}


def context(answered: Sequence[Answer], conditional: str) -> dict[str, Any]:
    """Return the claims for the template: rows, how many of each verdict and by chance, the rule, and what shares one corpus.

    Parameters
    ----------
    conditional
        Which intervals speak of one corpus alone (`intervals.conditional`).
    """
    counts = Counter(answer.verdict for answer in answered)
    return {
        "rule": RULE,
        "counts": [{"verdict": verdict, "sign": SIGNS[verdict], "number": counts[verdict]} for verdict in VERDICTS],
        "chance": chance(answered),
        "claims": [_claim(answer) for answer in answered],
        "conditional": conditional,
    }


def _claim(answer: Answer) -> dict[str, Any]:
    families = answer.families if len(answer.families) > 1 else {}
    return {
        "id": answer.claim.id,
        "statement": answer.claim.statement,
        "source": answer.claim.source,
        "verdict": answer.verdict,
        "sign": SIGNS[answer.verdict],
        "families": [{"family": family, "verdict": verdict, "sign": SIGNS[verdict]} for family, verdict in families.items()],
        "missing": f"{answer.missing[:1].upper()}{answer.missing[1:]}." if answer.missing.startswith("no ") else f"{answer.missing}.",
        "tests": [str(test) for test in answer.claim.tests],
        "findings": [_finding(finding) for finding in answer.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "experiment": finding.experiment,
        "verdict": finding.verdict,
        "sign": SIGNS[finding.verdict],
        "seeds": finding.seeds,
        "told": _told(finding),
        "outcomes": [_outcome(outcome) for outcome in finding.outcomes],
    }


def _told(finding: Finding) -> list[str]:
    """Return what is said of a finding beside its numbers: what a part is here, how far an expectation reaches, with what it counts."""
    shared = f"shares random numbers with {finding.unit} and counts with it" if finding.unit != finding.experiment else ""
    return [words for words in (finding.parts, finding.note, shared) if words]


def _outcome(outcome: Outcome) -> dict[str, Any]:
    premise = "premise: " if outcome.test.premise else ""
    return {"expression": f"{premise}{outcome.test}", "value": number(outcome.found.centre), "interval": spelled(outcome.found)}


def spelled(found: Interval) -> str:
    """Return an interval in words: its ends and what it stands on."""
    if not math.isfinite(found.centre):
        return "no number: a measure diverged or is missing"
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return STANDS_ON["none"]
    estimand = f"{found.estimand} " if found.kind == "t" else ""
    return f"{number(found.low)} to {number(found.high)}, {estimand}{STANDS_ON[found.kind]}"
