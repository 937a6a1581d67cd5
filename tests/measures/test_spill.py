"""Numbers that wait on disk are those that were put in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.measures import ngrams, spill
from heirloom.runtime.streams import Stream

RNG = Stream(("spill",)).generator()
BATCHES = [RNG.integers(0, 2**64, size, np.uint64) for size in (700, 10, 0, 400, 650, 300)]
BATCHES = [np.concatenate([batch, batch[:90], BATCHES[0][:50]]) for batch in BATCHES]
ALL = np.concatenate(BATCHES)


@pytest.fixture(params=[10**6, 500], ids=["in memory", "on disk"])
def limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "HELD", request.param)


def companions(numbers: spill.Numbers) -> NDArray[np.int64]:
    assert numbers.companions is not None
    return numbers.companions


def test_every_number_comes_back_once_in_its_range(limit: None) -> None:
    bag = spill.Spill()
    for batch in BATCHES:
        bag.add(batch)
    ranges = [numbers.codes for (numbers,) in spill.ranges(bag)]
    assert np.array_equal(np.concatenate(ranges), np.unique(ALL))
    assert len(ranges) == -(-len(ALL) // spill.HELD)
    assert bag.size == len(ALL)


def test_companions_come_back_beside_their_numbers_or_added_up(limit: None) -> None:
    separate, summed = spill.Spill(), spill.Spill(adds=True)
    for number, batch in enumerate(BATCHES):
        for bag in (separate, summed):
            bag.add(batch, np.full(len(batch), number))
    pairs = [pair for (numbers,) in spill.ranges(separate) for pair in zip(numbers.codes, companions(numbers), strict=True)]
    assert sorted(pairs) == sorted((code, number) for number, batch in enumerate(BATCHES) for code in batch)
    sums = Counter[int]()
    for code, number in pairs:
        sums[int(code)] += int(number)
    assert {
        int(code): int(total) for (numbers,) in spill.ranges(summed) for code, total in zip(numbers.codes, companions(numbers), strict=True)
    } == sums


def test_measures_of_runs_are_the_same_from_disk_as_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [RNG.integers(0, 6, (40, 20)) for _ in range(5)]
    others = [RNG.integers(0, 6, (30, 20)) for _ in range(5)]

    def measured() -> list[float]:
        shares = [ngrams.self_overlap(rows, 4), ngrams.novelty(rows, others, 4), ngrams.leak(rows, others, 5)]
        return [*shares, *ngrams.count_different(rows, 3), *ngrams.count_different([*rows, rows[0]])]

    in_memory = measured()
    monkeypatch.setattr(spill, "HELD", 100)
    assert measured() == in_memory
    assert in_memory[-2:] == [200, 240]


def test_a_folder_without_room_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    bag = spill.Spill()
    with pytest.raises(HeirloomError, match=r"gone: a temporary file cannot be written .* set TMPDIR to a folder with room"):
        bag.add(np.zeros(spill.HELD, np.uint64))
