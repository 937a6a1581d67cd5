"""Each regime as a sentence, with exact rows on tiny sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from pydantic import ValidationError

from heirloom.data import ancestry
from heirloom.data.ancestry import Writer
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table, vector_table
from heirloom.errors import HeirloomError
from heirloom.mixing import Ingredients, mix, mix_origin
from heirloom.runtime.streams import Stream, lineage
from heirloom.selection import select
from heirloom.specs.judges import Select
from heirloom.specs.regime import Original, Regime

SHUFFLE = Stream((0, "pool"))
POOL_ROWS, ORIGIN_ROWS, ROWS = 20, 6, 6


def writer(born: int, replicas: int) -> Writer | None:
    return Writer("ab" * 32, np.full(replicas, float(born)), np.full(replicas, born, np.int32)) if born else None


def rows(first: float, count: int, born: int = 0, replicas: int = 1) -> Dataset:
    """Return rows whose x is ``first``, ``first + 1``, … in every replica, plus 1,000 a replica."""
    x = np.arange(count) + first + 1000 * np.arange(replicas)[:, None]
    return Dataset.of(vector_table(x[:, :, None].astype(float), born=born, writer=writer(born, replicas)))


def values(dataset: Dataset) -> list[float]:
    return [float(v) for v in dataset.by_replica()[0, :, 0]]


def ingredients(generation: int, replicas: int = 1) -> Ingredients:
    pool = rows(0, POOL_ROWS, replicas=replicas)
    synthetic = [rows(100.0 * g, ROWS, born=g, replicas=replicas) for g in range(1, generation + 1)]
    return Ingredients(pool, mix_origin(pool, ORIGIN_ROWS, SHUFFLE, replicas), synthetic, replicas)


def offered_with(synthetic: list[Dataset]) -> Ingredients:
    return replace(ingredients(0), synthetic=synthetic)


def mixed(regime: Regime, generation: int, name: str = "arm", replicas: int = 1) -> Dataset:
    return mix(regime, ingredients(generation, replicas), ROWS, generation, shuffle=SHUFFLE, lineage=lineage(0, name))


ORIGINAL = values(ingredients(0).original)


def test_the_origin_takes_the_head_of_the_shuffled_pool_in_the_pools_order() -> None:
    assert sorted(SHUFFLE.generator().permuted(np.arange(POOL_ROWS)[None], axis=1)[0, :ORIGIN_ROWS].astype(float)) == ORIGINAL
    assert values(mix_origin(rows(0, 4), 4, SHUFFLE)) == [0, 1, 2, 3]


def test_replace_trains_on_the_newest_synthetic_set_and_nothing_else() -> None:
    assert values(mixed(Regime(), 2)) == [200, 201, 202, 203, 204, 205]


def test_keep_takes_its_share_of_the_original_redrawn_each_generation_and_keeps_the_size() -> None:
    regime = Regime(original=Original(share=1 / 3))
    draws = [values(mixed(regime, g)) for g in range(1, 30)]
    for g, got in enumerate(draws, start=1):
        real, synthetic = got[:2], got[2:]
        assert len(got) == ROWS
        assert set(real) < set(ORIGINAL)
        assert real == sorted(real)
        assert set(synthetic) < {100.0 * g + i for i in range(ROWS)}
    assert {value for got in draws for value in got[:2]} == set(ORIGINAL)


def test_keep_fixed_takes_the_same_original_rows_in_every_generation() -> None:
    regime = Regime(original=Original(share=0.5, draw="fixed"))
    assert {tuple(values(mixed(regime, g))[:3]) for g in range(1, 10)} == {tuple(values(mixed(regime, 1))[:3])}


def test_accumulate_keeps_the_original_and_every_synthetic_set_so_that_it_grows_by_rows() -> None:
    regime = Regime(original=Original(share=1.0, draw="fixed"), synthetic="all", budget="grows")
    assert values(mixed(regime, 2)) == [*ORIGINAL, *range(100, 106), *range(200, 206)]


def test_accumulate_fixed_draws_its_budget_evenly_from_the_whole_growing_pool() -> None:
    regime = Regime(original=Original(share=1.0, draw="fixed"), synthetic="all", budget="drawn")
    union = {*ORIGINAL, *range(100, 106), *range(200, 206)}
    draws = [values(mixed(regime, 2, name=f"arm{i}")) for i in range(300)]
    assert all(len(set(got)) == ROWS and set(got) <= union for got in draws)
    counts = np.array([sum(value in got for got in draws) for value in union])
    expected, variance = 300 / 3, 300 * (1 / 3) * (2 / 3)
    assert abs(((counts - expected) ** 2 / variance).sum() - 17) / np.sqrt(2 * 17) < 4


def test_fresh_takes_real_rows_that_neither_the_origin_nor_an_earlier_generation_has_seen() -> None:
    regime = Regime(fresh=1 / 3)
    used_rows = set(ORIGINAL)
    for g in range(1, 8):
        got = values(mixed(regime, g))
        assert len(got) == ROWS
        new = set(got[:2])
        assert len(new) == 2
        assert not new & used_rows
        assert max(new) < POOL_ROWS
        used_rows |= new
    assert len(used_rows) == POOL_ROWS


def test_control_redraws_its_whole_budget_from_the_real_pool_every_generation() -> None:
    regime = Regime(pool=1.0, synthetic="none")
    draws = [values(mixed(regime, g)) for g in range(1, 40)]
    assert all(len(set(got)) == ROWS and max(got) < POOL_ROWS for got in draws)
    assert {value for got in draws for value in got} == set(map(float, range(POOL_ROWS)))


def test_a_fixed_real_set_stands_beside_a_multiple_of_the_newest_synthetic_rows() -> None:
    regime = Regime(original=Original(share=1.0, draw="fixed"), budget="grows", multiple=2.0)
    assert (regime.budget_rows(ROWS, 3), regime.sampled_rows(ROWS, 3)) == (6, 12)
    offered = offered_with([rows(100, 12, born=1), rows(200, 12, born=2)])
    got = values(mix(regime, offered, ROWS, 2, shuffle=SHUFFLE, lineage=lineage(0, "arm")))
    assert got == [*ORIGINAL, *range(200, 212)]


@pytest.mark.parametrize(("growth", "expected"), [(0.0, [6, 6, 6]), (1.0, [12, 18, 24]), (1.5, [17, 31, 48])])
def test_the_budget_of_generation_g_is_rows_times_g_plus_one_to_the_growth(growth: float, expected: list[int]) -> None:
    regime = Regime(growth=growth)
    assert [regime.budget_rows(ROWS, g) for g in (1, 2, 3)] == expected
    assert [regime.sampled_rows(ROWS, g) for g in (1, 2, 3)] == expected


@pytest.mark.parametrize(
    "regime",
    [
        Regime(),
        Regime(original=Original(share=1 / 3)),
        Regime(original=Original(share=1.0, draw="fixed"), synthetic="all", budget="grows"),
        Regime(original=Original(share=0.5, draw="fixed"), synthetic="all", budget="grows"),
        Regime(original=Original(share=1.0, draw="fixed"), synthetic="all", budget="drawn"),
        Regime(original=Original(share=1.0, draw="fixed"), budget="grows"),
        Regime(fresh=0.5, synthetic="all", budget="grows"),
        Regime(fresh=0.5, budget="grows"),
        Regime(pool=1.0, synthetic="none"),
        Regime(pool=1.0, synthetic="none", growth=1.0),
    ],
)
def test_a_regime_says_how_many_rows_mixing_gives(regime: Regime) -> None:
    assert [mixed(regime, g).num_rows for g in (1, 2)] == [regime.trained_rows(ROWS, g) for g in (1, 2)]


def test_a_growing_regime_takes_its_shares_of_the_grown_budget_and_fresh_rows_never_twice() -> None:
    regime = Regime(growth=1.0, fresh=0.25)
    assert regime.fresh_rows(ROWS, 2) == [3, 4]
    offered = offered_with([rows(100, 12, born=1)])
    first = values(mix(regime, offered, ROWS, 1, shuffle=SHUFFLE, lineage=lineage(0, "arm")))
    offered = offered_with([rows(200, 18, born=2)])
    second = values(mix(regime, offered, ROWS, 2, shuffle=SHUFFLE, lineage=lineage(0, "arm")))
    assert (len(first), len(second)) == (12, 18)
    real = first[:3], second[:4]
    assert max(*real[0], *real[1]) < POOL_ROWS
    assert len({*real[0], *real[1], *ORIGINAL}) == 3 + 4 + ORIGIN_ROWS


def test_weighted_rows_are_the_unweighted_ones_and_the_real_ones_sum_to_their_weight() -> None:
    weighted = mixed(Regime(original=Original(share=1 / 3), real_weight=0.7), 2)
    assert values(weighted) == values(mixed(Regime(original=Original(share=1 / 3)), 2))
    assert weighted.weights() == pytest.approx([0.7 * 6 / 2] * 2 + [0.3 * 6 / 4] * 4)
    assert weighted.weights().mean() == pytest.approx(1.0)
    golden = mixed(Regime(fresh=0.5, real_weight="golden"), 1).weights()
    assert golden == pytest.approx([(5**0.5 - 1)] * 3 + [(3 - 5**0.5)] * 3)


def test_only_a_weighted_set_has_a_column_of_weights_and_it_survives_the_file(tmp_path: Path) -> None:
    weighted, plain = mixed(Regime(fresh=0.5, real_weight=0.6), 1, replicas=2), mixed(Regime(fresh=0.5), 1, replicas=2)
    weighted.write(tmp_path / "weighted.parquet")
    plain.write(tmp_path / "plain.parquet")
    reopened = Dataset.open(tmp_path / "weighted.parquet")
    assert reopened.is_weighted
    assert "weight" not in Dataset.open(tmp_path / "plain.parquet").table().column_names
    assert not plain.is_weighted
    for dataset in (reopened, weighted):
        assert dataset.by_replica("weight")[:, :, 0] == pytest.approx(np.array([[1.2] * 3 + [0.8] * 3] * 2))
    assert weighted.digest() != plain.digest()


def test_a_side_that_rounds_to_no_rows_cannot_be_weighted() -> None:
    with pytest.raises(HeirloomError, match="`real_weight` needs real and synthetic rows, but there are 0 and 6"):
        mixed(Regime(fresh=0.01, real_weight=0.5), 1)


SCORES = np.array([[3.0, 9.0, 1.0, 7.0, 5.0, 8.0]])


def chosen_rows(selection: Select, scores: np.ndarray = SCORES) -> list[float]:
    return values(select(rows(100, ROWS, born=1, replicas=len(scores)), scores, selection, Stream((0, "select"))))


def test_a_perfect_judge_keeps_the_top_share_in_the_rows_own_order() -> None:
    assert chosen_rows(Select(by="likelihood", share=0.5)) == [101, 103, 105]


def test_a_judge_that_errs_keeps_exact_shares_of_those_that_ought_to_pass_and_of_the_others() -> None:
    selected = chosen_rows(Select(by="likelihood", share=0.5, true_keep=2 / 3, false_keep=1 / 3))
    assert selected == sorted(selected)
    assert (len({101, 103, 105} & set(selected)), len({100, 102, 104} & set(selected))) == (2, 1)
    assert chosen_rows(Select(by="likelihood", share=0.5, true_keep=0.0, false_keep=1.0)) == [100, 102, 104]


def test_selection_is_a_replica_at_a_time_and_more_replicas_leave_earlier_ones_alone() -> None:
    selection = Select(by="likelihood", share=0.5, true_keep=2 / 3, false_keep=1 / 3)
    scores = np.concatenate([SCORES, -SCORES])
    both = select(rows(100, ROWS, born=1, replicas=2), scores, selection, Stream((0, "select"))).by_replica()[:, :, 0]
    assert both[0].tolist() == chosen_rows(selection)
    assert len({1100, 1102, 1104} & set(both[1].tolist())) == 2


def test_equal_scores_are_ordered_by_chance() -> None:
    selection = Select(by="detector", share=0.5)
    draws = {tuple(values(select(rows(100, ROWS), np.zeros((1, ROWS)), selection, Stream((seed, "select"))))) for seed in range(20)}
    assert len(draws) > 5


def test_selected_rows_fill_the_budget_of_the_next_training_set() -> None:
    regime = Regime(select=Select(by="likelihood", share=0.5), multiple=2.0)
    offered = offered_with([rows(100, 6, born=1)])
    assert values(mix(regime, offered, ROWS, 1, shuffle=SHUFFLE, lineage=lineage(0, "arm"))) == [*range(100, 106)]


def test_a_selection_that_rounds_to_nothing_is_refused() -> None:
    with pytest.raises(HeirloomError, match="`select` keeps none of 6 rows"):
        chosen_rows(Select(by="likelihood", share=0.05))


def test_adding_replicas_leaves_the_rows_of_earlier_ones_unchanged() -> None:
    for regime in (
        Regime(original=Original(share=0.5)),
        Regime(fresh=0.5),
        Regime(pool=1.0, synthetic="none"),
        Regime(original=Original(share=1.0), synthetic="all", budget="drawn"),
    ):
        few, many = mixed(regime, 2, replicas=2).by_replica(), mixed(regime, 2, replicas=5).by_replica()
        assert np.array_equal(few, many[:2])
        assert not np.array_equal(many[0] % 1000, many[1] % 1000)


def test_another_arm_draws_other_rows() -> None:
    regime = Regime(pool=1.0, synthetic="none")
    assert values(mixed(regime, 1, "one")) != values(mixed(regime, 1, "two"))


def test_ancestry_goes_along_with_the_rows() -> None:
    table = mixed(Regime(original=Original(share=0.5)), 3).table(["kind", "born", "model", "row"])
    assert table["kind"].to_pylist() == ["real"] * 3 + ["synthetic"] * 3
    assert table["born"].to_pylist() == [0] * 3 + [3] * 3
    assert table["model"].to_pylist() == [None] * 3 + ["ab" * 32] * 3


@pytest.mark.parametrize(
    ("regime", "generation", "message"),
    [
        (Regime(fresh=1.0), 3, "`fresh` needs 24 rows, but the real training pool, original set included has 20"),
    ],
)
def test_more_real_rows_than_exist_are_refused(regime: Regime, generation: int, message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        mixed(regime, generation)


def test_an_origin_larger_than_the_pool_is_refused() -> None:
    with pytest.raises(HeirloomError, match="`origin_rows` needs 21 rows, but the real training pool has 20"):
        mix_origin(rows(0, POOL_ROWS), 21, SHUFFLE)


def text_rows(ids: list[int], born: int = 0, parent: list[int] | None = None) -> Dataset:
    """Return rows of two tokens, the row's id and its generation."""
    tokens = np.array([[number, born] for number in ids], np.int32)
    return Dataset.of(text_table(tokens, [str(number) for number in ids], first_row=0, born=born, parent=parent, writer=writer(born, 1)))


