"""Both sides are sampled by key, so what belongs together is drawn together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heirloom.diffs import near, rows, sampling
from heirloom.diffs.cells import Ragged, ends
from heirloom.diffs.common import common
from heirloom.diffs.sides import locate
from heirloom.runtime.streams import Stream


def test_a_key_that_is_drawn_on_one_side_is_drawn_on_the_other() -> None:
    a, b = np.arange(1000, dtype=np.uint64), np.arange(200, 1200, dtype=np.uint64)
    at_a, at_b = sampling.draw(a, b, 100, Stream((0,)))
    shared = np.intersect1d(a, b)
    assert set(a[at_a]) & set(shared) == set(b[at_b]) & set(shared)
    assert 50 < len(at_a) <= 100
    assert 50 < len(at_b) <= 100
    everything, _ = sampling.draw(a, b, 1000, Stream((0,)))
    assert everything.tolist() == list(range(1000))


def test_near_duplicates_are_sampled_together() -> None:
    rows = Stream(("rows",)).generator().integers(0, 10_000, (4000, 40))
    changed = rows.copy()
    changed[:, 0] = 10_001
    signed = [near.signatures(Ragged(table.reshape(-1), ends(np.full(4000, 40))), 0) for table in (rows, changed)]
    chosen = [near.in_sample(one, 0.25) for one in signed]
    share = 0.25
    assert abs(chosen[0].mean() - share) < 4 * (share * (1 - share) / 4000) ** 0.5
    together = (chosen[0] & chosen[1]).sum() / chosen[0].sum()
    assert together > 37 / 39 - 4 * (0.05 * 0.95 / 1000) ** 0.5  # 37 of 39 3-grams are shared


@pytest.mark.parametrize("num_repeats", [0, 1, 3])
def test_copies_are_the_rows_whose_content_both_sides_have_equally_often(num_repeats: int) -> None:
    generator = Stream((0, "copies")).generator()
    both, one = generator.integers(1, 2**63, 60).astype(np.uint64), generator.integers(1, 2**63, 40).astype(np.uint64)
    a = generator.permutation(np.concatenate([both, both[:5], one[:20], np.repeat(one[20 : 20 + num_repeats], 2)]))
    b = generator.permutation(np.concatenate([both, one[30:]]))
    copies = sampling._copies(a, b)
    if num_repeats > 1:  # of the 55 contents that are once on each side, 2 % is one
        assert copies is None
        return
    assert copies is not None
    times_a, times_b = Counter(a.tolist()), Counter(b.tolist())
    for names, contents in zip(copies, (a, b), strict=True):
        assert [name != 0 for name in names.tolist()] == [times_a[content] == times_b[content] for content in contents.tolist()]
    names_a, names_b = copies
    content_of = dict(zip(names_a.tolist(), a.tolist(), strict=True))
    assert all(content_of[name] == content for name, content in zip(names_b.tolist(), b.tolist(), strict=True) if name)


def test_what_no_column_tells_of_rows_takes_no_memory_per_row(write: Callable[..., Path]) -> None:
    a, b = (locate(write(name, x=[[0.5 * row, 1.0] for row in range(100)])) for name in "ab")
    table = rows.read(a, common(a, b))
    unknown = (table.units, table.kinds, table.depths, table.names, table.groups)
    assert [column.shape for column in unknown] == [(100,)] * 5
    assert [column.strides for column in unknown] == [(0,)] * 5
    assert [np.unique(column).tolist() for column in unknown] == [[-1], [-1], [-1], [0], [0]]
