"""The sentence on top is made from the numbers: with other numbers it says something else, and stays true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pytest

from heirloom.config import Config, parse
from heirloom.report import headline, plain_words, tables
from heirloom.specs.regime import Regime

Ends = Mapping[str, Sequence[float]]
"""Arm → its number at the last generation in each seed."""

REGIMES = {
    "replace": {},
    "keep": {"original": {"share": 0.1}},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
    "control": {"pool": 1.0, "synthetic": "none"},
    "control_grows": {"pool": 1.0, "synthetic": "none", "growth": 1.0},
}
COLLAPSE = {"replace": [220.0], "keep": [170.0], "accumulate": [140.0], "control": [120.0], "control_grows": [120.0]}


def text_config(seeds: int = 1, arms: Sequence[str] = tuple(COLLAPSE), family: str = "transformer") -> Config:
    experiment = {
        "family": {"name": family},
        "source": {"name": "wikipedia"},
        "regimes": list(arms),
        "seeds": list(range(seeds)),
        "generations": 2,
        "rows": 10,
    }
    return parse({"regimes": REGIMES, "experiments": {"words": experiment}})


def tidy(ends: Ends, origin: float = 118.0, metric: str = "test_perplexity") -> pd.DataFrame:
    """Return a tidy table in which each arm stands at its end in both generations."""
    cells: list[tuple[Any, ...]] = []
    for regime, numbers in ends.items():
        for seed, number in enumerate(numbers):
            cells += [("words", "", regime, seed, generation, metric, number) for generation in (1, 2)]
    num_seeds = max(map(len, ends.values()))
    cells += [("words", "", "origin", seed, 0, metric, origin) for seed in range(num_seeds)]
    return pd.DataFrame(cells, columns=list(tables.COLUMNS))


def sentence(ends: Ends, **kwargs: Any) -> str:
    seeds = max(map(len, ends.values()))
    return headline.headline(tidy(ends, **kwargs), text_config(seeds, list(ends))).sentence


def test_a_collapse_is_told_beside_its_control_with_what_each_regime_prevents() -> None:
    assert sentence(COLLAPSE) == (
        "After two generations on its own text, the model's perplexity on real text rose from 118 to 220 (control on real text alone: "
        "120; one run, no interval); keeping a tenth of the original closes about half of the gap, accumulating closes about four "
        "fifths of it."
    )


def test_with_two_arms_swapped_the_sentence_says_that_keeping_makes_it_worse() -> None:
    swapped = COLLAPSE | {"replace": COLLAPSE["keep"], "keep": COLLAPSE["replace"]}
    assert sentence(swapped) == (
        "After two generations on its own text, the model's perplexity on real text rose from 118 to 170 (control on real text alone: "
        "120; one run, no interval); keeping a tenth of the original widens the gap by 100 %, accumulating closes about three fifths of it."
    )


def test_without_a_collapse_none_is_told_and_nothing_prevents_it() -> None:
    assert sentence(COLLAPSE | {"replace": [121.0]}) == (
        "After two generations on its own text, the model's perplexity on real text rose from 118 to 121 (control on real text alone: "
        "120; one run, no interval): this run shows no collapse against the control."
    )


def test_with_several_seeds_a_gap_within_chance_is_no_collapse_and_one_beyond_it_is() -> None:
    within_chance = {"replace": [110.0, 150.0], "control": [120.0, 121.0]}
    # -10 and 29 have the mean 9.5 and s = 27.58; 12.706 s / sqrt(2) = 247.8
    assert "2 seeds cannot tell whether it collapses (difference to the control: 95 % interval \N{MINUS SIGN}238 to 257)." in sentence(
        within_chance
    )
    # 1 and 2 have the mean 1.5 and s = 0.7071; 12.706 s / sqrt(2) = 6.353, and 12.7 is less than 120.5
    narrow = {"replace": [121.0, 123.0], "control": [120.0, 121.0]}
    assert "this run shows no collapse (difference to the control: 95 % interval \N{MINUS SIGN}4.85 to 7.85)." in sentence(narrow)
    # ln 220 and ln 222 have the mean ln 220.998 and s = 0.00640; 12.706 s / sqrt(2) = 0.05748
    beyond = {"replace": [220.0, 222.0], "control": [120.0, 121.0], "keep": [100.0, 240.0]}
    words = sentence(beyond)
    assert "rose from 118 to 221 (control on real text alone: 120; 2 seeds, 95 % interval 209 to 234)" in words
    assert "keeping a tenth of the original has no clear effect on the gap (\N{MINUS SIGN}" in words


def test_without_a_control_the_change_is_from_generation_0() -> None:
    told = headline.headline(tidy({"replace": [220.0], "keep": [169.0]}), text_config(arms=["replace", "keep"]))
    assert told.sentence.endswith("(one run, no interval); keeping a tenth of the original closes about half of the change.")
    assert "since no control is run" in told.basis


def test_an_arm_that_grows_without_its_own_control_is_told_in_the_basis() -> None:
    arms = ["replace", "accumulate", "control"]
    told = headline.headline(tidy({arm: COLLAPSE[arm] for arm in arms}), text_config(arms=arms))
    assert "control of as many real rows, of accumulate to control, for want of one;" in told.basis


def test_a_measure_that_diverged_is_called_no_number() -> None:
    assert sentence(COLLAPSE | {"replace": [float("nan")]}).endswith("perplexity on real text is no number: it diverged or is missing.")


def test_a_run_without_a_measure_of_collapse_says_so() -> None:
    told = headline.headline(tidy(COLLAPSE, metric="mine.value"), text_config())
    assert told == headline.Headline("This run has no measure in which collapse can be seen.", "", "", "", "")


def test_a_language_model_stands_before_an_n_gram_model_and_that_before_a_gaussian() -> None:
    neural, counts = (text_config(family=name).experiments["words"] for name in ("transformer", "ngram"))
    numbers = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "rows": 40},
        "regimes": ["replace"],
        "generations": 2,
        "rows": 10,
    }
    toy = parse({"regimes": {"replace": {}}, "experiments": {"toy": numbers}}).experiments["toy"]
    config = text_config().model_copy(update={"experiments": {"toy": toy, "counts": counts, "neural": neural}})
    assert headline.leading_experiments(config) == ["neural", "counts", "toy"]


@pytest.mark.parametrize(
    ("part", "low", "high", "words"),
    [
        (0.48, 0.4, 0.6, "closes about half of the gap"),
        (0.02, 0.01, 0.03, "leaves the gap as it is"),
        (0.98, 0.9, 0.99, "closes nearly all of the gap"),
        (1.02, 0.9, 1.1, "closes all of the gap"),
        (-0.3, -0.4, -0.2, "widens the gap by 30 %"),
        (0.3, -0.4, 0.9, "has no clear effect on the gap (\N{MINUS SIGN}40 % to 90 %)"),
    ],
)
def test_a_part_of_a_gap_is_told_in_the_nearest_simple_fraction(part: float, low: float, high: float, words: str) -> None:
    assert plain_words.part_closed(part, low, high, "the gap") == words


@pytest.mark.parametrize(
    ("declaration", "words"),
    [
        ({"original": {"share": 0.2}}, "keeping a fifth of the original"),
        ({"original": {"share": 0.15}}, "keeping 15 % of the original"),
        ({"fresh": 0.1}, "adding a tenth of fresh real rows"),
        ({"original": {"share": 0.1}, "fresh": 0.1}, "'mine'"),
    ],
)
def test_a_regime_is_told_by_its_declaration_and_else_by_its_name(declaration: dict[str, Any], words: str) -> None:
    assert plain_words.remedy("mine", Regime.model_validate(declaration)) == words


def test_numbers_have_three_digits_and_a_true_minus() -> None:
    assert [plain_words.amount(value) for value in (122.004, 0.13329, -2.5, 12_345.0, 1e9, 0.0)] == [
        "122",
        "0.133",
        "\N{MINUS SIGN}2.5",
        "12,300",
        "1 × 10⁹",
        "0",
    ]
    assert plain_words.movement(1.0001, 1.0002) == "stayed at 1"
    assert (plain_words.count(1, "generation"), plain_words.count(100, "generation")) == ("one generation", "100 generations")
