"""Scores of tasks with intervals and paired tests, from answers written by hand, on the page and in the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.report import task_scores
from heirloom.report.page import build, tasks
from helpers import seal_alone

REGIMES: dict[str, Any] = {"replace": {}, "control": {"pool": 1.0, "synthetic": "none"}}
EXPERIMENT = {
    "family": {"name": "transformer"},
    "source": {"name": "wikipedia"},
    "regimes": ["replace", "control"],
    "generations": 1,
    "rows": 20,
    "tasks": {"names": ["facts"], "folder": "tasks"},
}
ORIGIN = [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]
ANSWERS = {"origin": ORIGIN, "control": ORIGIN, "replace": [0, 0, 0, 0, 0, 0, 1, 1, 0, 0]}


def declared(**changes: Any) -> Config:
    return configuration.parse({"regimes": REGIMES, "experiments": {"lm": {**EXPERIMENT, **changes}}})


def write(regime: str, values: list[float], prompt: str = "p") -> None:
    """Write what one model answered: a verdict per item, a number, and what is of all items together."""
    generation = int(regime != "origin")
    path = Path(kinds.TASK_ITEMS.path("lm", regime, 0, generation))
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for metric, metric_values in (("acc", values), ("f1", [value / 2 for value in values]), ("perplexity", [None] * len(values))):
        for item, value in enumerate(metric_values):
            hashes = {"document": f"d{item}", "prompt": f"{prompt}{item}", "target": f"t{item}"}
            rows.append({"task": "facts", "item": item, "metric": metric, "value": value, "is_cut": item == 0, **hashes})
    pd.DataFrame(rows).to_parquet(path, index=False)
    seal_alone(path)


@pytest.fixture(autouse=True)
def _answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for regime, values in ANSWERS.items():
        write(regime, list(map(float, values)))


def rows_of(metric: str) -> list[tuple[Any, ...]]:
    table = task_scores.table(declared())
    columns = ["regime", "generation", "score", "against", "lost", "gained", "p", "p_holm"]
    rows = table.loc[table["metric"] == metric, columns].astype(object)
    return [tuple(row) for row in rows.where(rows.notna(), None).itertuples(index=False)]


def test_each_generation_is_paired_with_generation_0_and_each_arm_with_the_control() -> None:
    p = 2 * (1 + 7) / 2**7  # six lost, one gained
    assert rows_of("acc") == [
        ("origin", 0, 0.7, "", None, None, None, None),
        ("replace", 1, 0.2, "lm/origin/0/0", 6.0, 1.0, pytest.approx(p), pytest.approx(3 * p)),
        ("replace", 1, 0.2, "lm/control/0/1", 6.0, 1.0, pytest.approx(p), pytest.approx(3 * p)),
        ("control", 1, 0.7, "lm/origin/0/0", 0.0, 0.0, 1.0, 1.0),
    ]


def test_a_metric_that_is_no_verdict_has_a_mean_and_no_test_and_one_of_all_items_has_no_row() -> None:
    table = task_scores.table(declared())
    assert rows_of("f1")[1] == ("replace", 1, 0.1, "lm/origin/0/0", None, None, None, None)
    assert table.loc[table["metric"] == "f1", ["low", "high", "p"]].isna().all(axis=None)
    assert set(table["metric"]) == {"acc", "f1"}
    assert set(table["cut_items"]) == {1}


def test_answers_to_other_prompts_are_not_compared() -> None:
    write("replace", list(map(float, ORIGIN)), prompt="q")
    with pytest.raises(HeirloomError, match=r"lm/replace/0/1 and lm/origin/0/0, facts: .* no paired test is possible"):
        task_scores.table(declared())


def test_the_page_shows_the_table_that_the_run_has_written_and_depends_on_it() -> None:
    config = declared()
    task_scores.write(config)
    section = tasks.context(config, "lm")
    assert section is not None
    assert section["generation"] == 1
    row = section["rows"][2]
    shown = {name: row[name] for name in ("task", "items", "score", "interval", "against", "lost", "gained", "p", "p_holm")}
    assert shown == {
        "task": "facts acc",
        "items": "10, 1 cut",
        "score": "0.2",
        "interval": "0.057 to 0.510",
        "against": "lm/origin/0/0",
        "lost": "6",
        "gained": "1",
        "p": "0.12",
        "p_holm": "0.38",
    }
    template = build.environment().get_template("tasks.html.j2")
    assert "<td>0.057 to 0.510</td>" in template.render(experiments=[{"name": "lm", "tasks": section}])
    assert build.datasets(config)[0] == "results/tasks.csv"
    Path("results/tasks.csv").write_text("changed")
    with pytest.raises(HeirloomError, match=r"results/tasks\.csv: not the bytes"):
        tasks.context(config, "lm")


def test_without_tasks_there_is_no_table_and_no_section() -> None:
    config = declared(tasks=None)
    task_scores.write(config)
    assert (task_scores.files(config), tasks.context(config, "lm")) == ([], None)
    assert not Path("results").exists()
