"""The answer first: each claim with what was measured and its verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from heirloom.config import Config
from heirloom.diffs.render.blocks import number
from heirloom.report.claims.verdicts import RULE, VERDICTS, Answer, Finding, Outcome
from heirloom.report.intervals import Interval

SIGNS = {"supported": "✓", "contradicted": "✗", "inconclusive": "?", "not run at this scale": "–"}

STANDS_ON = {
    "t": "over seeds",
    "replicas": "one seed, over replicas",
    "control": "one seed, by the control's scatter",
    "none": "no interval",
}


def context(answered: Sequence[Answer], config: Config) -> dict[str, Any]:
    """Return the claims for the template: rows, how many of each verdict, the rule, and which experiments share one corpus."""
    counts = Counter(answer.verdict for answer in answered)
    return {
        "rule": RULE,
        "counts": [{"verdict": verdict, "sign": SIGNS[verdict], "number": counts[verdict]} for verdict in VERDICTS],
        "claims": [_claim(answer) for answer in answered],
        "conditional": [key for key, experiment in config.experiments.items() if experiment.is_text],
    }


def _claim(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.claim.id,
        "statement": answer.claim.statement,
        "source": answer.claim.source,
        "verdict": answer.verdict,
        "sign": SIGNS[answer.verdict],
        "needs": f"needs {' or '.join(answer.claim.where.family)} with {', '.join(sorted(answer.claim.arms))}{_settings(answer)}",
        "tests": [str(test) for test in answer.claim.tests],
        "findings": [_finding(finding) for finding in answer.findings],
    }


def _settings(answer: Answer) -> str:
    wanted = answer.claim.where.settings
    return ", " + ", ".join(f"{key}: {value}" for key, value in wanted.items()) if wanted else ""


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "experiment": finding.experiment,
        "verdict": finding.verdict,
        "sign": SIGNS[finding.verdict],
        "seeds": finding.seeds,
        "outcomes": [_outcome(outcome) for outcome in finding.outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {"expression": str(outcome.test), "value": number(outcome.found.centre), "interval": spelled(outcome.found)}


def spelled(found: Interval) -> str:
    """Return an interval in words: its ends and what it stands on."""
    if not math.isfinite(found.centre):
        return "no number: a measure diverged or is missing"
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return STANDS_ON["none"]
    estimand = f"{found.estimand} " if found.kind == "t" else ""
    return f"{number(found.low)} to {number(found.high)}, {estimand}{STANDS_ON[found.kind]}"
