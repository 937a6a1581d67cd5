"""The table behind each figure holds exactly what is drawn."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heirloom.config import Config
from heirloom.report import numbers, tables
from heirloom.report.figures import synthetic_perplexity, tail_survival
from report.conftest import figure_of

REGIMES = ["replace", "keep", "control"]


@pytest.fixture
def words(run: Path, config: Config) -> pd.DataFrame:
    return tables.of_experiment(tables.gather(config), "words", config.experiments["words"])


def test_every_regime_begins_at_generation_0(words: pd.DataFrame) -> None:
    table = numbers.by_regime(words, ["test_perplexity"], REGIMES)
    assert list(table["regime"].unique()) == REGIMES
    first = table[table["generation"] == 0]
    assert first["mean"].tolist() == pytest.approx([math.sqrt(60.0 * 61.0)] * 3)
    assert table.groupby("regime")["generation"].apply(list).tolist() == [[0, 1, 2, 3]] * 3


def test_the_band_reaches_from_the_least_to_the_greatest_seed(words: pd.DataFrame) -> None:
    row = numbers.by_regime(words, ["test_perplexity"], REGIMES).iloc[0]
    assert (row["low"], row["high"], row["seeds"]) == (60.0, 61.0, 2)
    assert row["mean"] == pytest.approx(math.sqrt(60.0 * 61.0))  # of a positive measure, as in the sentence on top


def test_few_seeds_are_shown_one_by_one_and_many_are_not() -> None:
    def rows(seeds: int) -> pd.DataFrame:
        place = {"regime": "replace", "generation": 1, "metric": "test_perplexity"}
        return pd.DataFrame([{**place, "seed": seed, "value": 10.0 + seed} for seed in range(seeds)])

    columns = ["mean", "seed 0", "seed 1", "seed 2"]
    assert numbers.curves(rows(3))[columns].iloc[0].tolist() == pytest.approx([(10.0 * 11.0 * 12.0) ** (1 / 3), 10.0, 11.0, 12.0])
    for seeds in (1, 10):
        assert [column for column in numbers.curves(rows(seeds)).columns if column.startswith("seed ")] == []


def test_tail_survival_has_a_line_a_band(words: pd.DataFrame, config: Config) -> None:
    table = tail_survival.numbers(figure_of(config, "words", "tail_survival").subject, words)
    assert set(table["band"]) == {"1", "2-4", "5-16", "17-64", "65+"}
    assert table.loc[(table["band"] == "1") & (table["generation"] == 0), "mean"].tolist() == pytest.approx([0.3] * 3)


def test_neutral_drift_stands_beside_survival_where_it_is_known(words: pd.DataFrame, config: Config) -> None:
    table = tail_survival.numbers(figure_of(config, "words", "tail_survival").subject, words)
    band = table[(table["regime"] == "replace") & (table["band"] == "2-4")]
    assert band["drift"].tolist() == pytest.approx([np.nan, 0.5, 0.25, 0.125], nan_ok=True)
    assert table.loc[table["band"] == "1", "drift"].isna().all()


def test_the_histogram_keeps_all_mass_and_leaves_out_empty_ends(words: pd.DataFrame, config: Config) -> None:
    table = synthetic_perplexity.numbers(figure_of(config, "words", "synthetic_perplexity").subject, words)
    np.testing.assert_allclose(table.groupby(["regime", "generation"])["share"].sum(), 1)
    assert (table["log10_from"].min(), table["log10_from"].max()) == (0.7, 3.5)
    np.testing.assert_allclose(table["perplexity"], 10 ** (table["log10_from"] + 0.05))


def test_the_open_bin_below_one_is_drawn_just_left_of_it(config: Config) -> None:
    rows = {"origin_perplexity_histogram.-inf": 0.25, "origin_perplexity_histogram.0.00": 0.75}
    rows_of_origin = pd.DataFrame({"regime": "origin", "generation": 0, "metric": list(rows), "value": list(rows.values())})
    table = synthetic_perplexity.numbers(figure_of(config, "words", "synthetic_perplexity").subject, rows_of_origin)
    assert table[["log10_from", "share"]].to_numpy().tolist() == [[-0.1, 0.25], [0.0, 0.75]] * len(REGIMES)


def test_at_most_seven_generations_are_drawn_first_and_last_among_them(config: Config) -> None:
    subject = figure_of(config, "words", "synthetic_perplexity").subject
    rows = {"regime": "replace", "generation": range(101), "metric": "origin_perplexity_histogram.1.00", "value": 1.0}
    table = synthetic_perplexity.numbers(subject, pd.DataFrame(rows))
    assert table["generation"].tolist() == [0, 17, 33, 50, 67, 83, 100]


def test_standard_errors_of_independent_seeds_are_pooled() -> None:
    rows = [("v.mean", 0, 1.0), ("v.mean", 1, 3.0), ("v.se", 0, 0.3), ("v.se", 1, 0.4), ("v.median", 0, 1.0), ("v.median", 1, 2.0)]
    rows_of_origin = pd.DataFrame([{"regime": "origin", "generation": 0, "metric": m, "seed": s, "value": v} for m, s, v in rows])
    assert numbers.estimates(rows_of_origin, ["replace"], "v").to_dict("records") == [
        {"regime": "replace", "generation": 0, "mean": 2.0, "se": pytest.approx(0.25), "median": 1.5}
    ]


def test_with_one_replica_the_spread_is_that_of_the_seeds() -> None:
    rows_of_origin = pd.DataFrame({"regime": "origin", "generation": 0, "metric": "v", "seed": [0, 1, 2], "value": [1.0, 2.0, 6.0]})
    (row,) = numbers.estimates(rows_of_origin, ["replace"], "v").to_dict("records")
    assert (row["mean"], row["median"]) == (3.0, 2.0)
    assert row["se"] == pytest.approx(np.std([1, 2, 6], ddof=1) / np.sqrt(3))


def test_variance_stands_beside_its_closed_form(run: Path, config: Config) -> None:
    toy = config.experiments["toy"]
    rows_of_toy = tables.of_experiment(tables.gather(config), "toy", toy)
    table = numbers.beside_theory("covariance_trace", rows_of_toy, toy, figure_of(config, "toy", "variance").subject.regimes)
    replace = table[table["regime"] == "replace"]
    np.testing.assert_allclose(replace["expected"], 0.9 ** np.arange(1, 8))
    np.testing.assert_allclose(replace["mean"], 0.9 ** np.arange(1, 8))
    assert list(table.columns) == ["regime", "generation", "mean", "se", "median", "expected"]