def kept_and_continued(regime: Regime, generation: int, prompts: list[int], rows: int) -> tuple[list[int], list[int]]:
    """Return which original rows a training set keeps, and which its synthetic rows continue; the pool has 12 rows, the origin all."""
    pool = text_rows(list(range(12)))
    newest = text_rows([100 + number for number in prompts], generation, prompts)
    offered = Ingredients(pool, pool, [newest])
    table = mix(regime, offered, rows, generation, shuffle=SHUFFLE, lineage=lineage(0, "arm")).table(["row", "kind", "parent"])
    by_kind = {kind: table.filter(pc.equal(table["kind"], kind)) for kind in ("real", "synthetic")}
    return by_kind["real"]["row"].to_pylist(), by_kind["synthetic"]["parent"].to_pylist()


EXCLUDED = Regime(original=Original(share=0.3, continuation="excluded", batch_rows=2))


def test_each_prompt_gives_one_row_itself_or_its_continuation_where_continuations_of_kept_rows_are_excluded() -> None:
    originals, continued = kept_and_continued(EXCLUDED, 1, list(range(12)), 12)
    step = lineage(0, "arm").child(1, "mix").child("original")
    assert originals == np.sort(np.argpartition(step.generator().random((1, 12)), 3, axis=1)[0, :4]).tolist()
    assert originals == [0, 1, 2, 11]
    assert continued == [3, 4, 5, 6, 7, 8, 9, 10]
    independent = Regime(original=Original(share=0.3, batch_rows=2))
    assert kept_and_continued(independent, 1, list(range(12)), 12) == (originals, [0, 2, 4, 6, 7, 8, 9, 10])


