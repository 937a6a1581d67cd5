"""The chart on top of the page: distances to the control, generation by generation, and the facts of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heirloom.report import headline
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.page import curves, opening
from report.test_headline import COLLAPSE, Ends, text_config, tidy


def hero(ends: Ends) -> dict[str, Any]:
    frame, config = tidy(ends), text_config(max(map(len, ends.values())), list(ends))
    results = ExperimentResults("words", config, frame)
    told = headline.headline(frame, config)
    measures_of = {"words": curves.context(results)["measures"]}
    chart: dict[str, Any] = opening.context(told, {"words": results}, measures_of)["chart"]
    return chart


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_each_line_begins_at_0_and_is_its_distance_to_the_control_of_its_size() -> None:
    chart = hero(COLLAPSE | {"control_grows": [130.0]})
    lines = {line["name"]: line["v"] for line in chart["lines"]}
    assert lines == {"replace": [0, 100, 100], "keep": [0, 50, 50], "accumulate": [0, 10, 10], "control": [0, 0, 0]}
    ends = [line["end"] for line in chart["lines"]]
    assert ends == ["replace 220 (+100)", "keep 170 (+50)", "accumulate 140 (+10)", "control 120"]
    assert chart["label"] == "perplexity on real text: difference to the control"


def test_a_line_of_few_seeds_has_each_of_them_and_the_ends_of_its_band() -> None:
    chart = hero({"replace": [210.0, 230.0], "control": [119.0, 121.0]})
    replace = chart["lines"][0]
    # sqrt(210 * 230) = 219.77 and sqrt(119 * 121) = 120.00
    assert (replace["v"], replace["s0"], replace["s1"]) == ([0, 99.77, 99.77], [0, 90, 90], [0, 110, 110])
    assert (replace["l"], replace["h"]) == ([0, 90, 90], [0, 110, 110])
    assert chart["band"]["g"] == [1, 2]
    assert chart["band"]["l"][0] == pytest.approx(-chart["band"]["h"][0], rel=1e-3)


def test_without_a_control_the_zero_line_is_generation_0() -> None:
    chart = hero({"replace": [220.0], "keep": [169.0]})
    assert [line["v"] for line in chart["lines"]] == [[0, 102, 102], [0, 51, 51]]
    assert chart["label"] == "perplexity on real text: difference to generation 0"


def test_a_line_that_falls_has_a_true_minus() -> None:
    assert hero(COLLAPSE | {"keep": [110.0]})["lines"][1]["end"] == "keep 110 (\N{MINUS SIGN}10)"


def test_the_facts_are_those_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    config = text_config()
    metrics = Path(config.results.metrics)
    metrics.parent.mkdir(parents=True)
    metrics.touch()
    os.utime(metrics, (1e9, 1e9))
    facts = dict(opening.run_facts(config, Path("configs/mine.yaml"), []))
    assert facts == {"measured": "2001-09-09", "commit": "not in git", "config": "mine.yaml", "seeds": "1"}
