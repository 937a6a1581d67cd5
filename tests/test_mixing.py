"""Each regime as a sentence, with exact rows on tiny sets."""

from __future__ import annotations

import numpy as np
import pytest

from heirloom.ancestry import Writer
from heirloom.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.mixing import Ingredients, mix, mix_origin
from heirloom.rows import vector_table
from heirloom.specs.regime import Original, Regime
from heirloom.streams import Stream, lineage

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
    kept = [values(mixed(regime, g)) for g in range(1, 30)]
    for g, got in enumerate(kept, start=1):
        real, synthetic = got[:2], got[2:]
        assert len(got) == ROWS
        assert set(real) < set(ORIGINAL)
        assert real == sorted(real)
        assert set(synthetic) < {100.0 * g + i for i in range(ROWS)}
    assert {value for got in kept for value in got[:2]} == set(ORIGINAL)


def test_keep_fixed_takes_the_same_original_rows_in_every_generation() -> None:
    regime = Regime(original=Original(share=0.5, draw="fixed"))
    assert {tuple(values(mixed(regime, g))[:3]) for g in range(1, 10)} == {tuple(values(mixed(regime, 1))[:3])}


def test_accumulate_keeps_the_original_and_every_synthetic_set_so_that_it_grows_by_rows() -> None:
    regime = Regime(original=Original(share=1.0, draw="fixed"), synthetic="all", budget="grows")
    assert values(mixed(regime, 2)) == [*ORIGINAL, *range(100, 106), *range(200, 206)]


def test_accumulate_fixed_draws_its_budget_evenly_from_the_whole_growing_pool() -> None:
    regime = Regime(original=Original(share=1.0, draw="fixed"), synthetic="all", budget="drawn")
    union = {*ORIGINAL, *range(100, 106), *range(200, 206)}
    drawn = [values(mixed(regime, 2, name=f"arm{i}")) for i in range(300)]
    assert all(len(set(got)) == ROWS and set(got) <= union for got in drawn)
    counts = np.array([sum(value in got for got in drawn) for value in union])
    expected, variance = 300 / 3, 300 * (1 / 3) * (2 / 3)
    assert abs(((counts - expected) ** 2 / variance).sum() - 17) / np.sqrt(2 * 17) < 4


def test_fresh_takes_real_rows_that_neither_the_origin_nor_an_earlier_generation_has_seen() -> None:
    regime = Regime(fresh=1 / 3)
    seen = set(ORIGINAL)
    for g in range(1, 8):
        got = values(mixed(regime, g))
        assert len(got) == ROWS
        new = set(got[:2])
        assert len(new) == 2
        assert not new & seen
        assert max(new) < POOL_ROWS
        seen |= new
    assert len(seen) == POOL_ROWS


def test_control_redraws_its_whole_budget_from_the_real_pool_every_generation() -> None:
    regime = Regime(pool=1.0, synthetic="none")
    drawn = [values(mixed(regime, g)) for g in range(1, 40)]
    assert all(len(set(got)) == ROWS and max(got) < POOL_ROWS for got in drawn)
    assert {value for got in drawn for value in got} == set(map(float, range(POOL_ROWS)))


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
