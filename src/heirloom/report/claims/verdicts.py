"""From measures to verdicts: each claim against every experiment of a run that can test it, by one stated rule.

The rule (`RULE`) uses only intervals, so that a claim can fail as plainly as it can hold, and chance decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from heirloom.config import Config
from heirloom.report import by_arm, tables
from heirloom.report.claims import lacks, parts
from heirloom.report.claims.parts import Arms
from heirloom.report.claims.quantities import Run, estimation_horizon, leaf_value
from heirloom.report.claims.quantity_intervals import quantity_interval
from heirloom.report.claims.specs import Claim, Claims, Test, leaves
from heirloom.report.intervals import LEVEL, Interval
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["supported", "contradicted", "mixed", "inconclusive", "shown", "not shown here", "not run", "not built"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""All verdicts; the first outweighs those after it."""

RULE = (
    "A test names a region. It is supported if the whole 95 % interval lies in the region, and contradicted if the whole interval lies "
    "outside. Otherwise it is inconclusive, and so it is without an interval, or if a measure is not a number. A claim with several tests "
    "needs all of them, and is inconclusive if its premise is not supported. Each family has its own verdict. It is mixed if one "
    "experiment supports the claim and another contradicts it, and so is the verdict over families. A claim that something can happen is "
    "shown by one experiment, or not shown here; none contradicts it. A claim is not run if no experiment fits, and not built if no "
    "family can measure it yet. Experiments of a family that share a seed share random numbers and count once. "
    "The interval is Student's over seeds, paired within a seed. It covers the mean. For a positive measure, and for a ratio of measures "
    "that are never negative, it is taken on the logarithm and covers the geometric mean, except for claims of an expectation. "
    "With one seed it is based on the standard error over replicas. Without replicas it is based on the scatter of the control's "
    "generations, times the square root of the generation, as if the errors of generations added up at random. Such an interval does not "
    "cover what another seed would change. In every arm the rows of generation 1 are the origin's, so the scatter of a measure of rows "
    "begins at generation 2."
)


class Outcome(NamedTuple):
    """A test in one experiment: the value with its interval, what the interval is based on, and the verdict."""

    test: Test
    interval: Interval
    verdict: Verdict


class Finding(NamedTuple):
    """A claim in one experiment.

    Attributes
    ----------
    parts
        The values of the keys that may have any value, such as the share that is kept; empty without such an arm.
    unit
        The first experiment of the family with which this one shares random numbers: itself, or one that it counts with.
    note
        The generation up to which an expectation can be estimated; empty for other claims.
    """

    experiment: str
    family: str
    parts: str
    unit: str
    note: str
    seeds: int
    outcomes: tuple[Outcome, ...]
    verdict: Verdict


class Answer(NamedTuple):
    """A claim with all that a run says of it. ``families`` has the verdict of each family; ``lack`` says what is needed to run it."""

    claim: Claim
    findings: tuple[Finding, ...]
    families: Mapping[str, Verdict]
    verdict: Verdict
    lack: str


def answers(claims: Claims, frame: pd.DataFrame, config: Config) -> list[Answer]:
    """Return every claim with its verdict, in the order of the claims.

    Parameters
    ----------
    frame
        Tidy rows (`tables.gather`).
    """
    runs = {key: _run(frame, key, config) for key in config.experiments}
    return [_answer(claim, claims, config, runs) for claim in claims.claims]


def overall_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict over several experiments or families: the first of `VERDICTS` that one of them has.

    It is "mixed" if one is, or if one supports what another contradicts, and "not run" if there is none. Otherwise the order is supported,
    contradicted, inconclusive, shown, not shown here, not run, not built. So a supported one outweighs inconclusive ones.
    """
    distinct = set(verdicts)
    if "mixed" in distinct or {"supported", "contradicted"} <= distinct:
        return "mixed"
    return next((verdict for verdict in VERDICTS if verdict in distinct), "not run")


def joint_verdict(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of several tests that must all hold."""
    if "contradicted" in verdicts:
        return "contradicted"
    return "supported" if set(verdicts) == {"supported"} else "inconclusive"


def region_verdict(test: Test, interval: Interval) -> Verdict:
    """Return the verdict of one test, by `RULE`."""
    low, high = interval.low, interval.high
    if not (math.isfinite(low) and math.isfinite(high)):
        return "inconclusive"
    above = -math.inf if test.above is None else test.above
    below = math.inf if test.below is None else test.below
    if above < low and high < below:
        return "supported"
    return "contradicted" if high <= above or low >= below else "inconclusive"


class _Group(NamedTuple):
    """Experiments of a family that share random numbers."""

    family: str
    seeds: set[int]
    names: list[str]


def units(config: Config) -> dict[str, str]:
    """Return each experiment's unit: the first of its family with which it shares a seed, directly or by way of others.

    Random numbers are drawn by seed, regime and generation, so such experiments, for example variants of a grid, are not independent.
    """
    groups: list[_Group] = []
    for key, experiment in config.experiments.items():
        family, seeds = experiment.family.name, set(experiment.seeds)
        relatives = [group for group in groups if group.family == family and group.seeds & seeds]
        names = [name for group in relatives for name in group.names]
        all_seeds = seeds.union(*(group.seeds for group in relatives))
        groups = [group for group in groups if group not in relatives]
        groups.append(_Group(family, all_seeds, [*names, key]))
    return {key: group.names[0] for group in groups for key in group.names}


