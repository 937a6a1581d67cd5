"""Figures are files derived from the config, the same bytes every time."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from heirloom import results
from heirloom.config import Config, parse
from heirloom.errors import HeirloomError
from heirloom.report import files
from heirloom.report.figures import draw, plan
from report.conftest import figure_names


def test_every_experiment_has_the_figure_of_ancestry_and_those_of_its_family(config: Config) -> None:
    kinds: dict[str, list[str]] = {}
    for name, kind in figure_names(config):
        kinds.setdefault(name, []).append(kind)
    assert kinds.pop("words") == [
        "test_perplexity",
        "synthetic_perplexity",
        "tail_survival",
        "diversity",
        "ancestry",
    ]
    assert kinds == {
        "toy": ["ancestry", "variance"],
        **{key: ["ancestry", "variance", "density"] for key in ("crossed__biased", "crossed__unbiased")},
    }
    assert plan.files(config, "svg")[0] == "results/figures/toy_ancestry.svg"


def test_an_experiment_without_rows_has_no_figure_of_ancestry() -> None:
    source = {"name": "categorical", "rows": 9, "law": {"kind": "uniform", "types": 3}}
    body = {"source": source, "regimes": ["replace"], "generations": 1, "rows": 9, "granularity": "chain"}
    experiments = {path: {**body, "family": {"name": "discrete", "path": path}} for path in ("rows", "statistics")}
    config = parse({"regimes": {"replace": {}}, "experiments": experiments})
    drawn_kinds = [("rows", "ancestry"), ("rows", "beside_theory"), ("statistics", "beside_theory")]
    assert figure_names(config) == drawn_kinds


def test_two_runs_write_the_same_bytes_and_nothing_but_the_files_listed(run: Path, config: Config) -> None:
    files.write(config)
    Path("results/figures").mkdir()
    Path("results/figures/old.svg").write_text("<svg/>")
    draw.write(config)
    first = {str(path): path.read_bytes() for path in Path("results/figures").iterdir()}
    draw.write(config)
    again = {str(path): path.read_bytes() for path in Path("results/figures").iterdir()}
    assert [path for path in first if first[path] != again.get(path) and not path.endswith(".pdf")] == []
    assert set(first) == {results.DEFAULT.figure_index, *plan.files(config, "svg", "pdf", "png", "csv")}
    assert all(content.startswith(b"\x89PNG") for path, content in first.items() if path.endswith(".png"))
    index = json.loads(first[results.DEFAULT.figure_index])
    assert [entry["file"] for entry in index] == sorted(Path(path).name for path in plan.files(config, "svg", "pdf", "png", "csv"))
    assert all(entry["caption"].endswith(".") for entry in index)
    written = pd.read_csv("results/figures/words_test_perplexity.csv")
    assert written.loc[written["generation"] == 0, "mean"].tolist() == pytest.approx([math.sqrt(60.0 * 61.0)] * 3)


def test_a_figure_s_svg_has_marks_and_its_words_as_text(run: Path, config: Config) -> None:
    only = config.model_copy(update={"experiments": {"toy": config.experiments["toy"]}})
    files.write(only)
    draw.write(only)
    svg = Path("results/figures/toy_variance.svg").read_text()
    assert "Total variance of the fitted density" in svg
    assert svg.count("mark-line") >= 4


def test_figures_of_a_run_without_results_are_refused(run: Path, config: Config) -> None:
    with pytest.raises(HeirloomError, match="run snakemake"):
        draw.write(config)
    assert not Path("results/figures").exists()
