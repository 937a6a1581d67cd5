"""One look, one colour a regime, and every chart says what it shows and in which unit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heirloom.config import Config
from heirloom.report import experiment_results, tables
from heirloom.report.figures import draw
from heirloom.report.looks import BLACK, DASHED, DOTTED, GREY, SOLID, Look, looks
from heirloom.specs.regime import Regime
from report.conftest import figure_of


def test_a_usual_regime_keeps_its_colour_whatever_stands_beside_it() -> None:
    look_of_replace = looks({"replace": Regime()})
    together = looks({name: Regime() for name in ("zero", "replace", "keep", "accumulate")})
    assert look_of_replace["replace"] == together["replace"] == Look("#D55E00")
    assert len({look.colour for look in together.values()}) == 4


def test_a_control_is_dashed_grey_whatever_its_name() -> None:
    assert looks({"baseline": Regime(pool=1.0, synthetic="none")}) == {"baseline": Look(GREY, DASHED)}


def test_a_control_that_grows_has_dashes_of_its_own() -> None:
    both = {name: Regime(pool=1.0, synthetic="none", growth=growth) for name, growth in (("control", 0.0), ("control_grows", 1.0))}
    assert looks(both) == {"control": Look(GREY, DASHED), "control_grows": Look(GREY, DOTTED)}


def test_more_regimes_than_colours_are_told_apart_by_dashes() -> None:
    many = looks({f"arm_{i:02}": Regime() for i in range(20)})
    assert len(set(many.values())) == 20
    assert many["arm_00"].dashes == SOLID != many["arm_06"].dashes


@pytest.fixture
def spec(run: Path, config: Config) -> Any:
    results = experiment_results.of_config(tables.gather(config), config)

    def chart_of(experiment: str, kind: str) -> dict[str, Any]:
        figure = figure_of(config, experiment, kind)
        specification: dict[str, Any] = draw.chart(figure, draw.numbers(figure, results)).to_dict()
        return specification

    return chart_of


def test_the_perplexity_chart_has_a_thin_line_a_seed_and_the_regimes_in_the_order_of_the_config(spec: Any) -> None:
    chart = spec("words", "test_perplexity")
    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["line", "line"]
    assert chart["layer"][0]["transform"] == [{"as": ["which", "value"], "fold": ["seed 0", "seed 1"]}]
    scale = chart["layer"][1]["encoding"]["color"]["scale"]
    assert scale == {"domain": ["replace", "keep", "control"], "range": ["#D55E00", "#0072B2", GREY]}
    assert chart["layer"][1]["encoding"]["strokeDash"]["scale"]["range"][2] == list(DASHED)
    assert chart["title"]["text"] == "Perplexity on held-out real text"
    assert "2 seeds" in chart["title"]["subtitle"]


def test_the_histogram_has_a_panel_a_regime_a_log_axis_and_black_for_real_text(spec: Any) -> None:
    chart = spec("words", "synthetic_perplexity")
    assert chart["facet"]["sort"] == ["replace", "keep", "control"]
    encoding = chart["spec"]["encoding"]
    assert encoding["x"]["scale"]["type"] == "log"
    assert encoding["color"]["scale"]["domain"] == [0, 1, 2, 3]
    assert encoding["color"]["scale"]["range"][0] == BLACK


def test_the_variance_chart_shows_mean_median_and_closed_form(spec: Any) -> None:
    chart = spec("toy", "variance")
    line = chart["spec"]["layer"][1]["encoding"]
    assert line["color"]["scale"]["domain"] == ["mean ± 2 se", "median", "closed form of the mean"]
    assert "squared units" in chart["title"]["subtitle"]


@pytest.mark.parametrize("kind", ["test_perplexity", "synthetic_perplexity", "tail_survival", "diversity", "ancestry"])
def test_every_chart_of_text_carries_its_caption_and_the_name_of_its_experiment(spec: Any, kind: str) -> None:
    chart = spec("words", kind)
    assert chart["description"].startswith("words: ")
    assert chart["title"]["subtitle"].startswith("words · ")
