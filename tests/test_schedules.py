"""Settings that change from generation to generation: lists, and curves by name."""

from __future__ import annotations

import re
from typing import Any

import pytest

from heirloom import config as configuration
from heirloom.artefacts.kinds import Key
from heirloom.errors import HeirloomError
from heirloom.report import expected_curves
from heirloom.specs.curves import machine_share, stock_share
from heirloom.specs.regime import Regime
from heirloom.theory import regimes as theory_regimes
from heirloom.workflow.steps import STEPS

KEYS = ("sample", "mix", "train")


def config(regime: dict[str, Any], family: dict[str, Any] | None = None, **more: Any) -> configuration.Config:
    body = {
        "family": family or {"name": "gaussian"},
        "source": {"name": "normal", "rows": 400, "test_rows": 10},
        "regimes": ["arm"],
        "rows": 10,
        "generations": 4,
        **more,
    }
    return configuration.parse({"regimes": {"arm": regime}, "experiments": {"e": body}})


def fields(parsed: configuration.Config, step: str, generation: int) -> dict[str, Any]:
    return dict(STEPS[step].slice(parsed, Key("e", "arm", 0, generation)).json_fields())


def test_a_list_has_a_value_for_each_generation_and_the_last_one_holds_on() -> None:
    regime = Regime.model_validate({"fresh": [0.8, 0.5], "scale": [1, 2], "multiple": [1.0, 3.0], "original": {"share": [0.2, 0.1]}})
    assert [regime.at(g).fresh for g in (1, 2, 3, 9)] == [0.8, 0.5, 0.5, 0.5]
    assert [regime.budget_rows(10, g) for g in (1, 2, 3)] == [10, 20, 20]
    assert [regime.sampled_rows(10, g) for g in (1, 2, 3)] == [10, 60, 60]
    assert [regime.at(g).real_rows(regime.budget_rows(10, g)) for g in (1, 2)] == [
        {"original": 2, "fresh": 8, "pool": 0},
        {"original": 2, "fresh": 10, "pool": 0},
    ]
    assert regime.fresh_rows(10, 3) == [8, 10, 10]
    copy = Regime.model_validate(regime.model_dump(mode="json", exclude_defaults=True))
    assert (copy, hash(copy)) == (regime, hash(regime))
    assert regime != Regime.model_validate({"fresh": 0.8, "multiple": 1.0, "original": {"share": 0.2}})


def test_the_web_curve_is_what_was_measured_and_a_corpus_lags_behind_it() -> None:
    regime = Regime.model_validate({"fresh": {"curve": "web", "months_per_generation": 12}})
    assert [regime.at(g).fresh for g in (1, 2, 3, 50)] == pytest.approx([0.641, 0.52, 0.5, 0.5])
    assert [machine_share(months) for months in (0, 6, 12, 24, 26, 400)] == pytest.approx([0.0, 0.1795, 0.359, 0.48, 0.5, 0.5])
    assert stock_share((0.359, 0.48), (1.0, 1.0), 8.0) == pytest.approx(0.0839)


def test_a_generations_jobs_depend_on_the_entries_up_to_it() -> None:
    short, long = config({"fresh": [0.5, 0.4], "multiple": [1.0, 2.0]}), config({"fresh": [0.5, 0.4, 0.1], "multiple": [1.0, 2.0, 3.0]})
    for step in KEYS:
        assert [fields(short, step, g) for g in (1, 2)] == [fields(long, step, g) for g in (1, 2)]
    assert fields(short, "mix", 3) != fields(long, "mix", 3)
    assert fields(short, "sample", 3)["sizes"] == {"multiple": 2.0}
    assert fields(long, "sample", 3)["sizes"] == {"multiple": 3.0}
    plain = config({"fresh": 0.5})
    assert fields(plain, "mix", 1)["mixing"] == {"fresh": 0.5}
    assert "sizes" not in fields(plain, "sample", 1)


def test_temperature_and_learning_rate_are_those_of_the_generation() -> None:
    gaussian = config({}, {"name": "gaussian", "sampling": {"temperature": [0.9, 1.0]}})
    assert [fields(gaussian, "sample", g)["sampling"] for g in (1, 2, 3)] == [{"temperature": 0.9}, {}, {}]
    schedule = {"epochs": 1, "learning_rate": [1e-3, 1e-4], "batch_rows": 4}
    transformer = {"name": "transformer", "training": {"generation": schedule}, "sampling": {"temperature": [1.0, 0.5]}}
    text = config({}, transformer, source={"name": "wikipedia", "text": {"vocab_size": 300, "row_tokens": 8}})
    assert [fields(text, "train", g)["fit"]["schedule"]["learning_rate"] for g in (0, 1, 2, 3)] == [4e-3, 1e-3, 1e-4, 1e-4]
    assert [fields(text, "sample", g)["sampling"] for g in (1, 2)] == [{}, {"temperature": 0.5}]
    assert all("schedules" not in str(fields(text, step, 2)) for step in KEYS)


def test_a_scheduled_arm_has_the_closed_form_of_its_own_shares() -> None:
    parsed = config({"fresh": [0.8, 0.2]}, num_replicas=2)
    curves = expected_curves.curves(parsed.experiments["e"], parsed.regimes["arm"])
    moments = theory_regimes.mixture(10, [(8, 2), (2, 8), (2, 8), (2, 8)])
    assert curves["covariance_trace"].tolist() == moments.variance.tolist()
    for underived in ({"original": {"share": [0.8, 0.2], "draw": "fixed"}}, {"fresh": [0.8, 0.2], "real_weight": 0.5}):
        parsed = config(underived)
        assert expected_curves.curves(parsed.experiments["e"], parsed.regimes["arm"]) == {}


@pytest.mark.parametrize(
    ("regime", "message"),
    [
        ({"fresh": [0.9, 1.5]}, "regimes.arm: generation 2: fresh: Input should be less than or equal to 1"),
        ({"fresh": []}, "fresh is []; a list has one number for each generation"),
        ({"fresh": ["half"]}, "fresh is ['half']; a list has one number for each generation"),
        ({"fresh": [0.5, 0.8], "pool": 0.4}, "generation 2: the real shares add up to 1.2"),
        ({"original": {"share": [0.1, 2]}}, "regimes.arm.original: generation 2: share"),
        ({"fresh": {"curve": "wab", "months_per_generation": 6}}, "regimes.arm.fresh.curve: Input should be 'web'"),
        ({"multiple": {"curve": "web", "months_per_generation": 6}}, "regimes.arm.multiple: Input should be a valid number"),
        ({"fresh": [0.5, 0.01]}, "generation 2: fresh 0.01 of 10 rows is less than half a row"),
        ({"fresh": [1.0, 1.0, 1.0, 1.0], "scale": [1.0, 40.0]}, "needs"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_in_a_line(regime: dict[str, Any], message: str) -> None:
    with pytest.raises(HeirloomError, match=re.escape(message)):
        config(regime)
