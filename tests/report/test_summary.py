"""The summary says on one screen what each arm lost, and whether theory agrees."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from heirloom import results, theory
from heirloom.config import Config, parse
from heirloom.report import agreement, files, overview, summary, summary_metrics, tables
from heirloom.report.claims import specs
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.figures import draw
from report.conftest import figure_of


@pytest.fixture
def summary_lines(run: Path, config: Config) -> list[str]:
    files.write(config)
    console = Console(file=StringIO(), width=80)
    summary.print_summary(config, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def row(summary_lines: list[str], *starts: str) -> list[str]:
    (words,) = [line.split() for line in summary_lines if line.split()[: len(starts)] == list(starts)]
    return words[len(starts) :]


def test_text_arms_are_shown_at_generations_0_1_and_the_last(summary_lines: list[str]) -> None:
    # 60 + 0.5, then times exp(0.2), exp(0.6)
    assert row(summary_lines, "test", "perplexity", "replace") == ["60.5", "73.78", "109.8"]


def test_a_mean_stands_beside_its_closed_form_and_a_z_that_it_has_not_has_its_reason(summary_lines: list[str], config: Config) -> None:
    toy = config.experiments["toy"]
    checks = agreement.check(tables.of_experiment(tables.load(results.DEFAULT), "toy", toy), "keep", toy, config)
    variance = theory.keep(10, 7, 1).variance[-1]
    assert checks["covariance_trace"].expected == pytest.approx(variance)
    assert checks["covariance_trace"].mean == pytest.approx(0.9 ** (1 + 0.3 * 6))
    assert any("no z, variance, mean of" in line and line.endswith("needs 100") for line in summary_lines)
    assert "log_determinant" not in checks


def test_the_control_that_an_arm_lacks_stands_below_it_in_closed_form(summary_lines: list[str]) -> None:
    # accumulate has 10, 20, 70 rows at generations 0, 1, 6; a model fitted to n true rows has the expected variance (n - 1) / n
    accumulate = next(place for place, line in enumerate(summary_lines) if line.split()[:1] == ["accumulate"])
    assert summary_lines[accumulate + 1].split() == ["(its", "control)", "0.9000", "0.9500", "0.9857"]
    assert [line for line in summary_lines if "no control of as many rows" in line] == []


def test_nothing_is_cut_off_at_eighty_columns(summary_lines: list[str]) -> None:
    assert not [line for line in summary_lines if "…" in line]


def test_an_onset_that_is_not_estimable_takes_one_line_that_names_the_key_and_no_table(summary_lines: list[str]) -> None:
    lines = [line for line in summary_lines if "onset of collapse" in line]
    assert [line.split(";")[0] for line in lines] == [
        "toy: the onset of collapse is not estimable with 1 seed",
        "words: the onset of collapse is not estimable with 2 seeds",
    ]
    assert lines[1].endswith("set experiments.words.seeds: [0, 1, 2, 3, 4, 5]")


def test_the_files_are_named_at_the_end(summary_lines: list[str]) -> None:
    assert "results/metrics.parquet" in summary_lines[-2]
    assert "results/figures/" in summary_lines[-1]


def test_one_seed_and_one_replica_have_no_z_score(run: Path, config: Config) -> None:
    toy = config.experiments["toy"]
    toy_rows = tables.of_experiment(tables.gather(config), "toy", toy)
    means = toy_rows[toy_rows["metric"].str.endswith(".mean")]
    single = means.assign(metric=means["metric"].str.removesuffix(".mean"))
    assert agreement.check(single, "replace", toy, config)["covariance_trace"].z is None


def test_a_measure_that_was_not_taken_is_not_checked(run: Path, config: Config) -> None:
    toy = config.experiments["toy"]
    toy_rows = tables.of_experiment(tables.gather(config), "toy", toy)
    without = toy_rows[~toy_rows["metric"].str.startswith("log_determinant")]
    assert "log_determinant" in agreement.check(toy_rows, "replace", toy, config)
    assert "log_determinant" not in agreement.check(without, "replace", toy, config)


def test_a_line_a_claim_has_its_verdict_its_words_and_the_number_that_decided_beside_what_chance_gives(summary_lines: list[str]) -> None:
    claim_lines = {claim.short: line for claim in specs.load().claims for line in summary_lines if claim.short in line}
    assert [claim.short for claim in specs.load().claims if claim.short not in claim_lines] == []
    # (1 + 6 - 1 - 0.02 * 6) ln 0.9
    assert claim_lines["the variance falls, and goes on falling"].startswith("✓ supported")
    assert claim_lines["the variance falls, and goes on falling"].split()[-3:] == ["-0.62", "(<", "0)"]
    assert claim_lines["images crowd around the middle"].split() == ["–", "not", "run", "images", "crowd", "around", "the", "middle", "–"]
    assert claim_lines["an erring judge makes rows more correct"].startswith("– not built")
    # exp(0.2 * 0.98 * 3) of the first seed, (60 exp(0.6) + 1) / (60 exp(0.012) + 1) of the second
    assert claim_lines["the model forgets real text"].split()[-3:] == ["1.79", "(>", "1)"]
    assert "Chance alone would give about" in " ".join(summary_lines)


def test_measures_of_the_users_own_stand_in_both_summaries_and_have_a_figure() -> None:
    program = {"command": ["python", "measure.py", "{synthetic}", "{measures}"]}
    words = {"family": {"name": "ngram"}, "source": {"name": "wikipedia"}, "regimes": ["replace"], "generations": 2, "rows": 20}
    config = parse({"regimes": {"replace": {}}, "experiments": {"words": {**words, "measures": {"mine": program}}}})
    cells = [("test_perplexity", 60.0), ("origin_perplexity_histogram.1.2", 0.1), ("mine.share", 0.25)]
    rows = [(regime, 0, g, metric, value + g) for regime, g in (("origin", 0), ("replace", 1), ("replace", 2)) for metric, value in cells]
    frame = pd.DataFrame(rows, columns=["regime", "seed", "generation", "metric", "value"])
    results = ExperimentResults("words", config, frame)
    assert list(summary_metrics.metrics(frame, config.experiments["words"])) == ["test_perplexity", "mine.share"]
    assert [line.split() for line in overview.arm_lines([results], config)[2:]] == [
        ["words,", "mine.share", "gen", "0", "gen", "1", "gen", "2", "its", "control"],
        ["replace", "0.2500", "1.2500", "2.2500", "–"],
    ]
    figure = figure_of(config, "words", "own_measures")
    numbers = draw.numbers(figure, {"words": results})
    assert numbers[["metric", "mean"]].to_numpy().tolist() == [["mine.share", 0.25], ["mine.share", 1.25], ["mine.share", 2.25]]
    assert '"title": "mine.share"' in draw.chart(figure, numbers).to_json()
