"""How many seeds would decide a claim that a run left inconclusive."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heirloom.report.claims import seeds
from heirloom.report.claims.specs import Claim, Test
from heirloom.report.claims.verdicts import Answer, Finding, Outcome, Verdict, region_verdict
from heirloom.report.intervals import Interval, interval
from heirloom.runtime.streams import Stream

LOSS = {"measure": "test_perplexity", "arm": "replace"}
BELOW_1 = Test.model_validate({"quantity": LOSS, "below": 1})
PREMISE = Test.model_validate({"quantity": LOSS, "below": 1, "premise": True})
NONE = Interval(0.9, math.nan, math.nan, "none", "one seed")


def spread(centre: float, half: float) -> Interval:
    return Interval(centre, centre - half, centre + half, "t", "mean")


def answer(*intervals: tuple[Test, Interval], verdict: Verdict = "inconclusive", num_seeds: int = 6) -> Answer:
    outcomes = tuple(Outcome(test, test_interval, region_verdict(test, test_interval)) for test, test_interval in intervals)
    finding = Finding("words", "ngram", "", "words", "", num_seeds, outcomes, verdict)
    claim = Claim.model_validate(
        {"id": "one", "short": "one", "statement": "One.", "source": "", "tests": [{"quantity": LOSS, "below": 1}]}
    )
    return Answer(claim, (finding,), {"ngram": verdict}, verdict, "")


def needed(*intervals: tuple[Test, Interval]) -> float | None:
    (need,) = seeds.needs([answer(*intervals)])
    return need.needed


def test_that_many_seeds_decide_four_times_of_five_and_one_fewer_does_not() -> None:
    values_S = Stream((0, "needs")).generator().standard_normal(6)
    values_S = 0.5 + (values_S - values_S.mean()) / values_S.std(ddof=1)  # mean 0.5 and standard deviation 1
    number = needed((BELOW_1, interval(values_S)))
    # t(0.975; n - 1) + t(0.8; n - 1) <= 0.5 sqrt(n): 2.034515 + 0.852649 = 2.887165 <= sqrt(34) / 2 = 2.915476,
    # and 2.036933 + 0.852998 = 2.889932 > sqrt(33) / 2 = 2.872281
    assert number == 34
    trials = 0.5 + Stream((0, "trials")).generator().standard_normal((2000, 34))
    assert abs(np.mean([interval(trial).high < 1 for trial in trials]) - 0.8) < 0.03


def test_a_geometric_mean_has_its_distance_on_the_logarithm() -> None:
    values_S = 0.5 * np.exp([-1.0, -1.0, -1.0, 1.0, 1.0, 1.0])
    below_0 = Test.model_validate({"quantity": LOSS, "below": 0})
    assert needed((BELOW_1, interval(values_S, positive=True))) == needed((below_0, interval(np.log(values_S)))) == 22


def test_all_tests_that_hold_are_needed_and_one_that_fails_is_enough() -> None:
    near, far = (BELOW_1, spread(0.9, 0.2)), (BELOW_1, spread(0.9, 0.4))
    fails = (BELOW_1, spread(1.1, 0.2))
    seeds_of = {name: needed(pair) for name, pair in {"near": near, "far": far}.items()}
    assert needed(near, far) == seeds_of["far"]
    assert needed(far, fails) == seeds_of["near"]


def test_a_premise_counts_as_a_test_and_more_seeds_do_not_mend_one_that_is_not_so() -> None:
    near, far = spread(0.9, 0.2), spread(0.9, 0.4)
    assert needed((PREMISE, far), (BELOW_1, near)) == needed((BELOW_1, far))
    (lost,) = seeds.needs([answer((PREMISE, spread(1.1, 0.2)), (BELOW_1, near))])
    assert lost.words == "one: no number in words, where its premise does not hold (6 now)"


def test_a_truth_on_the_edge_needs_more_than_any_number_and_one_seed_tells_none() -> None:
    (on_edge,) = seeds.needs([answer((BELOW_1, spread(1.0, 0.2)))])
    assert on_edge.words == "one: more than 1,000 in words (6 now)"
    (one_seed,) = seeds.needs([answer((BELOW_1, NONE), num_seeds=1)])
    assert one_seed.words == "one: words has no scatter over seeds; set two or more"
    (countable,) = seeds.needs([answer((BELOW_1, spread(0.9, 0.2)))])
    assert countable.words == "one: 31 in words (6 now)"


@pytest.mark.parametrize("verdict", ["supported", "contradicted", "mixed", "not shown here", "not run"])
def test_a_claim_with_a_verdict_needs_nothing(verdict: Verdict) -> None:
    assert list(seeds.needs([answer((BELOW_1, spread(0.9, 0.2)), verdict=verdict)])) == []
