"""Claims: declared expressions, numbers with intervals, and a verdict that can be no."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heirloom import controls
from heirloom.config import Config, parse
from heirloom.errors import HeirloomError
from heirloom.report import tables
from heirloom.report.claims import quantities, specs, verdicts
from heirloom.report.claims.specs import Claims, Difference, Measurement, Ratio, Test
from heirloom.report.intervals import Interval, t_quantile
from heirloom.report.page.answer import interval_words

LOSS = {"measure": "test_perplexity", "arm": "replace"}
SHARE = {"measure": "tail_survival.2-4", "arm": "replace"}
ARMS = {"replace": {}, "control": {"pool": 1.0, "synthetic": "none"}}


def claims(*tests: dict[str, object], family: str = "ngram", **where: object) -> Claims:
    claim = {
        "id": "one",
        "short": "one",
        "statement": "One.",
        "source": "Nobody 2026",
        "where": {"family": family, **where},
        "tests": list(tests),
    }
    return Claims.model_validate({"arms": ARMS, "claims": [claim]})


def answer(claim_file: Claims, frame: pd.DataFrame, config: Config) -> verdicts.Answer:
    (single,) = verdicts.answers(claim_file, frame, config)
    return single


def words(seeds: list[int], family: str = "ngram", **changes: object) -> Config:
    body = {"family": {"name": family}, "source": {"name": "wikipedia"}, "seeds": seeds, "generations": 4, "rows": 9}
    body |= {"regimes": ["swap", "control"], **changes}
    return parse({"regimes": {"swap": {}, "control": ARMS["control"]}, "experiments": {"words": body}})


def frame(values: dict[tuple[str, int, int], float], metric: str = "test_perplexity") -> pd.DataFrame:
    rows = [("words", "", regime, seed, generation, metric, value) for (regime, seed, generation), value in values.items()]
    return pd.DataFrame(rows, columns=list(tables.COLUMNS))


def two_seeds(last: tuple[float, float]) -> pd.DataFrame:
    return frame({("swap", seed, 4): value for seed, value in enumerate(last)} | {("control", seed, 4): 10.0 for seed in (0, 1)})


RATIO = {"quantity": {"ratio": [LOSS, {**LOSS, "arm": "control"}]}, "above": 1.0}


def test_the_shipped_claims_are_read_and_at_least_fifteen() -> None:
    shipped = specs.load()
    assert len(shipped.claims) >= 15
    assert all(claim.statement.endswith(".") and claim.source for claim in shipped.claims)


def test_an_arm_plays_the_part_whose_declaration_it_has_and_seeds_are_paired() -> None:
    result = answer(claims(RATIO), two_seeds((18.0, 22.0)), words([0, 1]))
    (outcome,) = result.findings[0].outcomes
    # the ratios 1.8 and 2.2, whose logarithms lie ln(2.2 / 1.8) / 2 to either side of their mean
    half = t_quantile(0.975, 2) * math.log(2.2 / 1.8) / 2
    assert outcome.interval.centre == pytest.approx(math.sqrt(1.8 * 2.2))
    assert outcome.interval.low == pytest.approx(math.sqrt(1.8 * 2.2) * math.exp(-half))
    assert outcome.interval[3:] == ("t", "geometric mean")
    assert result.verdict == "inconclusive"  # two seeds that far apart say little


def test_close_seeds_decide_for_or_against() -> None:
    assert answer(claims(RATIO), two_seeds((20.0, 20.1)), words([0, 1])).verdict == "supported"
    assert answer(claims(RATIO), two_seeds((5.0, 5.1)), words([0, 1])).verdict == "contradicted"


def test_one_seed_stands_on_the_control_s_scatter_times_the_root_of_the_generation() -> None:
    control = {("control", 0, generation): value for generation, value in enumerate((9.0, 10.0, 11.0, 10.0), 1)}
    result = answer(claims({"quantity": LOSS, "above": 10.0}), frame(control | {("swap", 0, 4): 20.0}), words([0]))
    (outcome,) = result.findings[0].outcomes
    # a perplexity is positive, so that its logarithm scatters
    half = t_quantile(0.975, 4) * np.log([9.0, 10.0, 11.0, 10.0]).std(ddof=1) * math.sqrt(4)
    assert outcome.interval[3:] == ("control", "one seed")
    assert (outcome.interval.low, outcome.interval.high) == pytest.approx((20.0 * math.exp(-half), 20.0 * math.exp(half)))
    assert result.verdict == "supported"


def test_the_generations_of_a_control_that_grows_are_no_scatter_of_a_single_seed() -> None:
    raw = words([0]).model_dump()
    grows = {"grows": {"pool": 1.0, "synthetic": "none", "growth": 1.0}}
    body = raw["experiments"]["words"] | {"regimes": ["swap", "grows"]}
    config = Config.model_validate(raw | {"regimes": raw["regimes"] | grows, "experiments": {"words": body}})
    control = {("grows", 0, generation): value for generation, value in enumerate((40.0, 30.0, 20.0, 10.0), 1)}
    result = answer(claims({"quantity": LOSS, "above": 10.0}), frame(control | {("swap", 0, 4): 20.0}), config)
    assert (result.findings[0].outcomes[0].interval.kind, result.verdict) == ("none", "inconclusive")


def test_a_claim_compares_an_arm_with_a_control_of_as_many_rows() -> None:
    shipped = specs.load()
    compared = [pair for claim in shipped.claims for test in claim.tests for pair in pairs(test.quantity)]
    with_control = [(arm, control) for arm, control in compared if shipped.arms[control].is_control]
    assert {("replace", "control"), ("keep", "control"), ("accumulate", "control_grows")} <= set(with_control)
    for arm, control in with_control:
        assert controls.sizes(shipped.arms[arm], 100, 5) == controls.sizes(shipped.arms[control], 100, 5), (arm, control)


def pairs(quantity: specs.Quantity) -> Iterator[tuple[str, str]]:
    """Yield the two arms of every ratio and difference of one measure at one generation."""
    if not isinstance(quantity, Ratio | Difference):
        return
    first, second = quantity.ratio if isinstance(quantity, Ratio) else quantity.difference
    if isinstance(first, Measurement) and isinstance(second, Measurement) and first.at == second.at != "origin":
        yield first.arm, second.arm
    yield from (*pairs(first), *pairs(second))


def test_a_ratio_of_one_seed_stays_above_zero_and_a_difference_may_have_any_sign() -> None:
    control = {("control", 0, generation): value for generation, value in enumerate((2.0, 10.0, 50.0, 10.0), 1)}
    measures = frame(control | {("swap", 0, 4): 20.0})
    (ratio,) = answer(claims(RATIO), measures, words([0])).findings[0].outcomes
    assert 0 < ratio.interval.low < ratio.interval.centre == 2.0
    gap = {"quantity": {"difference": [LOSS, {**LOSS, "arm": "control"}]}, "above": 0.0}
    (difference,) = answer(claims(gap), measures, words([0])).findings[0].outcomes
    assert (difference.interval.centre, difference.interval.low < 0) == (10.0, True)


@pytest.mark.parametrize(
    ("quantity", "positive"),
    [
        (LOSS, True),
        (SHARE, False),
        ({"ratio": [SHARE, {**SHARE, "arm": "control"}]}, True),
        ({"ratio": [{"measure": "covariance_trace", "arm": "replace"}, {"expected": "covariance_trace", "arm": "replace"}]}, False),
        ({"ratio": [{"difference": [LOSS, LOSS]}, LOSS]}, False),
        ({"difference": [LOSS, LOSS]}, False),
    ],
)
def test_positive_measures_and_ratios_are_averaged_on_the_logarithm_and_closed_forms_and_differences_as_they_are(
    quantity: dict[str, object], positive: bool
) -> None:
    assert quantities.is_positive(Test.model_validate({"quantity": quantity, "above": 0}).quantity) is positive


def test_one_seed_of_replicas_stands_on_their_standard_errors() -> None:
    config = words([0], "gaussian", source={"name": "normal", "rows": 10}, granularity="chain", num_replicas=5)
    mean = frame({("swap", 0, 4): 3.0, ("control", 0, 4): 1.0}, "log_determinant.mean")
    errors = frame({("swap", 0, 4): 0.3, ("control", 0, 4): 0.4}, "log_determinant.se")
    leaf = {"measure": "log_determinant", "arm": "replace"}
    test = {"quantity": {"difference": [leaf, {**leaf, "arm": "control"}]}, "above": 0.0, "below": 4.0}
    result = answer(claims(test, family="gaussian"), pd.concat([mean, errors]), config)
    (outcome,) = result.findings[0].outcomes
    assert outcome.interval.kind == "replicas"
    # of five replicas: t(0.975; 4) = 2.776445
    assert (outcome.interval.low, outcome.interval.high) == pytest.approx((2 - 2.776445 * 0.5, 2 + 2.776445 * 0.5), abs=1e-5)
    assert result.verdict == "supported"


@pytest.mark.parametrize(("mean_log", "verdict"), [(-0.1, "supported"), (-5.0, "not run")])
def test_a_closed_form_is_no_test_of_a_mean_that_rare_chains_carry(mean_log: float, verdict: str) -> None:
    config = words([0], "gaussian", source={"name": "normal", "rows": 10}, granularity="chain", num_replicas=5)
    summaries = {"mean": (1 - 1 / 9) ** 5, "se": 0.001, "mean_log": mean_log}
    measures = pd.concat([frame({("swap", 0, 4): value}, f"covariance_trace.{what}") for what, value in summaries.items()])
    leaves = [{"measure": "covariance_trace", "arm": "replace"}, {"expected": "covariance_trace", "arm": "replace"}]
    result = answer(claims({"quantity": {"ratio": leaves}, "above": 0.9, "below": 1.1}, family="gaussian"), measures, config)
    assert result.verdict == verdict


def test_without_an_interval_there_is_no_verdict_and_without_the_measure_no_finding() -> None:
    one_seed = frame({("swap", 0, 4): 20.0, ("control", 0, 4): 10.0})
    assert answer(claims(RATIO), one_seed, words([0])).verdict == "inconclusive"
    result = answer(claims({"quantity": {**LOSS, "measure": "distinct_3"}, "below": 1.0}), one_seed, words([0]))
    assert (result.verdict, result.findings) == ("not run", ())
    elsewhere = claims(RATIO, settings={"generations": 5})
    assert answer(elsewhere, one_seed, words([0])).verdict == "not run"


@pytest.mark.parametrize("diverged", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("seeds", [[0], [0, 1]])
def test_a_measure_that_is_no_number_is_inconclusive_and_never_support(diverged: float, seeds: list[int]) -> None:
    values = {(regime, seed, g): 10.0 + 0.01 * g for regime in ("swap", "control") for seed in seeds for g in (1, 2, 3, 4)}
    values |= {("swap", seeds[-1], 4): diverged}
    for test in ({"quantity": LOSS, "above": 1.0}, {"quantity": LOSS, "below": 99.0}, RATIO):
        result = answer(claims(test), frame(values), words(seeds))
        assert (result.verdict, len(result.findings)) == ("inconclusive", 1)
    assert (
        answer(claims({"quantity": LOSS, "above": 1.0}), frame(values | {("swap", seeds[-1], 4): 10.0}), words(seeds)).verdict
        == "supported"
    )


def test_a_seed_that_lacks_a_measure_is_inconclusive_and_a_control_that_is_no_number_gives_no_interval() -> None:
    values = {("swap", 0, 4): 20.0, ("control", 0, 4): 10.0, ("control", 1, 4): 10.0}
    assert answer(claims(RATIO), frame(values), words([0, 1])).verdict == "inconclusive"
    scatter = {("control", 0, generation): math.nan for generation in (1, 2, 3)} | {("control", 0, 4): 10.0, ("swap", 0, 4): 20.0}
    assert answer(claims({"quantity": LOSS, "above": 1.0}), frame(scatter), words([0])).verdict == "inconclusive"


def test_the_page_says_of_a_finding_without_a_number_that_there_is_none() -> None:
    assert interval_words(Interval(math.nan, math.nan, math.nan, "none", "none")) == "no number: a measure diverged or is missing"
    assert interval_words(Interval(1.0, math.nan, math.nan, "none", "one seed")) == "no interval"
    assert interval_words(Interval(1.0, 0.5, 1.5, "t", "geometric mean")) == "0.5 to 1.5, geometric mean over seeds"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.1, 1.9, "supported"),
        (0.9, 1.5, "inconclusive"),
        (2.0, 3.0, "contradicted"),
        (0.1, 1.0, "contradicted"),
        (math.nan, 2.0, "inconclusive"),
        (-math.inf, 0.5, "inconclusive"),
        (2.5, math.inf, "inconclusive"),
    ],
)
def test_the_whole_interval_decides(low: float, high: float, verdict: str) -> None:
    test = Test.model_validate({"quantity": LOSS, "above": 1.0, "below": 2.0})
    assert verdicts.region_verdict(test, Interval(1.5, low, high, "t", "mean")) == verdict


def test_support_in_one_place_and_contradiction_in_another_are_mixed() -> None:
    assert verdicts.overall_verdict(["supported", "contradicted"]) == "mixed"
    assert verdicts.overall_verdict(["supported", "mixed"]) == "mixed"
    assert verdicts.overall_verdict(["inconclusive", "contradicted"]) == "contradicted"
    assert verdicts.overall_verdict(["not shown here", "shown"]) == "shown"
    assert verdicts.overall_verdict(["inconclusive", "supported"]) == "supported"
    assert verdicts.overall_verdict([]) == "not run"
    assert verdicts.joint_verdict(["supported", "inconclusive"]) == "inconclusive"
    assert verdicts.joint_verdict(["supported", "contradicted"]) == "contradicted"


def test_a_leaf_may_name_another_variant_of_the_grid() -> None:
    body = {"family": {"name": "ngram"}, "source": {"name": "wikipedia"}, "regimes": ["swap"], "generations": 2, "rows": 9, "seeds": [0, 1]}
    grid = {"rows": {"key": "rows", "values": {"few": 9, "many": 90}}}
    config = parse({"regimes": {"swap": {}}, "experiments": {"words": {**body, "grid": grid}}})
    losses = {"few": 8.0, "many": 2.0}
    rows = [("words", name, "swap", seed, 2, "test_perplexity", loss + seed / 100) for name, loss in losses.items() for seed in (0, 1)]
    test = {"quantity": {"ratio": [LOSS, {**LOSS, "settings": {"rows": 90}}]}, "above": 1.0}
    result = answer(claims(test, settings={"rows": 9}), pd.DataFrame(rows, columns=list(tables.COLUMNS)), config)
    assert [finding.experiment for finding in result.findings] == ["words__few"]
    assert result.findings[0].outcomes[0].interval.centre == pytest.approx(math.sqrt(8 / 2 * 8.01 / 2.01))


def test_the_table_has_a_row_a_test_and_spells_the_expression() -> None:
    table = verdicts.table([answer(claims(RATIO), two_seeds((20.0, 20.1)), words([0, 1]))])
    assert table["expression"].tolist() == ["test_perplexity(replace, last) / test_perplexity(control, last) > 1"]
    assert table["outcome"].tolist() == ["supported"]


CLAIM = "arms: {a: {}}\nclaims: [{id: a, short: a, statement: A., source: b, where: {family: ngram}, tests: [{quantity: %s}]}]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arms: {}\nclaims: []", "claims: "),
        ("arms: {}\narms: {}\nclaims: []", "line 2: arms: the key stands twice, in line 1 and in line 2"),
        (CLAIM.replace("quantity", "quantty") % "{measure: m, arm: a}", "claims.0.tests.0.quantty: no such key; did you mean `quantity`"),
        (CLAIM % "{measure: m, arm: nobody}, below: 1", "arm 'nobody'"),
        (CLAIM % "{measure: m, arm: a}", "needs `above`"),
        ("]", "not valid YAML"),
    ],
)
def test_a_wrong_file_of_claims_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "claims.yaml"
    file.write_text(text)
    with pytest.raises(HeirloomError, match=message) as refused:
        specs.load(file)
    assert "\n" not in str(refused.value)
