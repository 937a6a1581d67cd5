"""How many seeds would decide what a run left inconclusive, by the scatter of its own seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from heirloom.config import Config
from heirloom.report import tables
from heirloom.report.claims import specs, verdicts
from heirloom.report.claims.verdicts import Answer, Finding, Outcome
from heirloom.report.intervals import LEVEL, Interval, t_quantile
from heirloom.report.resolution import smallest

MOST = 1000
"""Number of seeds beyond which Heirloom only says that more would be needed."""


class Need(NamedTuple):
    """What would decide an inconclusive claim.

    Attributes
    ----------
    experiment
        The experiment that needs the fewest seeds.
    seeds
        The seeds that it has.
    needed
        The seeds that it would need; infinite beyond `MOST`, None if its scatter over seeds is not known.
    has_premise
        Whether the premise of the claim may hold there. If it does not, no number of seeds says anything about the claim.
    """

    claim: str
    experiment: str
    seeds: int
    needed: float | None
    has_premise: bool = True

    @property
    def words(self) -> str:
        """Return the need in words."""
        if self.needed is None:
            return f"{self.claim}: {self.experiment} has no scatter over seeds; set two or more"
        if not self.has_premise:
            return f"{self.claim}: no number in {self.experiment}, where its premise does not hold ({self.seeds} now)"
        needed = f"more than {MOST:,}" if math.isinf(self.needed) else f"{self.needed:g}"
        return f"{self.claim}: {needed} in {self.experiment} ({self.seeds} now)"


def recorded(config: Config) -> list[Need]:
    """Return the needs of the claims that the last run left inconclusive, for the config's experiments that are in its tidy table.

    Raises
    ------
    HeirloomError
        If the table does not have its recorded digest.
    """
    if not Path(config.results.metrics).is_file():
        return []
    frame = tables.load(config.results)
    measured = set(zip(frame["experiment"], frame["variant"], strict=True))
    experiments = {key: one for key, one in config.experiments.items() if tables.names(key, one) in measured}
    return list(needs(verdicts.answers(specs.load(), frame, config.model_copy(update={"experiments": experiments})))) if experiments else []


def needs(answered: Sequence[Answer]) -> Iterator[Need]:
    """Yield what each inconclusive claim would need."""
    for answer in answered:
        if answer.verdict == "inconclusive":
            each = [Need(answer.claim.id, one.experiment, one.seeds, _of_finding(one), _has_premise(one)) for one in answer.findings]
            yield min(each, key=lambda need: math.inf if need.needed is None else need.needed)


def _of_finding(finding: Finding) -> float | None:
    """Return how many seeds would decide a finding: enough for its premises, and for one test that fails or all tests that hold."""
    undecided = [one for one in finding.outcomes if one.verdict != "supported"]
    each = [(one.test.premise, _lies_within(one), _of_outcome(one, finding.seeds)) for one in undecided]
    if not _has_premise(finding):
        return math.inf
    numbers = [(is_premise, holds, number) for is_premise, holds, number in each if number is not None]
    if len(numbers) < len(each):
        return None
    failing = [number for is_premise, holds, number in numbers if not is_premise and not holds]
    holding = [number for is_premise, holds, number in numbers if holds and (is_premise or not failing)]
    return max([*holding, min(failing, default=0.0)])


def _has_premise(finding: Finding) -> bool:
    return all(_lies_within(one) for one in finding.outcomes if one.test.premise)


def _lies_within(outcome: Outcome) -> bool:
    test, centre = outcome.test, outcome.found.centre
    return (test.above is None or centre > test.above) and (test.below is None or centre < test.below)


def _of_outcome(outcome: Outcome, num_seeds: int) -> float | None:
    """Return how many seeds keep the interval off the nearest edge four times out of five; None without an interval over seeds."""
    found = _on_its_scale(outcome.found)
    if found.kind != "t" or not math.isfinite(found.high - found.low):
        return None
    edges = [edge for edge in (outcome.test.above, outcome.test.below) if edge is not None]
    is_log = found.estimand == "geometric mean"
    places = [math.log(edge) if is_log else edge for edge in edges if edge > 0 or not is_log]
    distance = min((abs(found.centre - place) for place in places), default=math.inf)
    half = (found.high - found.low) / 2
    deviation = half * math.sqrt(num_seeds) / t_quantile((1 + LEVEL) / 2, num_seeds)
    # `smallest` is for the difference of two arms without shared luck, whose deviation is sqrt(2) times that of one
    return next((n for n in range(num_seeds, MOST + 1) if smallest(deviation / math.sqrt(2), n) <= distance), math.inf)


def _on_its_scale(found: Interval) -> Interval:
    if found.estimand != "geometric mean":
        return found
    return found._replace(centre=math.log(found.centre), low=math.log(found.low), high=math.log(found.high))
