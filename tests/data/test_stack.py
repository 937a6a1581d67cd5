"""What lies on a stack is what the sets were that were put on it: by their numbers, their hashes, their ancestry and their rows."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from heirloom import mixing
from heirloom.data import choice
from heirloom.data.ancestry import Writer
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.data.stack import Stack
from heirloom.runtime.streams import Stream
from heirloom.specs.regime import Regime

REPLICAS, ROWS, WIDTH = 3, 4, 2


def synthetic_set(born: int) -> tuple[Dataset, partial[pa.Table]]:
    """Return a set of some generation, and what makes its table of its numbers."""
    x = Stream((born,)).generator().normal(size=(REPLICAS, ROWS + born, WIDTH))
    writer = Writer("m", np.array([1.1, 2.0, 2.3]) * born / 3, np.array([1, 2, 3], np.int32) * born) if born else None
    table = partial(vector_table, born=born, writer=writer)
    return Dataset.of(table(x)), table


@pytest.fixture(params=[False, True], ids=["whole", "selected"])
def sets(request: pytest.FixtureRequest) -> tuple[Dataset, Dataset, list[Dataset]]:
    """Return real rows, what follows them on a stack, and the same sets apart; each selection leaves out a row a replica."""
    stack, separate_sets = Stack(1_000), list[Dataset]()
    for born in range(4):
        rows, table = synthetic_set(born)
        if request.param and born:
            positions = np.arange(rows.num_rows).reshape(REPLICAS, -1)[:, 1:].reshape(-1)
            rows = rows.take(positions)
        stack.put(rows, table if born else None)
        separate_sets.append(rows)
    return stack.sets(0, 1), stack.sets(1), separate_sets


def together(*parts: Dataset) -> Dataset:
    return Dataset([piece for part in parts for piece in part.pieces])


def assert_equal(a: Dataset, b: Dataset) -> None:
    assert a.digest() == b.digest()
    assert np.array_equal(a.by_replica(), b.by_replica())
    assert a.table().equals(b.table())
    for name in ("born", "counts", "depth", "depth_max"):
        value_a, value_b = getattr(a.tally, name), getattr(b.tally, name)
        assert np.array_equal(value_a, value_b)
        assert value_a.dtype == value_b.dtype
    assert a.tally.mean_depth.tobytes() == b.tally.mean_depth.tobytes()


def test_all_sets_of_a_stack_are_the_sets_one_after_another(sets: tuple[Dataset, Dataset, list[Dataset]]) -> None:
    real, synthetic_sets, separate_sets = sets
    assert_equal(together(real, synthetic_sets), together(*separate_sets))


@pytest.mark.parametrize("count", [1, 5, 13])
def test_rows_drawn_from_a_stack_are_those_drawn_from_its_sets(sets: tuple[Dataset, Dataset, list[Dataset]], count: int) -> None:
    _, synthetic_sets, separate_sets = sets
    positions = choice.subset(Stream((count,)), synthetic_sets.num_rows // REPLICAS, count, REPLICAS)
    assert_equal(choice.take(synthetic_sets, positions), by_hand(separate_sets[1:], positions))


def test_a_mixture_of_a_stack_is_that_of_its_sets(sets: tuple[Dataset, Dataset, list[Dataset]]) -> None:
    real, synthetic_sets, separate_sets = sets
    regime = Regime.model_validate({"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "drawn"})
    shuffle, lineage = Stream(("pool",)), Stream((0, "drawn"))
    of_stack, of_sets = (
        mixing.mix(regime, mixing.Ingredients(original, original, synthetic, REPLICAS), ROWS, 3, shuffle=shuffle, lineage=lineage)
        for original, synthetic in ((real, [synthetic_sets]), (separate_sets[0], separate_sets[1:]))
    )
    assert_equal(of_stack, of_sets)


def by_hand(separate_sets: list[Dataset], positions: NDArray[np.int64]) -> Dataset:
    """Return chosen rows of sets one after another, set by set."""
    parts, start = list[Dataset](), 0
    for part in separate_sets:
        size = part.num_rows // REPLICAS
        is_in_part = (positions >= start) & (positions < start + size)
        if is_in_part.any():
            parts.append(part.take((positions - start + size * np.arange(REPLICAS)[:, None])[is_in_part]))
        start += size
    return together(*parts)


def test_a_set_that_has_grown_is_read_where_it_lies() -> None:
    stack = Stack(100)
    for born in range(3):
        rows, table = synthetic_set(born)
        stack.put(rows, table)
    first, both = stack.sets(0, 2).by_replica(), together(stack.sets(0, 1), stack.sets(1)).by_replica()
    assert np.shares_memory(first, both)
    assert both.shape == (REPLICAS, 3 * ROWS + 3, WIDTH)


def test_a_stack_holds_the_numbers_and_no_column_of_ancestry() -> None:
    num_bytes, stack = pa.total_allocated_bytes(), Stack(10_000)
    for born in range(1, 20):
        rows, table = synthetic_set(born)
        stack.put(rows, table)
    del rows
    assert pa.total_allocated_bytes() - num_bytes < 20_000


def test_the_subset_of_a_large_set_has_the_smallest_keys() -> None:
    positions = choice.subset(Stream((7,)), 50_000, 30, 3)
    keys = Stream((7,)).generator().random((3, 50_000))
    assert np.array_equal(positions, np.sort(np.argsort(keys, axis=1)[:, :30], axis=1))


def test_the_mean_depth_of_rows_from_many_sets_is_the_same_to_the_last_bit() -> None:
    stack, separate_sets = Stack(10_000), list[Dataset]()
    for born in range(1, 60):
        rows, table = synthetic_set(born)
        stack.put(rows, table)
        separate_sets.append(rows)
    all_sets = stack.sets(0)
    positions = choice.subset(Stream(("many",)), all_sets.num_rows // REPLICAS, 300, REPLICAS)
    for a, b in ((all_sets, together(*separate_sets)), (choice.take(all_sets, positions), by_hand(separate_sets, positions))):
        assert a.tally.mean_depth.tobytes() == b.tally.mean_depth.tobytes()
