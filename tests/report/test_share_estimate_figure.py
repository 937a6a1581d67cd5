"""The figure of the estimated synthetic share: the estimate beside the truth, and the power of the classifier."""

from __future__ import annotations

import math

import pandas as pd

from heirloom import config as configuration
from heirloom.config import Config
from heirloom.report.figures import plan


def declared(*, share_estimate: bool) -> Config:
    experiment = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "rows": 80},
        "rows": 20,
        "regimes": ["replace", "keep"],
        "generations": 2,
        "num_replicas": 10,
        "share_estimate": share_estimate,
    }
    return configuration.parse({"regimes": {"replace": {}, "keep": {"original": {"share": 0.25}}}, "experiments": {"e": experiment}})


def tidy() -> pd.DataFrame:
    """Return made-up measures: keep has a quarter of real rows, and no share is read in its first generation."""
    values = {
        ("replace", 1): {"ancestry.real_row_share": 0.0, "share_estimate.synthetic": 0.9, "share_estimate.power": 0.3},
        ("replace", 2): {"ancestry.real_row_share": 0.0, "share_estimate.synthetic": 1.1, "share_estimate.power": 0.5},
        ("keep", 1): {"ancestry.real_row_share": 0.25, "share_estimate.power": 0.01},
        ("keep", 2): {"ancestry.real_row_share": 0.25, "share_estimate.synthetic": 0.7, "share_estimate.power": 0.4},
    }
    rows = [("e", "", "origin", 0, 0, "ancestry.real_row_share", 1.0)]
    for (regime, generation), measures in values.items():
        rows += [("e", "", regime, 0, generation, metric, value) for metric, value in measures.items()]
    return pd.DataFrame(rows, columns=["experiment", "variant", "regime", "seed", "generation", "metric", "value"])


def test_the_estimated_share_stands_beside_the_truth_and_the_power_has_none() -> None:
    (figure,) = (one for one in plan.figures(declared(share_estimate=True)) if one.kind.name == "share_estimate")
    numbers = figure.kind.numbers(figure.subject, tidy()).set_index(["metric", "regime", "generation"])
    shares, powers = numbers.loc["share_estimate.synthetic"], numbers.loc["share_estimate.power"]
    assert shares["mean"].to_dict() == {("replace", 1): 0.9, ("replace", 2): 1.1, ("keep", 2): 0.7}
    assert shares["truth"].to_dict() == {("replace", 1): 1.0, ("replace", 2): 1.0, ("keep", 2): 0.75}
    assert len(powers) == 4
    assert all(map(math.isnan, powers["truth"]))


def test_an_experiment_that_estimates_no_share_has_no_such_figure() -> None:
    assert "share_estimate" not in {one.kind.name for one in plan.figures(declared(share_estimate=False))}


def test_the_figure_has_both_panels_and_a_dashed_truth() -> None:
    import vl_convert

    (figure,) = (one for one in plan.figures(declared(share_estimate=True)) if one.kind.name == "share_estimate")
    chart = figure.kind.draw(figure.subject, figure.kind.numbers(figure.subject, tidy()))
    svg = vl_convert.vegalite_to_svg(chart.to_dict())
    assert "synthetic rows / all rows" in svg
    assert "power of the classifier" in svg
    assert svg.count('stroke-dasharray="4,3"') == 2
