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
from heirloom.report.claims import missing, parts
from heirloom.report.claims.parts import Arms
from heirloom.report.claims.quantities import Run, Value, estimable, is_positive, measured, values
from heirloom.report.claims.specs import Claim, Claims, Measured, Test, leaves
from heirloom.report.intervals import LEVEL, Interval, exponential, interval, t_quantile

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["supported", "contradicted", "mixed", "inconclusive", "shown", "not shown here", "not run", "not built"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

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
    found: Interval
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
    """A claim with all that a run says of it. ``families`` has the verdict of each family; ``missing`` says what is needed to run it."""

    claim: Claim
    findings: tuple[Finding, ...]
    families: Mapping[str, Verdict]
    verdict: Verdict
    missing: str


def answers(claims: Claims, frame: pd.DataFrame, config: Config) -> list[Answer]:
    """Return every claim with its verdict, in the order of the claims.

    Parameters
    ----------
    frame
        Tidy rows (`tables.gather`).
    """
    runs = {key: _run(frame, key, config) for key in config.experiments}
    return [_answer(claim, claims, config, runs) for claim in claims.claims]


def overall(found: Iterable[Verdict]) -> Verdict:
    """Return the verdict over several experiments, or several families."""
    verdicts = set(found)
    if "mixed" in verdicts or {"supported", "contradicted"} <= verdicts:
        return "mixed"
    return next((verdict for verdict in VERDICTS if verdict in verdicts), "not run")


def together(found: Sequence[Verdict]) -> Verdict:
    """Return the verdict of several tests that must all hold."""
    if "contradicted" in found:
        return "contradicted"
    return "supported" if set(found) == {"supported"} else "inconclusive"


def judged(test: Test, found: Interval) -> Verdict:
    """Return the verdict of one test, by `RULE`."""
    above, below = (-math.inf if test.above is None else test.above), (math.inf if test.below is None else test.below)
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return "inconclusive"
    if found.low > above and found.high < below:
        return "supported"
    return "contradicted" if found.high <= above or found.low >= below else "inconclusive"


def units(config: Config) -> dict[str, str]:
    """Return each experiment's unit: the first of its family with which it shares a seed, directly or by way of others.

    Random numbers are drawn by seed, regime and generation, so such experiments, for example variants of a grid, are not independent.
    """
    groups: list[tuple[str, set[int], list[str]]] = []
    for key, experiment in config.experiments.items():
        family, seeds = experiment.family.name, set(experiment.seeds)
        touching = [group for group in groups if group[0] == family and group[1] & seeds]
        names = [name for group in touching for name in group[2]]
        groups = [group for group in groups if group not in touching]
        groups.append((family, seeds.union(*(group[1] for group in touching)), [*names, key]))
    return {key: names[0] for _, _, names in groups for key in names}


def by_chance(answered: Iterable[Answer]) -> tuple[float, float]:
    """Return about how many claims chance alone would call supported or shown, and how many contradicted.

    If the truth lay on the edge of every region, a test would fall on either side with probability (1 - `LEVEL`) / 2. A family's
    experiments that share random numbers count once. Each test of a claim can contradict it, and one is counted for support.
    """
    side = (1 - LEVEL) / 2
    for_it = against = 0.0
    for answer in answered:
        number = len({finding.unit for finding in answer.findings})
        tests = 0 if answer.claim.existential else sum(not test.premise for test in answer.claim.tests)
        for_it, against = for_it + min(1.0, side * number), against + min(1.0, side * number * tests)
    return for_it, against


def table(answered: Sequence[Answer]) -> pd.DataFrame:
    """Return one row per test and experiment, and one row for a claim that no experiment tests."""
    import pandas as pd

    columns = ["claim", "verdict", "experiment", "seeds", "expression", "value", "low", "high", "interval", "estimand", "outcome"]
    columns += ["family", "family_verdict", "parts", "counts_with", "note"]
    rows: list[tuple[object, ...]] = []
    for answer in answered:
        head = (answer.claim.id, answer.verdict)
        if not answer.findings:
            empty = (np.nan, np.nan, np.nan, "none", "none", answer.verdict, "", "", "", "", answer.missing)
            rows += [(*head, "", 0, str(test), *empty) for test in answer.claim.tests]
        for finding in answer.findings:
            where = (finding.family, answer.families[finding.family], finding.parts, finding.unit, finding.note)
            for one in finding.outcomes:
                rows.append((*head, finding.experiment, finding.seeds, str(one.test), *one.found, one.verdict, *where))
    return pd.DataFrame(rows, columns=columns)


def _run(frame: pd.DataFrame, key: str, config: Config) -> Run:
    experiment = config.experiments[key]
    return Run(experiment, config, by_arm.tables(tables.of_experiment(frame, key, experiment)), experiment.generations)


def _answer(claim: Claim, claims: Claims, config: Config, runs: Mapping[str, Run]) -> Answer:
    if claim.expectation:
        runs = {key: run._replace(last=min(run.last, estimable(run.experiment))) for key, run in runs.items()}
    findings = []
    for key in [key for key in runs if not missing.of_config(claim, claims, key, config)]:
        bindings = parts.bindings(claims, claim.arms, runs[key].experiment, config)
        tested = [arms for arms in bindings if not missing.of_run(claim, key, arms, runs)]
        findings += [_finding(claim, claims, key, arms, runs) for arms in tested]
    grouped: dict[str, list[Verdict]] = {}
    for finding in findings:
        grouped.setdefault(finding.family, []).append(finding.verdict)
    families = {family: overall(each) for family, each in grouped.items()}
    if findings:
        return Answer(claim, tuple(findings), families, overall(families.values()), "")
    return Answer(claim, (), {}, "not built" if claim.needs else "not run", missing.nearest(claim, claims, config, runs))


def _finding(claim: Claim, claims: Claims, key: str, arms: Arms, runs: Mapping[str, Run]) -> Finding:
    """Return what one experiment says of a claim, if it has all measures of the claim."""
    run = runs[key]
    outcomes = []
    for test in claim.tests:
        found = _interval(claim, test, key, arms, runs)
        outcomes.append(Outcome(test, found, judged(test, found)))
    last = min(estimable(run.experiment), run.experiment.generations)
    reach = f"{run.experiment.num_replicas * len(run.experiment.seeds):,} chains of {run.experiment.rows:,} rows estimate the expectation"
    return Finding(
        experiment=key,
        family=run.experiment.family.name,
        parts=parts.stated(claims, arms, run.config),
        unit=units(run.config)[key],
        note=f"{reach} up to generation {estimable(run.experiment)}; tested at {last}" if claim.expectation else "",
        seeds=len(run.experiment.seeds),
        outcomes=tuple(outcomes),
        verdict=_verdict(claim, outcomes),
    )


def _verdict(claim: Claim, outcomes: Sequence[Outcome]) -> Verdict:
    """Return a claim's verdict in one experiment."""
    if any(one.test.premise and one.verdict != "supported" for one in outcomes):
        verdict: Verdict = "inconclusive"
    else:
        verdict = together([one.verdict for one in outcomes])
    if claim.existential:
        return "shown" if verdict == "supported" else "not shown here"
    return verdict


def _interval(claim: Claim, test: Test, key: str, arms: Arms, runs: Mapping[str, Run]) -> Interval:
    """Return the quantity with its interval: over seeds, paired within a seed; with one seed, by error propagation."""
    known = {str(leaf): leaf_value for leaf in leaves(test.quantity) if (leaf_value := measured(leaf, key, arms, runs)) is not None}
    centre_S = values(test.quantity, {name: leaf.numbers for name, leaf in known.items()})
    if not np.isfinite(centre_S).all():
        return Interval(math.nan, math.nan, math.nan, "none", "none")
    positive = is_positive(test.quantity) and not claim.expectation
    if len(centre_S) > 1:
        return interval(centre_S, positive=positive)
    return _of_one_seed(test, float(centre_S[0]), known, positive=positive)


def _of_one_seed(test: Test, centre: float, known: Mapping[str, Value], *, positive: bool) -> Interval:
    """Return the interval of a single seed's quantity f by error propagation.

    Half width = q sqrt(sum_i (f(x + s_i) - f(x))²) over the measures x_i with standard errors s_i, taken as independent; q is
    Student's quantile with the fewest degrees of freedom of them. For a positive quantity, f and all x_i are logarithms.
    """
    numbers = {name: leaf.numbers for name, leaf in known.items()}
    logs = positive and centre > 0 and all(leaf.log_noise is not None for leaf in known.values())
    moved = []
    for name, leaf in known.items():
        noise = leaf.log_noise if logs else leaf.noise
        if noise is None:
            return Interval(centre, math.nan, math.nan, "none", "one seed")
        shifted = leaf.numbers * math.exp(noise) if logs else leaf.numbers + noise
        other = float(values(test.quantity, numbers | {name: shifted})[0])
        moved.append(math.log(other / centre) if logs else other - centre)
    freedom = min(leaf.freedom for leaf in known.values())
    half = t_quantile((1 + LEVEL) / 2, freedom + 1) * float(np.linalg.norm(moved))
    from_control = any(leaf.from_control for leaf in known.values())
    over = "median" if any(isinstance(leaf, Measured) and leaf.over == "median" for leaf in leaves(test.quantity)) else "mean"
    kind, estimand = ("control", "one seed") if from_control else ("replicas", f"{over} over replicas")
    middle = math.log(centre) if logs else centre
    found = Interval(middle, middle - half, middle + half, kind, estimand)
    return exponential(found) if logs else found
