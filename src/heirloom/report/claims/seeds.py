"""How many seeds would decide what a run left inconclusive, by the scatter of its own seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from heirloom.config import Config
from heirloom.report import tables
from heirloom.report.claims import specs, verdicts
from heirloom.report.claims.specs import Test
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
        num_seeds = f"more than {MOST:,}" if math.isinf(self.needed) else f"{self.needed:g}"
        return f"{self.claim}: {num_seeds} in {self.experiment} ({self.seeds} now)"


def of_last_run(config: Config) -> list[Need]:
    """Return the needs of the claims that the last run left inconclusive, for the config's experiments that are in its tidy table.

    Raises
    ------
    HeirloomError
        If the table does not have its recorded digest.
    """
    if not Path(config.results.metrics).is_file():
        return []
    frame = tables.load(config.results)
    names = set(zip(frame["experiment"], frame["variant"], strict=True))
    experiments = {key: experiment for key, experiment in config.experiments.items() if tables.names(key, experiment) in names}
    if not experiments:
        return []
    part = config.model_copy(update={"experiments": experiments})
    return list(needs(verdicts.answers(specs.load(), frame, part)))


def needs(answers: Sequence[Answer]) -> Iterator[Need]:
    """Yield what each inconclusive claim would need."""
    for answer in answers:
        if answer.verdict == "inconclusive":
            candidates = [_need(answer.claim.id, finding) for finding in answer.findings]
            yield min(candidates, key=lambda need: math.inf if need.needed is None else need.needed)


def _need(claim: str, finding: Finding) -> Need:
    return Need(claim, finding.experiment, finding.seeds, _seeds_of_finding(finding), _may_have_premise(finding))


def _seeds_of_finding(finding: Finding) -> float | None:
    """Return how many seeds would decide a finding: enough for its premises, and for one test that fails or all tests that hold."""
    if not _may_have_premise(finding):
        return math.inf
    premises: list[float] = []
    holding: list[float] = []
    failing: list[float] = []
    for outcome in finding.outcomes:
        if outcome.verdict == "supported":
            continue
        number = _seeds_of_outcome(outcome, finding.seeds)
        if number is None:
            return None
        if outcome.test.premise:
            premises.append(number)
        else:
            (holding if _lies_within(outcome) else failing).append(number)
    tests = [min(failing)] if failing else holding
    return max([*premises, *tests], default=0.0)


def _may_have_premise(finding: Finding) -> bool:
    return all(_lies_within(outcome) for outcome in finding.outcomes if outcome.test.premise)


def _lies_within(outcome: Outcome) -> bool:
    test, centre = outcome.test, outcome.interval.centre
    return (test.above is None or centre > test.above) and (test.below is None or centre < test.below)


def _seeds_of_outcome(outcome: Outcome, num_seeds: int) -> float | None:
    """Return how many seeds keep the interval off the nearest edge four times out of five; None without an interval over seeds."""
    interval = _on_its_scale(outcome.interval)
    width = interval.high - interval.low
    if interval.kind != "t" or not math.isfinite(width):
        return None
    edges = _edges(outcome.test, is_log=interval.estimand == "geometric mean")
    distance = min((abs(interval.centre - edge) for edge in edges), default=math.inf)
    deviation = width / 2 * math.sqrt(num_seeds) / t_quantile((1 + LEVEL) / 2, num_seeds)
    # `smallest` is for the difference of two arms without shared luck, whose deviation is sqrt(2) times that of one
    deviation_of_arm = deviation / math.sqrt(2)
    return next((n for n in range(num_seeds, MOST + 1) if smallest(deviation_of_arm, n) <= distance), math.inf)


def _edges(test: Test, *, is_log: bool) -> list[float]:
    """Return the edges of a test's region, on the logarithm the positive ones alone."""
    edges = [edge for edge in (test.above, test.below) if edge is not None]
    return [math.log(edge) for edge in edges if edge > 0] if is_log else edges


def _on_its_scale(interval: Interval) -> Interval:
    """Return an interval of a geometric mean on the logarithm, any other as it is."""
    if interval.estimand != "geometric mean":
        return interval
    return interval._replace(centre=math.log(interval.centre), low=math.log(interval.low), high=math.log(interval.high))