def test_rows_that_stand_for_their_prompts_keep_their_ancestry() -> None:
    pool = text_rows(list(range(12)))
    mixture = mix(
        EXCLUDED, Ingredients(pool, pool, [text_rows(list(range(12)), 3, list(range(12)))]), 12, 3, shuffle=SHUFFLE, lineage=Stream(())
    )
    figures = ancestry.figures(mixture.tally, mixture.count_distinct_real())
    assert figures["ancestry.real_row_share"] == pytest.approx(4 / 12)
    assert figures["ancestry.distinct_real_rows"] == 4
    assert figures["ancestry.depth_mean"] == pytest.approx(8 / 12 * 3)


def test_kept_rows_are_prompts_of_the_newest_set_where_fewer_rows_are_continued_than_there_are() -> None:
    originals, continued = kept_and_continued(EXCLUDED, 2, [1, 4, 5, 8, 10, 11], 6)
    assert (len(originals), sorted([*originals, *continued])) == (2, [1, 4, 5, 8, 10, 11])


def test_fixed_rows_stay_the_same_where_their_continuations_are_excluded() -> None:
    fixed = Regime(original=Original(share=0.3, draw="fixed", continuation="excluded"))
    first, second = (kept_and_continued(fixed, generation, list(range(12)), 12) for generation in (1, 2))
    assert first == second
    assert kept_and_continued(EXCLUDED, 1, list(range(12)), 12) != kept_and_continued(EXCLUDED, 2, list(range(12)), 12)


