"""The short summary: each arm beside its control, the verdicts, and no more than a screen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heirloom.config import Config
from heirloom.report import experiment_results, files, headline, overview, page_age, reference, tables
from heirloom.report.claims import specs, verdicts
from heirloom.results import Results


@pytest.fixture
def overview_lines(run: Path, config: Config) -> list[str]:
    files.write(config)
    return overview.lines(config)


def test_a_screen_begins_with_the_answer_and_has_each_arm_at_three_generations_beside_its_control_and_text_first(
    overview_lines: list[str], config: Config
) -> None:
    assert len(overview_lines) <= overview.MOST_LINES
    assert max(map(len, overview_lines)) <= overview.COLUMNS
    answer = headline.headline(tables.load(config.results), config)
    assert " ".join(overview_lines).startswith(f"{answer.sentence} ({answer.basis})")
    headings = [line for line in overview_lines if "gen 0" in line]
    assert [line.split(",")[0] for line in headings] == ["words", "toy", "crossed__biased", "crossed__unbiased"]
    # 60 + 0.5, then times exp(0.2), exp(0.6); the control's 60 exp(0.012) + 0.5
    place = overview_lines.index(headings[0])
    assert headings[0].split()[1:] == ["test", "perplexity", "gen", "0", "gen", "1", "gen", "3", "its", "control"]
    assert overview_lines[place + 1].split() == ["replace", "60.5", "73.78", "109.8", "61.22"]
    assert overview_lines[place + 3].split() == ["control", "60.5", "60.74", "61.22"]
    # accumulate has 70 rows at generation 6; a model fitted to n true rows has the expected variance (n - 1) / n
    (accumulate,) = [line.split() for line in overview_lines if line.split()[:1] == ["accumulate"]]
    assert accumulate[-1] == "0.9857"


def test_claims_of_which_the_run_says_nothing_are_counted_and_not_listed(overview_lines: list[str], config: Config) -> None:
    table = tables.load(config.results)
    answers = verdicts.answers(specs.load(), table, config)
    untried = [answer for answer in answers if answer.verdict in ("not run", "not built")]
    text = "\n".join(overview_lines)
    assert [answer.claim.short for answer in untried if answer.claim.short in text] == []
    (counts,) = [line for line in overview_lines if line.startswith("Claims of the literature")]
    supported = sum(answer.verdict == "supported" for answer in answers)
    assert f" {supported} supported" in counts
    # 4 lines of words, 5 of toy, 2 of each of the grid's points, each three times, and 25 are shown
    many = overview.arm_lines(3 * list(experiment_results.of_config(table, config).values()), config)
    assert len(many) == 26
    assert many[-1] == "… and 14 lines more: heirloom summary --full"


def test_the_end_counts_what_agrees_and_names_the_page_last(overview_lines: list[str], config: Config) -> None:
    assert overview_lines[-1] == "results/report.html is not written yet: heirloom report writes it"
    page = Path(config.results.page)
    page.touch()
    os.utime(page, ns=(0, 0))
    assert page_age.note(config.results) == "results/report.html shows an earlier run: heirloom report renews it"
    commands = page_age.commands(Results("quick", "configs/quick.yaml"))
    assert commands.split(", ") == [
        "heirloom summary --config configs/quick.yaml prints what was found",
        "heirloom status --config configs/quick.yaml what is done",
    ]
    page.touch()
    number = reference.write(config)
    lines = overview.lines(config)
    assert lines[-1] == "The page: results/report.html"
    assert f"docs/reference/default.json, {number} numbers: {number} equal" in lines
