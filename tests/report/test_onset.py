"""The onset of collapse: exact where a curve leaves on purpose, rare where nothing happens."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heirloom.config import Config, parse
from heirloom.report import onset
from heirloom.report.summary import onset_table
from heirloom.streams import Stream

GENERATIONS = 8


def config(seeds: int = 6, **control: Any) -> Config:
    experiment = {
        "family": {"name": "ngram"},
        "source": {"name": "wikipedia"},
        "regimes": ["replace", "control"],
        "seeds": list(range(seeds)),
        "generations": GENERATIONS,
        "rows": 20,
        "origin_rows": 200,
    }
    regimes = {"replace": {}, "control": {"pool": 1.0, "synthetic": "none", **control}}
    return parse({"regimes": regimes, "experiments": {"e": experiment}})


def noise(seeds: int, name: str) -> np.ndarray:
    return 0.001 * Stream((0, name)).generator().standard_normal((seeds, GENERATIONS))


def rows(metric: str, regime: str, curves: np.ndarray) -> pd.DataFrame:
    records = [
        {"regime": regime, "seed": seed, "generation": g, "metric": metric, "value": float(value)}
        for seed, curve in enumerate(curves)
        for g, value in enumerate(curve, start=1)
    ]
    return pd.DataFrame(records)


def run(drops: dict[str, list[int]], seeds: int = 6) -> pd.DataFrame:
    """Return tidy rows in which each seed of ``replace`` loses a half of a metric from the given generation on."""
    parts = []
    for metric, from_generation in drops.items():
        parts.append(rows(metric, "control", 1 + noise(seeds, "control " + metric)))
        lost = np.arange(1, GENERATIONS + 1) >= np.array(from_generation)[:, None]
        parts.append(rows(metric, "replace", 1 + noise(len(from_generation), metric) - 0.5 * lost))
    return pd.concat(parts)


def found(own: pd.DataFrame, read: Config) -> pd.DataFrame:
    return onset.table(own, read.experiments["e"], read).set_index("measure")


def test_the_onset_is_the_first_generation_outside_the_band_and_its_range_goes_over_seeds() -> None:
    table = found(run({"distinct_3": [3, 4, 4, 5, 6, 99]}), config())
    row = table.loc["distinct_3"]
    assert [row[key] for key in ("regime", "stage", "onset", "low", "high", "left", "seeds", "control_seeds")] == [
        *("replace", "late", 4.0, 3.0, 6.0, 5, 6, 6)
    ]


def test_leaving_in_the_harmless_direction_is_no_onset() -> None:
    own = run({"distinct_3": [3] * 6})
    own.loc[own["regime"] == "replace", "value"] += 1.0
    assert found(own, config()).loc["distinct_3", "left"] == 0
    assert found(own, config())["onset"].isna().all()
    assert found(own.assign(metric="test_perplexity"), config()).loc["test_perplexity", "onset"] == 1


def test_early_collapse_is_lost_tails_with_the_bulk_intact_and_late_collapse_the_first_loss_of_bulk() -> None:
    own = run({"tail_survival.2-4": [2, 3, 3, 4, 99, 6], "distinct_3": [5, 5, 5, 4, 5, 5], "token_entropy": [6] * 6})
    table = found(own, config())
    early, late = table.loc["early"], table.loc["late"]
    # seeds 0 to 2 lose the tails first; 3 loses both at once, 4 never loses them, 5 loses the bulk first
    assert (early["left"], early["low"], early["high"]) == (3, 2.0, 3.0)
    assert (late["onset"], late["low"], late["left"]) == (5.0, 4.0, 6)


def test_below_five_control_seeds_nothing_is_estimable_and_the_table_says_so() -> None:
    table = found(run({"distinct_3": [3] * 4}, seeds=4), config(4))
    assert table["note"].tolist() == ["not estimable: 4 control seeds, 5 needed"]
    assert table["onset"].isna().all()
    assert onset_table(table.reset_index(), "e").row_count == 0


def test_an_arm_without_a_control_of_its_own_sizes_has_no_onset() -> None:
    own, read = run({"distinct_3": [3] * 6}), config(growth=0.5)
    assert found(own, read).empty
    assert onset.control_of("replace", config().experiments["e"], config()) == "control"


@pytest.mark.parametrize(("seeds", "generations"), [(5, 1), (5, 10), (20, 40)])
def test_a_further_lineage_of_the_control_leaves_the_band_one_time_in_twenty(seeds: int, generations: int) -> None:
    trials = 3000
    curves = Stream((0, "band", seeds, generations)).generator().standard_normal((trials, seeds + 1, generations))
    left = 0
    for trial in curves:
        band = onset.band(trial[:-1])
        left += bool((np.abs(trial[-1] - band.centre) > band.half_width).any())
    assert abs(left / trials - 0.05) / math.sqrt(0.05 * 0.95 / trials) < 4
