"""Numbers of a recorded run beside those of this one: equal on the same kernels, within a tolerance on others."""

from __future__ import annotations

import json
import math
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from heirloom import config as configuration
from heirloom import results
from heirloom.artefacts import kinds
from heirloom.artefacts.manifest import seal
from heirloom.config import Config, parse
from heirloom.errors import HeirloomError
from heirloom.report import files, reference, summary, tables
from heirloom.report.reference import AGREES, DIFFERS, EQUAL, MISSING, Place
from helpers import ROOT
from report.conftest import raw

LAST = Place("test_perplexity", "replace", 3)


def note_environment(config: Config, machine: str) -> None:
    """Say of each experiment's last measures that this machine made them."""
    for key, experiment in config.experiments.items():
        kind = kinds.TRAJECTORY if experiment.is_chain else kinds.METRICS
        measures = kind.path(key, experiment.regimes[0], experiment.seeds[0], experiment.generations)
        seal([measures], {"slice": {}, "inputs": [], "environment": {"machine": machine}})


def change(key: str, place: Place, seed: int, value: float | None) -> None:
    """Break one measure of the run, or take it away."""
    file = Path(kinds.METRICS.path(key, place.regime, seed, place.generation))
    measures = json.loads(file.read_text()) | {place.metric: value}
    file.write_text(json.dumps({metric: number for metric, number in measures.items() if number is not None}))
    seal([file], {"slice": {}, "inputs": [], "environment": {"machine": "here"}})


def verdicts(config: Config, key: str) -> dict[Place, str]:
    files.write(config)
    experiment_rows = tables.of_experiment(tables.load(results.DEFAULT), key, config.experiments[key])
    return reference.comparison(experiment_rows, key, config, reference.read())


@pytest.fixture
def recorded(run: Path, config: Config) -> Config:
    note_environment(config, "here")
    files.write(config)
    assert reference.write(config) > 100
    return config


def test_the_same_run_has_every_recorded_number(recorded: Config) -> None:
    for key in recorded.experiments:
        assert set(verdicts(recorded, key).values()) == {EQUAL}


def test_one_broken_number_differs_where_the_kernels_are_the_same(recorded: Config) -> None:
    change("words", LAST, 1, 110.3)
    verdicts_of_words = verdicts(recorded, "words")
    assert {place for place, word in verdicts_of_words.items() if word != EQUAL} == {LAST}
    assert verdicts_of_words[LAST] == DIFFERS


@pytest.mark.parametrize(("values", "word"), [([None, 115.0], DIFFERS), ([109.0, 110.8], AGREES), ([None, None], MISSING)])
def test_on_other_kernels_a_number_may_move_by_its_tolerance(recorded: Config, values: list[float | None], word: str) -> None:
    for seed, value in enumerate(values):
        change("words", LAST, seed, value)
    note_environment(recorded, "there")
    assert verdicts(recorded, "words")[LAST] == word


def test_nothing_is_compared_where_the_settings_are_others(recorded: Config) -> None:
    raw_of_other = raw()
    raw_of_other["experiments"]["words"]["rows"] = 21
    assert verdicts(parse(raw_of_other), "words") == {}
    raw_of_other = raw()
    raw_of_other["regimes"]["keep"]["original"]["share"] = 0.2
    assert verdicts(parse(raw_of_other), "words") == {}
    assert set(verdicts(parse(raw_of_other), "crossed__biased").values()) == {EQUAL}  # which has no such arm


def test_tolerances_come_from_replicas_seeds_and_the_seeds_of_lm(run: Path, config: Config) -> None:
    files.write(config)
    experiment_rows = {key: tables.of_experiment(tables.load(results.DEFAULT), key, config.experiments[key]) for key in config.experiments}
    # seeds 0 and 1 differ by 1: standard deviation sqrt(1/2), of a mean of two 1/2
    first_seed = experiment_rows["words"][experiment_rows["words"]["seed"] == 0]
    cases = [
        (experiment_rows["toy"], Place("covariance_trace", "replace", 6), 0.5, 4 * 0.02, "replicas"),
        (experiment_rows["toy"], Place("covariance_trace.median", "keep", 1), 0.5, 4 * 0.02 * math.sqrt(math.pi / 2), "replicas"),
        (experiment_rows["words"], LAST, 110.0, 4 / 2, "seeds"),
        (first_seed, LAST, 100.0, 4 * 0.032 * 100, "seeds of configs/lm.yaml"),
        (first_seed, Place("ancestry.depth_mean", "keep", 3), 2.7, 2.7e-9, "rounding"),
    ]
    for rows, place, value, width, source in cases:
        tolerance, derived_from = reference.tolerance(rows, place, value)
        assert tolerance == pytest.approx(width)
        assert derived_from == source


def test_the_summary_says_of_each_row_whether_it_agrees_and_names_what_does_not(recorded: Config) -> None:
    change("words", LAST, 1, 150.0)
    files.write(recorded)
    console = Console(file=StringIO(), width=100)
    summary.print_summary(recorded, console)
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    (broken,) = [line.split() for line in lines if line.split()[:3] == ["test", "perplexity", "replace"]]
    assert broken[-1] == DIFFERS
    (sound,) = [line.split() for line in lines if line.split()[:3] == ["distinct", "3-grams", "replace"]]
    assert sound[-1] == EQUAL
    (sentence,) = [line for line in lines if "1 differs" in line]
    assert sentence.startswith("docs/reference/default.json")
    assert sentence.endswith("1 differs (test_perplexity of replace at 3)")


def test_without_a_recorded_run_the_summary_has_no_such_column(run: Path, config: Config) -> None:
    files.write(config)
    console = Console(file=StringIO(), width=100)
    summary.print_summary(config, console)
    assert isinstance(console.file, StringIO)
    assert "reference" not in console.file.getvalue()


def test_a_file_that_is_something_else_is_refused_in_one_line(recorded: Config) -> None:
    Path(reference.FILE).write_text('{"words": [1]}')
    with pytest.raises(HeirloomError, match=r"docs/reference/default.json: not as `heirloom reference` writes it; write it again"):
        reference.read()


def test_the_recorded_numbers_are_of_the_default_config() -> None:
    default = configuration.load(ROOT / "config.yaml")
    recorded = reference.read(str(ROOT / reference.FILE))
    settings = {key: reference.settings(key, default) for key in default.experiments if recorded}
    assert {key: part["settings"] for key, part in recorded.items()} == settings, "run snakemake, then: heirloom reference"


def test_the_counts_of_the_default_text_are_the_recorded_ones() -> None:
    numbers = json.loads((ROOT / "docs/reference/default.json").read_text())["transformer"]["numbers"]
    last = {(number["metric"], number["regime"]): number["value"] for number in numbers if number["generation"] == 5}
    formats = {"distinct_3": ".3f", "tail_survival.17-64": ".3f", "token_entropy": ".2f"}
    regimes = ("replace", "keep", "accumulate", "control", "control_grows")
    table = [" | ".join([f"| `{regime}`", *(f"{last[metric, regime]:{form}}" for metric, form in formats.items())]) for regime in regimes]
    assert " |\n".join(table) in (ROOT / "docs/language-models.md").read_text()
