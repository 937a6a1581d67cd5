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


def drawn(born: int) -> tuple[Dataset, partial[pa.Table]]:
    """Return a set of some generation, and what makes its table of its numbers."""
    x = Stream((born,)).generator().normal(size=(REPLICAS, ROWS + born, WIDTH))
    writer = Writer("m", np.array([1.1, 2.0, 2.3]) * born / 3, np.array([1, 2, 3], np.int32) * born) if born else None
    table = partial(vector_table, born=born, writer=writer)
    return Dataset.of(table(x)), table


@pytest.fixture(params=[False, True], ids=["whole", "selected"])
def sets(request: pytest.FixtureRequest) -> tuple[Dataset, Dataset, list[Dataset]]:
    """Return real rows, what follows them on a stack, and the same sets apart; each selection leaves out a row a replica."""
    stack, apart = Stack(1_000), list[Dataset]()
    for born in range(4):
        rows, table = drawn(born)
        if request.param and born:
            kept = np.arange(rows.num_rows).reshape(REPLICAS, -1)[:, 1:].reshape(-1)
            rows = rows.take(kept)
        stack.put(rows, table if born else None)
        apart.append(rows)
    return stack.sets(0, 1), stack.sets(1), apart


def together(*parts: Dataset) -> Dataset:
    return Dataset([piece for part in parts for piece in part.pieces])


def assert_equal(one: Dataset, other: Dataset) -> None:
    assert one.digest() == other.digest()
    assert np.array_equal(one.by_replica(), other.by_replica())
    assert one.table().equals(other.table())
    for name in ("born", "counts", "depth", "depth_max"):
        mine, its = getattr(one.tally, name), getattr(other.tally, name)
        assert np.array_equal(mine, its)
        assert mine.dtype == its.dtype
    assert one.tally.mean_depth.tobytes() == other.tally.mean_depth.tobytes()


def test_all_sets_of_a_stack_are_the_sets_one_after_another(sets: tuple[Dataset, Dataset, list[Dataset]]) -> None:
    real, rest, apart = sets
    assert_equal(together(real, rest), together(*apart))


@pytest.mark.parametrize("count", [1, 5, 13])
def test_rows_drawn_from_a_stack_are_those_drawn_from_its_sets(sets: tuple[Dataset, Dataset, list[Dataset]], count: int) -> None:
    _, rest, apart = sets
    chosen = choice.subset(Stream((count,)), rest.num_rows // REPLICAS, count, REPLICAS)
    assert_equal(choice.take(rest, chosen), by_hand(apart[1:], chosen))


def test_a_mixture_of_a_stack_is_that_of_its_sets(sets: tuple[Dataset, Dataset, list[Dataset]]) -> None:
    real, rest, apart = sets
    regime = Regime.model_validate({"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "drawn"})
    shuffle, lineage = Stream(("pool",)), Stream((0, "drawn"))
    one, other = (
        mixing.mix(regime, mixing.Ingredients(original, original, synthetic, REPLICAS), ROWS, 3, shuffle=shuffle, lineage=lineage)
        for original, synthetic in ((real, [rest]), (apart[0], apart[1:]))
    )
    assert_equal(one, other)


def by_hand(apart: list[Dataset], chosen: NDArray[np.int64]) -> Dataset:
    """Return chosen rows of sets one after another, set by set."""
    parts, start = list[Dataset](), 0
    for part in apart:
        size = part.num_rows // REPLICAS
        inside = (chosen >= start) & (chosen < start + size)
        if inside.any():
            parts.append(part.take((chosen - start + size * np.arange(REPLICAS)[:, None])[inside]))
        start += size
    return together(*parts)


def test_a_set_that_has_grown_is_read_where_it_lies() -> None:
    stack = Stack(100)
    for born in range(3):
        rows, table = drawn(born)
        stack.put(rows, table)
    first, both = stack.sets(0, 2).by_replica(), together(stack.sets(0, 1), stack.sets(1)).by_replica()
    assert np.shares_memory(first, both)
    assert both.shape == (REPLICAS, 3 * ROWS + 3, WIDTH)


def test_a_stack_holds_the_numbers_and_no_column_of_ancestry() -> None:
    before, stack = pa.total_allocated_bytes(), Stack(10_000)
    for born in range(1, 20):
        rows, table = drawn(born)
        stack.put(rows, table)
    del rows
    assert pa.total_allocated_bytes() - before < 20_000


def test_the_subset_of_a_large_set_has_the_smallest_keys() -> None:
    chosen = choice.subset(Stream((7,)), 50_000, 30, 3)
    keys = Stream((7,)).generator().random((3, 50_000))
    assert np.array_equal(chosen, np.sort(np.argsort(keys, axis=1)[:, :30], axis=1))


def test_the_mean_depth_of_rows_from_many_sets_is_the_same_to_the_last_bit() -> None:
    stack, apart = Stack(10_000), list[Dataset]()
    for born in range(1, 60):
        rows, table = drawn(born)
        stack.put(rows, table)
        apart.append(rows)
    whole = stack.sets(0)
    chosen = choice.subset(Stream(("many",)), whole.num_rows // REPLICAS, 300, REPLICAS)
    for one, other in ((whole, together(*apart)), (choice.take(whole, chosen), by_hand(apart, chosen))):
        assert one.tally.mean_depth.tobytes() == other.tally.mean_depth.tobytes()