def test_kept_rows_are_whole_batches_rounded_up_as_published() -> None:
    counts = [Original(share=share, batch_rows=batch).rows(rows) for share, batch, rows in PUBLISHED_BATCHES]
    assert counts == [3840, 3840, 16, 8, 0, 20]


PUBLISHED_BATCHES = [(0.1, 128, 37_930), (0.1, 128, 37_888), (0.1, 8, 160), (0.1, 8, 80), (0.0, 8, 80), (0.9, 16, 20)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"budget": "grows"}, "needs `budget: fixed`"),
        ({"budget": "drawn", "synthetic": "all"}, "needs `synthetic: latest` and needs `budget: fixed`"),
        ({"multiple": 2.0}, "needs `multiple: 1`"),
        ({"fresh": 0.1}, "goes without `fresh`"),
        ({"pool": 0.1}, "goes without `pool`"),
        ({"edit": {"above": 0.5}}, "goes without `edit`"),
        ({"multiple": 2.0, "select": {"by": "likelihood", "share": 0.6}}, "needs `multiple: 1` and goes without `select`"),
    ],
)
def test_a_regime_in_which_not_each_prompt_gives_one_row_is_refused_in_one_line(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Regime.model_validate({"original": {"share": 0.1, "continuation": "excluded"}, **change})
    (fault,) = caught.value.errors()
    assert f"`original.continuation: excluded` {words}: each prompt gives one row" in fault["msg"]


def test_synthetic_rows_that_continue_nothing_are_refused() -> None:
    offered = Ingredients(text_rows(list(range(12))), text_rows(list(range(12))), [text_rows(list(range(6)), 1)])
    with pytest.raises(HeirloomError, match=r"continue original rows, one a prompt, but 6 rows continue 0"):
        mix(EXCLUDED, offered, 6, 1, shuffle=SHUFFLE, lineage=lineage(0, "arm"))
