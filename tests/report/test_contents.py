"""The page that lists the results of every config."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from heirloom.report import contents
from heirloom.report.contents import Line


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def leave(*files: str) -> None:
    for file in files:
        Path("results", file).parent.mkdir(parents=True, exist_ok=True)
        Path("results", file).touch()


def test_each_config_with_a_tidy_table_has_a_line_and_links_to_what_is_there() -> None:
    leave("metrics.parquet", "plots/b.csv", "plots/a.csv", "figures/index.json", "lm/metrics.parquet", "lm/report.html", "lm/claims.csv")
    leave("cut/report.html")  # a run that has not come to its table
    assert contents.lines() == [
        Line("config.yaml", ["a", "b"], "", ["metrics.parquet", "figures"]),
        Line("lm", [], "lm/report.html", ["lm/metrics.parquet", "lm/claims.csv"]),
    ]
    contents.write()
    page = Path("results/index.html").read_text()
    assert re.findall(r'href="([^"]+)"', page) == ["metrics.parquet", "figures", "lm/report.html", "lm/metrics.parquet", "lm/claims.csv"]
    assert page.count("No page was written yet") == 1
    assert "Experiments: a, b" in page


def test_a_project_without_results_gets_no_page() -> None:
    contents.write()
    assert not Path("results").exists()
