"""A kind of figure is added by the files that CONTRIBUTING.md lists, and by no other; the page's own code is what is added."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

import worked_examples
from heirloom.codehash import modules
from helpers import ROOT

PACKAGE = "src/heirloom/report/figures"
FILES = [f"{PACKAGE}/word_types.py", f"{PACKAGE}/kinds.py", "tests/report/test_figures.py"]

USE = """
import json
from pathlib import Path

import yaml

import heirloom
from heirloom import config as configuration
from heirloom import codehash
from heirloom.report import files, tables
from heirloom.report.figures import draw, plan
from heirloom.report.page import build
from report.conftest import figure_of, raw, write_measures

declared = raw()
declared["experiments"] = {"words": declared["experiments"]["words"] | {"regimes": ["replace"]}}
Path("config.yaml").write_text(yaml.safe_dump(declared))
config = configuration.load("config.yaml")
write_measures(config)
files.write(config)
draw.write(config)
caption = figure_of(config, "words", "word_types").report_flag()["caption"]
(page,) = build.context(tables.load(config.results), config, Path("config.yaml"), [])["experiments"]
print(json.dumps({
    "planned": plan.files(config, "svg"),
    "drawn": Path("results/figures/words_word_types.svg").read_text(),
    "numbers": Path("results/figures/words_word_types.csv").read_text(),
    "captions": [entry["caption"] for entry in json.loads(Path(config.results.figure_index).read_text())],
    "in Snakemake's report": Path(caption).read_text(),
    "page": {figure["kind"]: figure["caption"] for figure in page["figures"]},
    "notebook": heirloom.plot.figure("words", "word_types").to_dict()["description"],
    "code": sorted(codehash.closure("heirloom.report.figures.draw:write")),
}))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a package with the added figure answers, in a process and a folder of its own."""
    project = tmp_path_factory.mktemp("added")
    shutil.copytree(modules.ROOT, project / "src/heirloom", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "tests/report").mkdir(parents=True)
    shutil.copy(ROOT / FILES[-1], project / FILES[-1])
    assert worked_examples.follow("Add a figure", project) == FILES
    env = {**os.environ, "PYTHONPATH": f"{project / 'src'}{os.pathsep}{ROOT / 'tests'}", "PYTHONDONTWRITEBYTECODE": "1"}
    folder = tmp_path_factory.mktemp("project")
    process = subprocess.run([sys.executable, "-c", USE], cwd=folder, env=env, text=True, capture_output=True, check=False)
    assert process.returncode == 0, process.stderr
    answers: dict[str, Any] = json.loads(process.stdout)
    return answers


def test_the_figure_is_planned_drawn_and_written(answers: dict[str, Any]) -> None:
    assert answers["planned"][-1] == "results/figures/words_word_types.svg"
    assert "Different words in the synthetic text" in answers["drawn"]
    first = answers["numbers"].splitlines()[:2]
    assert first == ["regime,generation,metric,mean,low,high,seeds,seed 0,seed 1", "replace,0,word_types,5000,5000,5000,2,5000,5000"]


def test_it_stands_on_the_page_and_in_a_notebook(answers: dict[str, Any]) -> None:
    caption = "words: Different words in each generation's text, by regime."
    assert answers["page"]["word_types"] == answers["notebook"] == caption
    assert [*answers["page"]][-2:] == ["tail_survival", "word_types"]


def test_it_has_its_captions(answers: dict[str, Any]) -> None:
    assert answers["captions"].count("words: Different words in each generation's text, by regime.") == 4
    assert answers["in Snakemake's report"].startswith("Different words in each generation's text, at the same number of rows")


def test_a_change_of_its_code_draws_figures_again(answers: dict[str, Any]) -> None:
    assert "heirloom.report.figures.word_types:draw" in answers["code"]
