"""From measures to verdicts: each claim against every experiment of a run that can test it, by one stated rule.

The rule (`RULE`) looks at intervals alone, so that a claim can fail as plainly as it can hold, and chance decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from heirloom.config import Config, Experiment
from heirloom.report import by_arm, tables
from heirloom.report.claims.quantities import Arms, Run, Value, flat, is_positive, measured, named_arms, values
from heirloom.report.claims.specs import Claim, Claims, Quantity, Test, leaves
from heirloom.report.intervals import LEVEL, Interval, exponential, interval, t_quantile

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["supported", "contradicted", "inconclusive", "not run at this scale"]
VERDICTS: tuple[Verdict, ...] = ("supported", "contradicted", "inconclusive", "not run at this scale")

RULE = (
    "A test names a region. It is supported if the whole 95 % interval lies in the region, contradicted if the whole interval lies "
    "outside, and inconclusive otherwise, without an interval, or where a measure is not a number. A claim with several tests needs all of "
    "them. Over experiments, one that contradicts outweighs those that support. The interval is Student's over "
    "seeds, paired within a seed. It covers the mean; of a positive measure, and of a ratio of measures that are never negative, it is "
    "taken on the logarithm and covers the geometric mean. With one seed it stands on the standard error over replicas; without replicas, "
    "on the control: how far its generations scatter, times the square root of the generation, as if the errors of generations added up at "
    "random. Such an interval knows nothing of what another seed would change."
)


class Outcome(NamedTuple):
    """A test in one experiment: the value with its interval, what the interval stands on, and the verdict."""

    test: Test
    found: Interval
    verdict: Verdict


class Finding(NamedTuple):
    """A claim in one experiment."""

    experiment: str
    seeds: int
    outcomes: tuple[Outcome, ...]
    verdict: Verdict


class Answer(NamedTuple):
    """A claim with all that a run says of it."""

    claim: Claim
    findings: tuple[Finding, ...]
    verdict: Verdict


def answers(claims: Claims, frame: pd.DataFrame, config: Config) -> list[Answer]:
    """Return every claim with its verdict, in the order of the claims.

    Parameters
    ----------
    frame
        Tidy rows (`tables.gather`).
    """
    runs = {key: _run(frame, key, config) for key in config.experiments}
    answered = []
    for claim in claims.claims:
        findings = []
        for key, experiment in config.experiments.items():
            arms = named_arms(claims, experiment, config)
            if _fits(claim, experiment, arms) and (found := _finding(claim, key, arms, runs)):
                findings.append(found)
        answered.append(Answer(claim, tuple(findings), overall([finding.verdict for finding in findings])))
    return answered


def overall(found: Sequence[Verdict]) -> Verdict:
    """Return the verdict over several experiments."""
    for verdict in ("contradicted", "supported", "inconclusive"):
        if verdict in found:
            return verdict
    return "not run at this scale"


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


def table(answered: Sequence[Answer]) -> pd.DataFrame:
    """Return one row a test and experiment, and one for a claim that nothing tests."""
    import pandas as pd

    columns = ["claim", "verdict", "experiment", "seeds", "expression", "value", "low", "high", "interval", "estimand", "outcome"]
    rows: list[tuple[object, ...]] = []
    for answer in answered:
        head = (answer.claim.id, answer.verdict)
        if not answer.findings:
            rows += [(*head, "", 0, str(test), np.nan, np.nan, np.nan, "none", "none", answer.verdict) for test in answer.claim.tests]
        for finding in answer.findings:
            rows += [(*head, finding.experiment, finding.seeds, str(one.test), *one.found, one.verdict) for one in finding.outcomes]
    return pd.DataFrame(rows, columns=columns)


def _run(frame: pd.DataFrame, key: str, config: Config) -> Run:
    experiment = config.experiments[key]
    return Run(experiment, config, by_arm.tables(tables.of_experiment(frame, key, experiment)))


def _fits(claim: Claim, experiment: Experiment, arms: Arms) -> bool:
    settings = flat(experiment)
    alike = all(settings.get(key) == value for key, value in claim.where.settings.items())
    return experiment.family.name in claim.where.family and alike and claim.arms <= set(arms)


def _finding(claim: Claim, key: str, arms: Arms, runs: Mapping[str, Run]) -> Finding | None:
    """Return what one experiment says of a claim; None if it does not measure all that the claim names."""
    if any(measured(leaf, key, arms, runs) is None for leaf in claim.leaves):
        return None
    outcomes = []
    for test in claim.tests:
        found = _interval(test, key, arms, runs)
        outcomes.append(Outcome(test, found, judged(test, found)))
    return Finding(key, len(runs[key].experiment.seeds), tuple(outcomes), together([one.verdict for one in outcomes]))


def _interval(test: Test, key: str, arms: Arms, runs: Mapping[str, Run]) -> Interval:
    """Return the quantity with its interval: over seeds, paired within a seed, or with one seed by error propagation."""
    known = {str(leaf): leaf_value for leaf in leaves(test.quantity) if (leaf_value := measured(leaf, key, arms, runs)) is not None}
    centre_S = values(test.quantity, {name: leaf.numbers for name, leaf in known.items()})
    if not np.isfinite(centre_S).all():
        return Interval(math.nan, math.nan, math.nan, "none", "none")
    if len(centre_S) > 1:
        return interval(centre_S, positive=is_positive(test.quantity))
    return _of_one_seed(test.quantity, float(centre_S[0]), known)


def _of_one_seed(quantity: Quantity, centre: float, known: Mapping[str, Value]) -> Interval:
    """Return the interval of a single seed's quantity f by error propagation.

    Half width = q sqrt(sum_i (f(x + s_i) - f(x))²) over the measures x_i with standard errors s_i, taken as independent; q is
    Student's quantile with the fewest degrees of freedom of them. Of a positive quantity f and all x_i are logarithms.
    """
    numbers = {name: leaf.numbers for name, leaf in known.items()}
    logs = is_positive(quantity) and centre > 0 and all(leaf.log_noise is not None for leaf in known.values())
    moved = []
    for name, leaf in known.items():
        noise = leaf.log_noise if logs else leaf.noise
        if noise is None:
            return Interval(centre, math.nan, math.nan, "none", "one seed")
        shifted = leaf.numbers * math.exp(noise) if logs else leaf.numbers + noise
        other = float(values(quantity, numbers | {name: shifted})[0])
        moved.append(math.log(other / centre) if logs else other - centre)
    freedom = min(leaf.freedom for leaf in known.values())
    half = t_quantile((1 + LEVEL) / 2, freedom + 1) * float(np.linalg.norm(moved))
    from_control = any(leaf.from_control for leaf in known.values())
    kind, estimand = ("control", "one seed") if from_control else ("replicas", "mean over replicas")
    middle = math.log(centre) if logs else centre
    found = Interval(middle, middle - half, middle + half, kind, estimand)
    return exponential(found) if logs else found
