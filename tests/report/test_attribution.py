"""The loss is attributed to the source that was made to cause it."""

from __future__ import annotations

import itertools
from typing import Any

import pandas as pd
import pytest

from heirloom.config import Config, parse
from heirloom.report import attribution

PARTS = {"statistical": 5.0, "approximation": 2.0}


def config(values: dict[str, Any] | None = None) -> Config:
    experiment = {
        "family": {"name": "gaussian"},
        "source": {"name": "normal", "rows": 100},
        "regimes": ["replace"],
        "seeds": [0, 1, 2],
        "generations": 2,
        "rows": 10,
        "grid": {
            "statistical": {"key": "rows", "values": values or {"statistical": 10, "nostatistical": 100}},
            "approximation": {"key": "family.training.divisor", "values": {"approximation": "n", "noapproximation": "n-1"}},
        },
    }
    return parse({"regimes": {"replace": {}}, "experiments": {"e": experiment}})


def frame() -> pd.DataFrame:
    """Return losses that are the sum of the sources that are on, and 1 more where both are; seeds differ by a constant."""
    rows = []
    for on in itertools.product((True, False), repeat=2):
        loss = sum(part for part, is_on in zip(PARTS.values(), on, strict=True) if is_on) + all(on)
        variant = "_".join(source if is_on else "no" + source for source, is_on in zip(PARTS, on, strict=True))
        key = {"experiment": "e", "variant": variant, "regime": "replace", "metric": "wasserstein2_squared.median"}
        rows += [{**key, "seed": seed, "generation": g, "value": g * (loss + 10 * seed) / 2} for seed in range(3) for g in (1, 2)]
    return pd.DataFrame(rows)


def test_each_source_gains_its_part_and_all_together_more_than_the_sum() -> None:
    table = attribution.table(frame(), config()).set_index("switched_off")
    assert tuple(table.reset_index()[list(attribution.COLUMNS)].columns) == attribution.COLUMNS
    assert table["gain"].to_dict() == pytest.approx({"": float("nan"), "statistical": 6, "approximation": 3, "all": 8}, nan_ok=True)
    assert table["loss"].to_dict() == pytest.approx({"": 18, "statistical": 12, "approximation": 15, "all": 10})


def test_gains_are_differences_within_a_seed_so_that_what_seeds_share_widens_no_interval() -> None:
    table = attribution.table(frame(), config()).set_index("switched_off")
    assert (table.loc["statistical", "low"], table.loc["statistical", "high"]) == pytest.approx((6.0, 6.0))
    noisy = frame()
    chosen = noisy["variant"].eq("nostatistical_approximation") & noisy["seed"].eq(1)
    noisy.loc[chosen, "value"] += 3
    row = attribution.table(noisy, config()).set_index("switched_off").loc["statistical"]
    assert row["low"] < 5 < row["high"]


def test_a_grid_that_switches_nothing_is_not_attributed() -> None:
    other = frame().assign(variant=frame()["variant"].str.replace("nostatistical", "large"))
    assert attribution.table(other, config({"statistical": 10, "large": 100})).empty
