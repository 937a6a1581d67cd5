"""Where a claim can be tested, what it lacks elsewhere, and what counts once."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heirloom.config import Config, load, parse
from heirloom.report import tables
from heirloom.report.claims import lacks, parts, quantities, sentences, specs, verdicts
from heirloom.report.claims.specs import Claims
from heirloom.report.intervals import t_quantile
from heirloom.report.page import answer

CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED = specs.load()
LOSS = {"measure": "test_perplexity", "arm": "replace"}
LESS = {"ratio": [LOSS, {**LOSS, "arm": "control"}]}
REGIMES: dict[str, Any] = {
    "replace": {},
    "fifth": {"original": {"share": 0.2, "draw": "fixed"}},
    "tenth": {"original": {"share": 0.1}},
    "whole": {"original": {"share": 1.0}},
    "control": {"pool": 1.0, "synthetic": "none"},
}
WORDS = {"source": {"name": "wikipedia"}, "generations": 4, "rows": 9, "regimes": list(REGIMES)}
NGRAM: dict[str, Any] = {"family": {"name": "ngram"}, **WORDS}
TRANSFORMER: dict[str, Any] = {"family": {"name": "transformer"}, **WORDS}


def claims(*tests: dict[str, Any], **claim: Any) -> Claims:
    arms = {"replace": {}, "keep": REGIMES["tenth"], "control": REGIMES["control"]}
    entry = {
        "id": "one",
        "short": "one",
        "statement": "One.",
        "source": "Nobody 2026",
        "where": {"rows": "text"},
        "tests": list(tests),
        **claim,
    }
    return Claims.model_validate({"arms": arms, "any_share": {"keep": ["original.share", "original.draw"]}, "claims": [entry]})


def config(**experiments: dict[str, Any]) -> Config:
    return parse({"regimes": REGIMES, "experiments": experiments})


def frame(values: dict[tuple[str, str, int, int, str], float]) -> pd.DataFrame:
    """Return tidy rows: (experiment, regime, seed, generation, metric) → value."""
    rows = [(name, "", *place, value) for (name, *place), value in values.items()]
    return pd.DataFrame(rows, columns=list(tables.COLUMNS))


def two_seeds(name: str, **perplexities: float) -> dict[tuple[str, str, int, int, str], float]:
    return {(name, arm, seed, 4, "test_perplexity"): value + seed / 100 for arm, value in perplexities.items() for seed in (0, 1)}


def answer_of(claim_file: Claims, measures: pd.DataFrame, configuration: Config) -> verdicts.Answer:
    (single,) = verdicts.answers(claim_file, measures, configuration)
    return single


@pytest.mark.parametrize(
    ("file", "fitting"),
    [
        (
            "paper.yaml",
            "tails_first_in_text keeping_saves_text shift_left long_right_tail forgets_real_text perplexity_hides control_is_stable",
        ),
        (
            "paper-smollm2.yaml",
            "tails_first_in_text keeping_saves_text shift_left long_right_tail forgets_real_text perplexity_hides control_is_stable",
        ),
        (
            "paper-smollm2-160.yaml",
            "tails_first_in_text keeping_saves_text shift_left long_right_tail forgets_real_text perplexity_hides control_is_stable",
        ),
        ("paper-smollm2-small.yaml", ""),
    ],
)
def test_every_text_claim_whose_arms_are_there_fits_the_paper_s_configs(file: str, fitting: str) -> None:
    configuration = load(CONFIGS / file)
    fits = [
        claim.id
        for claim in SHIPPED.claims
        if any(not lacks.of_config(claim, SHIPPED, key, configuration) for key in configuration.experiments)
    ]
    assert fits == fitting.split()


def test_no_claim_lists_families() -> None:
    families = {"gaussian", "gmm", "discrete", "bernoulli", "linear_regression", "vae"}
    assert {claim.where.family for claim in SHIPPED.claims} == {None, *families}


def test_families_that_disagree_make_a_claim_mixed_and_each_has_its_verdict() -> None:
    configuration = config(ngram={**NGRAM, "seeds": [0, 1]}, transformer={**TRANSFORMER, "seeds": [0, 1]})
    measures = frame(two_seeds("ngram", replace=20, control=10) | two_seeds("transformer", replace=5, control=10))
    result = answer_of(claims({"quantity": LESS, "above": 1}), measures, configuration)
    assert (result.verdict, result.families) == ("mixed", {"ngram": "supported", "transformer": "contradicted"})
    assert sentences.lines([result]) == [("± mixed", "one", "1 ✓, 1 ✗")]


def test_that_something_can_happen_is_shown_once_or_not_shown_here_and_never_contradicted() -> None:
    configuration = config(ngram={**NGRAM, "seeds": [0, 1]}, transformer={**TRANSFORMER, "seeds": [0, 1]})
    measures = frame(two_seeds("ngram", replace=20, control=10) | two_seeds("transformer", replace=5, control=10))
    result = answer_of(claims({"quantity": LESS, "above": 1}, existential=True), measures, configuration)
    assert (result.verdict, result.families) == ("shown", {"ngram": "shown", "transformer": "not shown here"})
    assert answer_of(claims({"quantity": LESS, "above": 9}, existential=True), measures, configuration).verdict == "not shown here"


def test_a_premise_that_is_not_supported_leaves_the_claim_inconclusive() -> None:
    configuration = config(ngram={**NGRAM, "seeds": [0, 1]})
    premise = {"quantity": LESS, "above": 1, "premise": True}
    saves = {"quantity": {"ratio": [{**LOSS, "arm": "keep"}, LOSS]}, "below": 1}
    for loss, line in ((20.0, ("✓ supported", "one", "0.9 (< 1)")), (5.0, ("? inconclusive", "one", "0.5 (> 1)"))):
        measures = frame(two_seeds("ngram", replace=loss, tenth=loss - 1, fifth=loss - 2, control=10))
        result = answer_of(claims(premise, saves), measures, configuration)
        assert sentences.lines([result]) == [line]  # with the number that decided: where the premise fails, that of the premise


def test_the_control_s_scatter_leaves_out_generation_1_of_what_the_origin_wrote_and_of_nothing_else() -> None:
    configuration = config(ngram=NGRAM)
    scatter = {}
    for metric in ("tail_survival.2-4", "test_perplexity"):
        values = {("ngram", "control", 0, g, metric): value for g, value in enumerate((30.0, 9.0, 10.0, 11.0), 1)}
        values |= {("ngram", "replace", 0, 4, metric): 20.0}
        result = answer_of(claims({"quantity": {"measure": metric, "arm": "replace"}, "above": 0}), frame(values), configuration)
        scatter[metric] = result.findings[0].outcomes[0].interval.high
    log_sd = pd.Series([30.0, 9.0, 10.0, 11.0]).map(math.log).std()
    assert scatter["tail_survival.2-4"] == pytest.approx(20 + t_quantile(0.975, 3) * 1.0 * 2)
    assert scatter["test_perplexity"] == pytest.approx(20 * math.exp(t_quantile(0.975, 4) * log_sd * 2))


@pytest.mark.parametrize(("half_width", "verdict"), [(0.01, "supported"), (0.0, "inconclusive")])
def test_a_median_over_replicas_has_its_own_interval_and_none_where_the_measure_has_few_values(half_width: float, verdict: str) -> None:
    source = {"name": "mixture", "weights": [0.5, 0.5], "means": [[-1.5], [1.5]], "covariances": [0.5, 0.5], "rows": 400}
    configuration = config(
        two={"family": {"name": "gmm"}, "source": source, "regimes": ["replace"], "generations": 4, "rows": 100, "num_replicas": 9}
    )
    ends = {"mean": 0.9, "se": 0.1, "median": 0.5, "median_low": 0.5 - half_width, "median_high": 0.5 + half_width}
    measures = frame({("two", "replace", 0, 4, f"tail.{end}"): value for end, value in ends.items()})
    test = {"quantity": {"measure": "tail", "arm": "replace", "over": "median"}, "above": 0.48, "below": 0.52}
    result = answer_of(claims(test, where={"family": "gmm"}), measures, configuration)
    assert result.verdict == verdict
    assert result.findings[0].outcomes[0].interval.centre == 0.5


def test_an_expectation_is_tested_as_far_as_the_chains_can_estimate_it_and_says_so() -> None:
    source = {"name": "normal", "rows": 100}
    body = {"family": {"name": "gaussian"}, "source": source, "regimes": ["replace"], "rows": 100, "num_replicas": 1000}
    configuration = config(chains={**body, "generations": 500, "granularity": "chain"})
    assert quantities.estimation_horizon(configuration.experiments["chains"]) == 169  # ln(1000) / (4 gap) - 1 with a gap of about 1 / 99
    means = {("chains", "replace", 0, g, "w.mean"): value for g, value in ((84, 2.0), (169, 3.0), (500, 0.0))}
    measures = frame(means | {(*place[:4], "w.se"): 0.1 for place in means})
    last = {"measure": "w", "arm": "replace"}
    test = {"quantity": {"difference": [last, {**last, "at": "middle"}]}, "above": 0}
    result = answer_of(claims(test, where={"family": "gaussian"}, expectation=True), measures, configuration)
    assert (result.verdict, result.findings[0].outcomes[0].interval.centre) == ("supported", 1.0)
    assert result.findings[0].note == "1,000 chains of 100 rows estimate the expectation up to generation 169; tested at 169"
    few = config(chains={**body, "num_replicas": 1, "generations": 5})
    lonely = answer_of(claims(test, where={"family": "gaussian"}, expectation=True), measures[measures["generation"] == 84], few)
    assert lonely.lack == "chains comes nearest; it lacks chains enough to estimate an expectation at any generation"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("rows_only_delay", "gauss__mle comes nearest; it lacks a variant of its grid with rows: 1000"),
        ("images_crowd", "no experiment has the family vae"),
        ("forgets_real_text", "no experiment has rows of text"),
        ("repetition_penalty", "no experiment has rows of text and family.sampling.repetition_penalty: 2.0"),
        ("risk_grows", "gauss__unbiased comes nearest; it lacks a regime declared as control: {pool: 1.0, synthetic: none}"),
        (
            "keeping_saves_variance",
            "synthetic: none}; a regime declared as keep: {original: {share: any, draw: any, continuation: any, batch_rows: any}}",
        ),
        ("expressivity_acts_once", "source.name: mixture (there: normal); rows: 10000 (there: 100); the measure squared_l2"),
        ("replacing_is_unbounded", "gauss__unbiased comes nearest; it lacks mean_squared_error under replace at generation 4"),
        (
            "verifier_helps",
            "no experiment has the measure wrong_share, which needs a judge that knows which rows are right",
        ),
    ],
)
def test_a_claim_that_is_not_run_names_exactly_what_is_missing(name: str, sentence: str) -> None:
    grid = {"divisor": {"key": "family.training.divisor", "values": {"mle": "n", "unbiased": "n-1"}}}
    body = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "rows": 100},
        "regimes": ["replace"],
        "generations": 4,
        "rows": 100,
    }
    configuration = config(gauss={**body, "num_replicas": 50, "grid": grid})
    rows = [("gauss", variant, "origin", 0, 0, "mean_squared_error.mean", 1.0) for variant in ("mle", "unbiased")]
    rows += [("gauss", variant, "replace", 0, 1, "mean_squared_error.mean", 1.0) for variant in ("mle", "unbiased")]
    measures = pd.DataFrame(rows, columns=list(tables.COLUMNS))
    result = next(result for result in verdicts.answers(SHIPPED, measures, configuration) if result.claim.id == name)
    assert (result.verdict, result.findings) == ("not built" if name == "verifier_helps" else "not run", ())
    assert sentence in result.lack


def test_what_is_kept_may_have_any_share_below_all_and_the_finding_states_it() -> None:
    configuration = config(ngram={**NGRAM, "seeds": [0, 1]})
    assert parts.players(SHIPPED, "keep", configuration.experiments["ngram"], configuration) == ["fifth", "tenth"]
    measures = frame(two_seeds("ngram", fifth=12, tenth=15, control=10))
    result = answer_of(
        claims({"quantity": {"ratio": [{**LOSS, "arm": "keep"}, {**LOSS, "arm": "control"}]}, "above": 1}), measures, configuration
    )
    assert [finding.parts for finding in result.findings] == [
        "keep: original.share 0.2, original.draw fixed",
        "keep: original.share 0.1, original.draw redrawn",
    ]
    assert [round(finding.outcomes[0].interval.centre, 1) for finding in result.findings] == [1.2, 1.5]


def test_experiments_of_a_family_that_share_a_seed_count_once() -> None:
    configuration = config(
        a={**NGRAM, "seeds": [0, 1]}, b={**NGRAM, "seeds": [2, 3]}, c={**NGRAM, "seeds": [1, 2]}, d={**NGRAM, "seeds": [9]}, e=TRANSFORMER
    )
    assert verdicts.units(configuration) == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "e"}


def test_beside_the_sums_stands_what_chance_alone_would_give() -> None:
    configuration = config(a={**NGRAM, "seeds": [0, 1]}, b={**NGRAM, "seeds": [0, 1]}, e={**TRANSFORMER, "seeds": [0, 1]})
    measures = frame(
        {place: value for name in "abe" for place, value in two_seeds(name, replace=20, control=10, tenth=15, fifth=12).items()}
    )
    premise = {"quantity": LESS, "above": 1, "premise": True}
    below = {"quantity": LESS, "below": 3}
    results = verdicts.answers(claims(premise, below, below), measures, configuration)
    assert verdicts.chance_counts(results) == pytest.approx((2 * 0.025, 2 * 2 * 0.025))
    existential = verdicts.answers(claims(below, existential=True), measures, configuration)
    assert verdicts.chance_counts(existential) == pytest.approx((2 * 0.025, 0))
    assert sentences.chance(results * 4) == (
        "Chance alone would give about 0.2 of the supported or shown and 0.4 of the contradicted: "
        "2.5 % for each side of a test, were the truth on the edge of its region."
    )
    metrics_of = {name: ["test_perplexity"] for name in "abcde"}
    told = answer.context(results, "", metrics_of)
    assert "shares random numbers with a and counts with it" in str(told)
    assert told["claims"][0]["findings"][0]["curve"] == {"m.a": "test_perplexity"}


def test_the_interval_of_a_positive_ratio_lies_above_0_however_wide() -> None:
    configuration = config(ngram=NGRAM)
    values = {("ngram", "control", 0, g, "test_perplexity"): value for g, value in enumerate((10.0, 30.0, 10.0, 30.0), 1)}
    result = answer_of(
        claims({"quantity": LESS, "above": 0}), frame(values | {("ngram", "replace", 0, 4, "test_perplexity"): 20.0}), configuration
    )
    interval = result.findings[0].outcomes[0].interval
    assert interval.low > 0
    assert math.log(interval.centre / interval.low) == pytest.approx(math.log(interval.high / interval.centre))


def test_a_shipped_config_runs_every_claim_but_the_one_that_needs_a_judge_of_what_is_right() -> None:
    configuration = load(CONFIGS / "claims.yaml")
    misfits = [
        claim.id
        for claim in SHIPPED.claims
        if all(lacks.of_config(claim, SHIPPED, key, configuration) for key in configuration.experiments)
    ]
    assert misfits == []
    assert [claim.id for claim in SHIPPED.claims if claim.needs] == ["verifier_helps"]
