"""Both sides are sampled by key, so what belongs together is drawn together."""

from __future__ import annotations

import numpy as np

from heirloom.diffs import near, sampling
from heirloom.diffs.cells import Ragged, ends
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
