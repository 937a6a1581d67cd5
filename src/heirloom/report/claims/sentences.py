"""Claims in a few words: a sign for each verdict, what chance alone would give, and one line per claim."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from heirloom.report.claims.specs import Test
from heirloom.report.claims.verdicts import Answer, Outcome, Verdict, chance_counts

SIGNS: dict[Verdict, str] = {
    "supported": "✓",
    "contradicted": "✗",
    "mixed": "±",
    "inconclusive": "?",
    "shown": "✓",
    "not shown here": "○",
    "not run": "–",
    "not built": "–",
}


class Line(NamedTuple):
    """A claim as the terminal shows it; ``number`` is the one that decided, with its region in brackets, or a dash."""

    verdict: str
    words: str
    number: str


def chance(answers: Sequence[Answer]) -> str:
    """Return in one sentence how many verdicts chance alone would give (`verdicts.chance_counts`)."""
    support, contradiction = chance_counts(answers)
    return (
        f"Chance alone would give about {support:.1f} of the supported or shown and {contradiction:.1f} of the contradicted: "
        "2.5 % for each side of a test, were the truth on the edge of its region."
    )


def lines(answers: Sequence[Answer]) -> list[Line]:
    """Return one line per claim, in their order."""
    return [Line(f"{SIGNS[answer.verdict]} {answer.verdict}", answer.claim.short, _number(answer)) for answer in answers]


def _number(answer: Answer) -> str:
    """Return the number that decided a claim; for a mixed claim, how many experiments gave each verdict."""
    if answer.verdict == "mixed":
        counts = Counter(finding.verdict for finding in answer.findings)
        return ", ".join(f"{counts[verdict]} {SIGNS[verdict]}" for verdict in SIGNS if counts[verdict])
    decisive = next((finding for finding in answer.findings if finding.verdict == answer.verdict), None)
    if decisive is None:
        return "–"
    return _with_region(_decisive_outcome(decisive.outcomes, answer.verdict))


def _decisive_outcome(outcomes: Sequence[Outcome], verdict: Verdict) -> Outcome:
    """Return the outcome of the test that gave a finding its verdict, else of a test that is not supported; premises come last."""
    return min(outcomes, key=lambda outcome: (outcome.verdict != verdict, outcome.verdict == "supported", outcome.test.premise))


def _with_region(outcome: Outcome) -> str:
    centre = outcome.interval.centre
    number = f"{centre:.3g}" if math.isfinite(centre) else "no number"
    return f"{number} ({_region(outcome.test)})"


def _region(test: Test) -> str:
    if test.above is not None and test.below is not None:
        return f"{test.above:g} to {test.below:g}"
    return f"> {test.above:g}" if test.above is not None else f"< {test.below:g}"
