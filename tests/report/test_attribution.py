"""The loss is attributed to the source that was made to cause it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import vl_convert

from heirloom.config import Config, parse
from heirloom.report import attribution
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.figures import draw
from heirloom.report.summary import attribution_table
from report.conftest import figure_names, figure_of

GRID = {
    "statistical": {"key": "rows", "values": {"n10": 10, "n50": 50, "n100": 100}},
    "approximation": {"key": "family.training.divisor", "values": {"mle": "n", "unbiased": "n-1"}},
}
PARTS = {"n10": 5.0, "n50": 1.0, "n100": 0.0, "mle": 2.0, "unbiased": 0.0}


def config(grid: dict[str, Any] | None = None, design: str = "crossed") -> Config:
    experiment = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "rows": 100},
        "regimes": ["replace"],
        "seeds": [0, 1, 2],
        "generations": 2,
        "rows": 10,
        "grid": grid or GRID,
        "design": design,
    }
    return parse({"regimes": {"replace": {}}, "experiments": {"e": experiment}})


def frame(read: Config) -> pd.DataFrame:
    """Return losses that are the sum of the parts, and 1 more in the baseline; seeds differ by a constant."""
    rows = []
    for name, experiment in read.experiments.items():
        labels = set(experiment.point.values())
        loss = sum(PARTS[label] for label in labels) + (labels == {"n10", "mle"})
        key = {"experiment": "e", "variant": name.removeprefix("e__"), "regime": "replace", "metric": "wasserstein2_squared.median"}
        rows += [{**key, "seed": seed, "generation": g, "value": g * (loss + 10 * seed) / 2} for seed in range(3) for g in (1, 2)]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("design", ["crossed", "switched"])
def test_each_setting_gains_its_part_and_all_together_more_or_less_than_the_sum(design: str) -> None:
    parsed_config = config(design=design)
    table = attribution.table(frame(parsed_config), parsed_config)
    assert tuple(table.columns) == attribution.COLUMNS
    losses_and_gains = table[["source", "setting", "loss", "gain"]].to_numpy().tolist()
    assert losses_and_gains[1:] == [
        ["statistical", "n50", 13.0, 5.0],
        ["statistical", "n100", 12.0, 6.0],
        ["approximation", "unbiased", 15.0, 3.0],
        ["all", "", 10.0, 8.0],
    ]
    assert losses_and_gains[0][:3] == ["", "", 18.0]
    assert attribution_table(table).row_count == 5


def test_gains_are_differences_within_a_seed_so_that_what_seeds_share_widens_no_interval() -> None:
    parsed_config = config()
    noisy = frame(parsed_config)
    row = attribution.table(noisy, parsed_config).set_index("setting").loc["n100"]
    assert (row["low"], row["high"]) == pytest.approx((6.0, 6.0))
    noisy.loc[noisy["variant"].eq("n100_mle") & noisy["seed"].eq(1), "value"] += 3
    row = attribution.table(noisy, parsed_config).set_index("setting").loc["n100"]
    assert row["low"] < 5 < row["high"]


def test_where_every_chain_is_absorbed_what_is_gained_is_the_generations_until_then() -> None:
    parsed_config = config({"computational": {"key": "family.training.precision", "values": {"float16": "float16", "float64": "float64"}}})
    absorbed = {"float16": (0.5, 1.0, 1.0), "float64": (0.0, 0.25, 1.0)}
    key = {"experiment": "e", "regime": "replace", "metric": "absorbed.mean"}
    rows = [
        {**key, "variant": variant, "seed": seed, "generation": g, "value": share}
        for variant, shares in absorbed.items()
        for seed in range(3)
        for g, share in enumerate(shares, 1)
    ]
    table = attribution.table(pd.DataFrame(rows), parsed_config)
    # mean generation of absorption: 1 + 0.5, and 1 + 1 + 0.75
    assert table["measure"].unique().tolist() == [attribution.LIFETIME]
    assert table[["loss", "gain"]].to_numpy()[1].tolist() == [2.75, 1.25]
    assert table["loss"][0] == 1.5


def test_the_page_draws_what_the_table_says_of_more_generations_than_a_curve_has_room_for() -> None:
    grid = {"computational": {"key": "family.training.precision", "values": {"float16": "float16", "float64": "float64"}}}
    parsed_config, last = config(grid), {"float16": 150, "float64": 199}
    key = {"experiment": "e", "regime": "replace", "metric": "absorbed.mean", "seed": 0}
    results = {}
    for variant, generation in last.items():
        shares = np.minimum(1.0, np.arange(1, 201) / generation)
        rows = pd.DataFrame({**key, "variant": variant, "generation": range(1, 201), "value": shares})
        results[f"e__{variant}"] = ExperimentResults(f"e__{variant}", parsed_config, rows)
    assert len(results["e__float16"].curve_rows) < 200
    table = draw.numbers(figure_of(parsed_config, "e", "attribution"), results, for_page=True)
    # mean generation of absorption of a share that grows evenly to 1 in n generations: 1 + (n - 1) / 2
    assert table["loss"].tolist() == pytest.approx([75.5, 100.0])


def test_of_images_the_gain_is_in_the_evidence_lower_bound_of_which_more_is_better() -> None:
    parsed_config = config()
    images = frame(parsed_config).assign(metric="test_elbo")
    table = attribution.table(images.assign(value=-images["value"]), parsed_config)
    assert table["measure"].unique().tolist() == ["test_elbo"]
    assert table["gain"].tolist()[1:] == attribution.table(frame(parsed_config), parsed_config)["gain"].tolist()[1:]


def test_a_grid_whose_axes_are_no_sources_is_not_attributed() -> None:
    parsed_config = config({"size": GRID["statistical"]})
    assert attribution.table(frame(parsed_config), parsed_config).empty
    assert attribution.grids(parsed_config) == {}


def test_a_grid_over_sources_has_one_figure_in_place_of_those_of_its_variants() -> None:
    parsed_config = config()
    assert figure_names(parsed_config) == [("e", "attribution")]
    figure = draw.chart(figure_of(parsed_config, "e", "attribution"), attribution.table(frame(parsed_config), parsed_config))
    svg = vl_convert.vegalite_to_svg(figure.to_json())
    assert [label for label in ("statistical n50", "approximation unbiased", ">all<") if label not in svg] == []
    assert "gain in wasserstein2 squared, median (interval: 95 %)" in svg