def chance_counts(answers: Iterable[Answer]) -> tuple[float, float]:
    """Return about how many claims chance alone would call supported or shown, and how many contradicted.

    If the truth lay on the edge of every region, a test would fall on either side with probability (1 - `LEVEL`) / 2. A family's
    experiments that share random numbers count once. Each test of a claim can contradict it, and one is counted for support.
    """
    side = (1 - LEVEL) / 2
    support = contradiction = 0.0
    for answer in answers:
        claim = answer.claim
        num_units = len({finding.unit for finding in answer.findings})
        num_tests = 0 if claim.existential else sum(not test.premise for test in claim.tests)
        support += min(1.0, side * num_units)
        contradiction += min(1.0, side * num_units * num_tests)
    return support, contradiction


def table(answers: Sequence[Answer]) -> pd.DataFrame:
    """Return one row per test and experiment, and one row for a claim that no experiment tests."""
    import pandas as pd

    columns = ["claim", "verdict", "experiment", "seeds", "expression", "value", "low", "high", "interval", "estimand", "outcome"]
    columns += ["family", "family_verdict", "parts", "counts_with", "note"]
    rows: list[tuple[object, ...]] = []
    for answer in answers:
        head = (answer.claim.id, answer.verdict)
        if not answer.findings:
            empty = (np.nan, np.nan, np.nan, "none", "none", answer.verdict, "", "", "", "", answer.lack)
            rows += [(*head, "", 0, str(test), *empty) for test in answer.claim.tests]
        for finding in answer.findings:
            start = (*head, finding.experiment, finding.seeds)
            end = (finding.family, answer.families[finding.family], finding.parts, finding.unit, finding.note)
            rows += [(*start, str(outcome.test), *outcome.interval, outcome.verdict, *end) for outcome in finding.outcomes]
    return pd.DataFrame(rows, columns=columns)


def _run(frame: pd.DataFrame, key: str, config: Config) -> Run:
    experiment = config.experiments[key]
    rows = tables.of_experiment(frame, key, experiment)
    return Run(experiment, config, by_arm.tables(rows), experiment.generations)


def _answer(claim: Claim, claims: Claims, config: Config, runs: Mapping[str, Run]) -> Answer:
    if claim.expectation:
        runs = {key: _up_to_horizon(run) for key, run in runs.items()}
    findings = [finding for key in runs for finding in _findings(claim, claims, key, config, runs)]
    if not findings:
        return Answer(claim, (), {}, "not built" if claim.needs else "not run", lacks.nearest(claim, claims, config, runs))
    families = _family_verdicts(findings)
    return Answer(claim, tuple(findings), families, overall_verdict(families.values()), "")


def _up_to_horizon(run: Run) -> Run:
    """Return a run that ends where its chains cease to estimate an expectation."""
    return run._replace(last=min(run.last, estimation_horizon(run.experiment)))


def _findings(claim: Claim, claims: Claims, key: str, config: Config, runs: Mapping[str, Run]) -> list[Finding]:
    """Return a claim in one experiment: a finding for each way to play its arms, as far as all is measured."""
    if lacks.of_config(claim, claims, key, config):
        return []
    castings = parts.bindings(claims, claim.arms, runs[key].experiment, config)
    testable = [arms for arms in castings if not lacks.of_run(claim, key, arms, runs)]
    return [_finding(claim, claims, key, arms, runs) for arms in testable]


def _family_verdicts(findings: Iterable[Finding]) -> dict[str, Verdict]:
    """Return family → verdict over its experiments."""
    verdicts_of: dict[str, list[Verdict]] = {}
    for finding in findings:
        verdicts_of.setdefault(finding.family, []).append(finding.verdict)
    return {family: overall_verdict(verdicts) for family, verdicts in verdicts_of.items()}


def _finding(claim: Claim, claims: Claims, key: str, arms: Arms, runs: Mapping[str, Run]) -> Finding:
    """Return what one experiment says of a claim, if it has all measures of the claim."""
    run = runs[key]
    outcomes = [_outcome(claim, test, key, arms, runs) for test in claim.tests]
    return Finding(
        experiment=key,
        family=run.experiment.family.name,
        parts=parts.free_values(claims, arms, run.config),
        unit=units(run.config)[key],
        note=_horizon_note(run.experiment) if claim.expectation else "",
        seeds=len(run.experiment.seeds),
        outcomes=tuple(outcomes),
        verdict=_verdict(claim, outcomes),
    )


def _horizon_note(experiment: Experiment) -> str:
    horizon = estimation_horizon(experiment)
    last = min(horizon, experiment.generations)
    num_chains = experiment.num_replicas * len(experiment.seeds)
    chains = f"{num_chains:,} chains of {experiment.rows:,} rows"
    return f"{chains} estimate the expectation up to generation {horizon}; tested at {last}"


def _outcome(claim: Claim, test: Test, key: str, arms: Arms, runs: Mapping[str, Run]) -> Outcome:
    candidates = {str(leaf): leaf_value(leaf, key, arms, runs) for leaf in leaves(test.quantity)}
    value_of = {spelling: value for spelling, value in candidates.items() if value is not None}
    interval = quantity_interval(test.quantity, value_of, is_expectation=claim.expectation)
    return Outcome(test, interval, region_verdict(test, interval))


def _verdict(claim: Claim, outcomes: Sequence[Outcome]) -> Verdict:
    """Return a claim's verdict in one experiment."""
    if any(outcome.test.premise and outcome.verdict != "supported" for outcome in outcomes):
        verdict: Verdict = "inconclusive"
    else:
        verdict = joint_verdict([outcome.verdict for outcome in outcomes])
    if claim.existential:
        return "shown" if verdict == "supported" else "not shown here"
    return verdict
