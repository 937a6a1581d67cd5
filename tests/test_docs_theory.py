"""The page on closed forms names what the registry knows, and every number on it agrees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from heirloom.config import Config, load
from heirloom.report import agreement, expected_curves
from heirloom.specs.family import families_with

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/theory.md").read_text(encoding="utf-8")
TABLE = PAGE.partition(agreement.BEGIN)[2].partition(agreement.END)[0]
ROWS = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in TABLE.splitlines() if re.match(r"\| [a-z]", line)][1:]


@pytest.fixture(scope="module")
def preset() -> Config:
    return load(ROOT / "configs/theory.yaml")


def test_the_preset_has_every_family_that_has_closed_forms(preset: Config) -> None:
    assert {experiment.family.name for experiment in preset.experiments.values()} == set(families_with("closed_forms"))


def test_every_arm_of_the_preset_has_a_closed_form_and_a_row_for_each(preset: Config) -> None:
    measures_of = {(name, regime): set[str]() for _, name, regime, *_ in ROWS}
    for _, name, regime, measure, *_ in ROWS:
        measures_of[name, regime].add(measure)
    assert set(measures_of) == {(name, regime) for name, experiment in preset.experiments.items() for regime in experiment.regimes}
    for (name, regime), measures in measures_of.items():
        assert measures
        experiment = preset.experiments[name]
        if experiment.family.name != "discrete":  # whose exact chain of counts takes seconds
            assert measures == set(expected_curves.curves(experiment, preset.regimes[regime]))


def test_every_number_agrees_with_its_closed_form() -> None:
    scores = [float(row[-1]) for row in ROWS if re.fullmatch(r"[+-][\d.]+", row[-1])]
    assert len(scores) > 100
    assert max(map(abs, scores)) < 4


def test_every_regime_of_the_preset_has_its_form_in_words(preset: Config) -> None:
    described = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert described >= set(preset.regimes)
