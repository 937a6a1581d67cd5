"""The onset of collapse: exact where an arm loses on purpose, rare where nothing happens."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heirloom import controls
from heirloom.artefacts import kinds
from heirloom.artefacts.manifest import seal
from heirloom.config import Config, parse
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.report import control_curves, flips, onset
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.summary import onset_table
from heirloom.runtime.streams import Stream

GENERATIONS = 8

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

KNOWN = {
    ("test_perplexity", "control"): (
        "202.1 200.1 197.7 189.7; 185.7 200.6 188.7 188.1; 209.6 196.8 192.7 206.8; "
        "202.2 203.7 190.3 196.7; 185.9 200.7 199.3 198.1; 191.2 183.9 190.7 200.4"
    ),
    ("test_perplexity", "replace"): (
        "212.2 342.7 489.4 641.7; 206.3 339.2 494.6 640.6; 216.7 353.7 498.0 628.7; "
        "211.1 348.4 503.7 641.2; 210.6 353.1 498.5 648.7; 217.7 352.9 515.1 678.8"
    ),
    ("distinct_3", "control"): (
        "0.8802 0.8352 0.8379 0.8395; 0.8806 0.8395 0.8372 0.8418; 0.8786 0.8356 0.8386 0.8393; "
        "0.8793 0.8347 0.8388 0.8373; 0.8792 0.8320 0.8349 0.8333; 0.8810 0.8331 0.8374 0.8341"
    ),
    ("distinct_3", "replace"): (
        "0.8783 0.8479 0.8355 0.8294; 0.8770 0.8469 0.8372 0.8321; 0.8790 0.8487 0.8370 0.8311; "
        "0.8776 0.8492 0.8342 0.8255; 0.8804 0.8460 0.8357 0.8315; 0.8799 0.8477 0.8338 0.8280"
    ),
    ("token_entropy", "control"): (
        "6.5355 6.5231 6.5269 6.5127; 6.5336 6.5386 6.5390 6.5184; 6.5388 6.5343 6.5149 6.5399; "
        "6.5310 6.5198 6.5262 6.5335; 6.5379 6.5144 6.5390 6.5336; 6.5304 6.5226 6.5327 6.5311"
    ),
    ("token_entropy", "replace"): (
        "6.5365 6.5314 6.5185 6.5163; 6.5358 6.5369 6.5373 6.5384; 6.5362 6.5269 6.5159 6.5190; "
        "6.5221 6.5226 6.5124 6.4971; 6.5401 6.5290 6.5162 6.5070; 6.5344 6.5331 6.5238 6.5131"
    ),
}
"""Curves of configs/ngram.yaml: seeds 0 to 5 and generations 1 to 4."""


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


def onsets_of(run_rows: pd.DataFrame, parsed_config: Config) -> pd.DataFrame:
    return onset.table(run_rows, parsed_config.experiments["e"], parsed_config).set_index("measure")


def test_the_onset_belongs_to_the_arm_and_is_the_first_generation_that_all_flips_of_seeds_find_rare() -> None:
    table = onsets_of(run({"distinct_3": [4] * 6}), config())
    row = table.loc["distinct_3"]
    assert [row[key] for key in ("regime", "control", "stage", "onset", "p", "level", "units", "note")] == [
        *("replace", "control", "late", 4.0, 1 / 64, 1 / 64, "6 seeds", "")
    ]


def test_a_p_value_is_the_share_of_flips_whose_greatest_statistic_is_as_great() -> None:
    # losses of two seeds at two generations: statistics (1 + 3) / sqrt(10) and (1 - 1) / sqrt(2); flipped seeds give the greatest
    # statistics 1.265, 1.414, 0.632, 0 of the four flips (+ +), (+ -), (- +), (- -): as great as 1.265 are two, as great as 0 are all
    assert flips.p_values(np.array([[[1.0, 1.0], [3.0, -1.0]]])).tolist() == [[0.5, 1.0]]
    assert flips.p_values(np.zeros((1, 5, 3))).tolist() == [[1.0] * 3]


def test_a_flip_that_is_as_great_counts_whatever_the_order_of_the_sum() -> None:
    losses_SG = np.array([[0.6, 1.1], [1.1, -0.5], [0.2, 0.6], [1.0, -0.2], [0.4, 1.0], [0.5, 0.4]])
    assert flips.p_values(losses_SG[None])[0, 0] == 2 / 64


def test_a_positive_measure_is_compared_on_the_logarithm() -> None:
    scale_S1 = 10.0 ** np.arange(6)[:, None]
    noise_S = np.array([0.01, -0.02, 0.003, -0.01, 0.02, -0.005])
    lost_SG = np.exp(np.stack([noise_S, noise_S - 0.7, noise_S - 0.7], axis=1))
    run_rows = pd.concat(
        [rows("covariance_trace", "control", scale_S1 * np.ones(3)), rows("covariance_trace", "replace", scale_S1 * lost_SG)]
    )
    body = config().model_dump()["experiments"]["e"] | {"generations": 3}
    parsed_config = Config.model_validate(config().model_dump() | {"experiments": {"e": body}})
    assert onsets_of(run_rows, parsed_config).loc["covariance_trace", "onset"] == 2.0


@pytest.mark.parametrize(("seeds", "level"), [(5, 1 / 32), (6, 1 / 64), (7, 3 / 128), (20, 102 / 4096)])
def test_the_level_is_what_flips_can_hit_and_five_seeds_have_one_in_thirty_two(seeds: int, level: float) -> None:
    assert flips.level(seeds) == level
    assert flips.flips(seeds).shape == (min(2**seeds, 4096), seeds)
    assert (flips.flips(seeds)[0] == 1).all()


def test_leaving_in_the_harmless_direction_is_no_onset() -> None:
    run_rows = run({"distinct_3": [3] * 6})
    run_rows.loc[run_rows["regime"] == "replace", "value"] += 1.0
    assert onsets_of(run_rows, config())["onset"].isna().all()
    assert onsets_of(run_rows.assign(metric="test_perplexity"), config()).loc["test_perplexity", "onset"] == 1


def test_the_collapse_of_an_n_gram_model_that_is_known_begins_at_generation_two() -> None:
    run_rows = pd.concat(
        [rows(metric, regime, np.array([line.split() for line in curves.split(";")], float)) for (metric, regime), curves in KNOWN.items()]
    )
    body = config().model_dump()["experiments"]["e"] | {"generations": 4}
    parsed_config = Config.model_validate(config().model_dump() | {"experiments": {"e": body}})
    table = onsets_of(run_rows, parsed_config)
    assert table.loc[["late", "test_perplexity"], "onset"].tolist() == [2.0, 2.0]


def test_one_seed_that_collapses_is_no_onset_of_the_arm() -> None:
    assert onsets_of(run({"distinct_3": [3, *[99] * 5]}), config())["onset"].isna().all()


@pytest.mark.parametrize(("tails", "bulk", "early", "late"), [(3, 5, 3, 5), (5, 5, None, 5), (3, 99, 3, None), (99, 5, None, 5)])
def test_early_collapse_is_lost_tails_with_the_bulk_intact_and_late_collapse_the_first_loss_of_bulk(
    tails: int, bulk: int, early: int | None, late: int | None
) -> None:
    run_rows = run({"tail_survival.2-4": [tails] * 6, "distinct_3": [bulk] * 6, "token_entropy": [bulk + 1] * 6})
    onsets = onsets_of(run_rows, config()).loc[["early", "late"], "onset"].tolist()
    assert [None if math.isnan(first) else first for first in onsets] == [early, late]
    assert (onsets_of(run_rows, config()).loc["early", "note"] == onset.WITH_THE_BULK) is (tails == bulk)


def test_below_five_seeds_nothing_is_estimable_and_one_line_names_the_key_to_set() -> None:
    table = onsets_of(run({"distinct_3": [3] * 4}, seeds=4), config(4))
    message = "not estimable with 4 seeds; set experiments.e.seeds: [0, 1, 2, 3, 4, 5]"
    assert table["note"].tolist() == [message]
    assert table["onset"].isna().all()
    assert onset.not_estimable(table.reset_index(), "e") == [f"e: the onset of collapse is {message}"]
    estimable = onsets_of(run({"distinct_3": [3] * 5}, seeds=5), config(5))
    assert onset.not_estimable(estimable.reset_index(), "e") == []


def test_the_seeds_that_were_run_stay_among_those_that_are_asked_for() -> None:
    body = config().model_dump()["experiments"]["e"] | {"seeds": [7]}
    parsed_config = Config.model_validate(config().model_dump() | {"experiments": {"e": body}})
    table = onsets_of(run({"distinct_3": [3]}, seeds=1), parsed_config)
    assert table["note"].tolist() == ["not estimable with 1 seed; set experiments.e.seeds: [7, 0, 1, 2, 3, 4]"]


def test_the_summary_shows_onsets_with_their_level_and_no_table_where_nothing_is_estimable() -> None:
    onsets = onset_table(onsets_of(run({"distinct_3": [4] * 6}), config()).reset_index(), "e")
    assert onsets is not None
    assert onsets.title == "e: onset of collapse (6 seeds, level 1.6 %)"
    assert [list(column.cells) for column in onsets.columns] == [["late", "distinct_3"], ["replace"] * 2, ["4"] * 2, ["0.016"] * 2]
    assert onset_table(onsets_of(run({"distinct_3": [3] * 4}, seeds=4), config(4)).reset_index(), "e") is None


def chained(replicas: int, **changes: Any) -> Config:
    experiment = {
        "family": {"name": "poisson"},
        "source": {"name": "poisson", "rows": 30},
        "regimes": ["replace", "control"],
        "generations": 3,
        "rows": 10,
        "num_replicas": replicas,
        "granularity": "chain",
    }
    regimes = {"replace": {}, "control": {"pool": 1.0, "synthetic": "none"}}
    return parse({"regimes": regimes, "experiments": {"e": experiment | changes}})


def units(count: int, lost: float) -> pd.DataFrame:
    """Return what two chains of seed 0 keep of a rate that the arm loses from generation 2 on."""
    cells = [
        (regime, 0, g, "rate", unit, 1 + 0.01 * unit * g + (1 if regime == "control" else 1 - lost * (g > 1)))
        for regime in ("replace", "control")
        for g in (1, 2, 3)
        for unit in range(count)
    ]
    return pd.DataFrame(cells, columns=["regime", "seed", "generation", "metric", "unit", "value"])


@pytest.mark.parametrize(
    ("replicas", "count", "said"), [(1000, 20, "20 groups of 50 replicas"), (30, 20, "20 groups of 2 replicas"), (6, 6, "6 replicas")]
)
def test_with_one_seed_the_replicas_that_a_chain_has_kept_are_the_units(replicas: int, count: int, said: str) -> None:
    parsed_config = chained(replicas)
    table = onset.table(run({"rate": [99]}, seeds=1), parsed_config.experiments["e"], parsed_config, units(count, lost=0.5)).set_index(
        "measure"
    )
    assert table.loc[["late", "rate"], "onset"].tolist() == [2.0, 2.0]
    assert table.reindex(["late"])[["level", "units"]].to_numpy().tolist() == [[flips.level(count), said]]


def test_seeds_are_the_units_where_there_are_enough_of_them() -> None:
    parsed_config = chained(40, seeds=list(range(6)))
    table = onset.table(run({"rate": [99] * 6}), parsed_config.experiments["e"], parsed_config, units(20, lost=0.5))
    assert set(table["units"]) == {"6 seeds"}


def test_a_run_by_steps_says_that_it_keeps_no_single_replicas() -> None:
    parsed_config = chained(40, granularity="step")
    table = onset.table(run({"rate": [99]}, seeds=1), parsed_config.experiments["e"], parsed_config)
    message = (
        "not estimable with 1 seed; set experiments.e.seeds: [0, 1, 2, 3, 4, 5]; only with granularity: chain are single replicas kept"
    )
    assert table["note"].tolist() == [message]


def test_a_stage_without_measures_has_a_row_that_says_why() -> None:
    parsed_config = chained(40)
    table = onset.table(run({"rate": [99]}, seeds=1), parsed_config.experiments["e"], parsed_config, units(20, lost=0.5))
    why = "the tail of a Poisson law follows from its rate and leaves with it"
    assert table.loc[table["measure"] == "early", "note"].tolist() == [why]
    assert onset.not_estimable(table, "e") == [f"e: no onset of early collapse, since {why}"]
    assert onset_table(table, "e") is not None


def test_a_measure_that_is_no_number_somewhere_is_left_out_with_a_word() -> None:
    run_rows = run({"distinct_3": [4] * 6, "token_entropy": [4] * 6})
    run_rows.loc[(run_rows["metric"] == "token_entropy") & (run_rows["seed"] == 2) & (run_rows["generation"] == 3), "value"] = math.nan
    table = onsets_of(run_rows, config())
    assert table.loc["token_entropy", "note"] == "left out: not a number in some generation of a unit"
    assert table.loc["late", "onset"] == 4.0


def test_an_arm_without_a_control_of_its_own_sizes_has_no_onset() -> None:
    run_rows, parsed_config = run({"distinct_3": [3] * 6}), config(growth=0.5)
    assert onsets_of(run_rows, parsed_config).empty
    fitting = config()
    assert controls.control_of("replace", fitting.experiments["e"], fitting) == "control"


def test_a_control_that_takes_its_whole_pool_every_time_is_refused_as_a_control() -> None:
    body = {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": 20}, "seeds": [0], "generations": 2, "rows": 20}
    regimes = {"replace": {}, "control": {"pool": 1.0, "synthetic": "none"}}
    parsed_config = parse({"regimes": regimes, "experiments": {"g": {**body, "regimes": list(regimes)}}})
    assert controls.control_of("replace", parsed_config.experiments["g"], parsed_config) is None
    table = onset.table(run({"covariance_trace": [1]}, seeds=1), parsed_config.experiments["g"], parsed_config)
    message = "not estimable: each generation of 'control' takes all 20 rows of its pool and redraws nothing"
    assert table["note"].tolist() == [f"{message}; set experiments.g.source.rows above 20"]


@pytest.mark.parametrize(("pool_rows", "control"), [(20, None), (21, "control")])
def test_a_control_of_text_that_takes_its_whole_pool_is_refused_where_the_pool_lies_here(
    pool_rows: int, control: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parsed_config = config(1)
    assert controls.control_of("replace", parsed_config.experiments["e"], parsed_config) == "control"
    pool = kinds.REAL_TRAIN.path("e")
    untold = "so control cannot be checked: if it has 20 rows or fewer, it redraws nothing and is no control"
    assert control_curves.missing_comparisons(ExperimentResults("e", parsed_config, pd.DataFrame())) == [f"e: {pool} is not here, {untold}"]
    Dataset.of(text_table(np.zeros((pool_rows, 2), np.int32), ["a b"] * pool_rows, first_row=0)).write(pool)
    seal([pool], {"slice": {"step": "real"}, "inputs": {}, "environment": {}})
    assert controls.control_of("replace", parsed_config.experiments["e"], parsed_config) == control
    message = "takes all 20 rows of its pool and redraws nothing; set experiments.e.rows below 20"
    notes = onset.table(run({"distinct_3": [3]}, seeds=1), parsed_config.experiments["e"], parsed_config)["note"]
    assert [note.endswith(message) for note in notes] == [control is None]
    assert control_curves.missing_comparisons(ExperimentResults("e", parsed_config, pd.DataFrame())) == []


def test_no_seeds_are_asked_for_where_no_measure_of_collapse_is_measured() -> None:
    assert onsets_of(run({"word_types": [3]}, seeds=1), config(1)).empty


def chi_square(generator: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return generator.chisquare(1, size)


def log_normal(generator: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return np.exp(generator.standard_normal(size))


@pytest.mark.parametrize("law", [np.random.Generator.standard_normal, chi_square, log_normal])
@pytest.mark.parametrize("seeds", [5, 6])
def test_an_arm_that_is_the_control_begins_to_collapse_no_oftener_than_the_level(law: Draw, seeds: int) -> None:
    trials, false = 600, 0
    curves = law(Stream((0, "null", seeds)).generator(), (trials, 2, 3, seeds, 5))
    for arm_MSG, control_MSG in curves:
        false += bool((flips.p_values(arm_MSG - control_MSG) <= flips.level(seeds)).any())
    most = flips.level(seeds)
    assert false / trials <= most + 3 * math.sqrt(most * (1 - most) / trials)
    assert false > 0


@pytest.mark.parametrize(("seeds", "generations"), [(5, 1), (5, 10), (20, 40)])
def test_a_further_lineage_of_the_control_leaves_the_band_one_time_in_twenty(seeds: int, generations: int) -> None:
    trials = 3000
    curves = Stream((0, "band", seeds, generations)).generator().standard_normal((trials, seeds + 1, generations))
    num_exits = 0
    for trial in curves:
        band = onset.band(trial[:-1])
        num_exits += bool((np.abs(trial[-1] - band.centre) > band.half_width).any())
    assert abs(num_exits / trials - 0.05) / math.sqrt(0.05 * 0.95 / trials) < 4
