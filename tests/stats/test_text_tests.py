"""Text tests against brute force on small samples, and what each of them sees."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import ArrayLike

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.stats import token_blocks
from heirloom.stats.divergence import jensen_shannon
from heirloom.stats.exchange import exchange
from heirloom.stats.permutation import TestResult
from heirloom.stats.samples import Ints, TextSample
from heirloom.stats.text_tests import text_tests


def sample(rows: Sequence[Sequence[int]], keys: Ints | None = None, **features: ArrayLike) -> TextSample:
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    types = np.array([token for row in rows for token in row], dtype=np.int64)
    content = np.array([hash(tuple(row)) for row in rows])
    return TextSample(types, offsets, keys, content, {name: np.asarray(values, dtype=np.float64) for name, values in features.items()})


def by_name(a: TextSample, b: TextSample, num_permutations: int = 199) -> dict[str, TestResult]:
    return {result.name: result for result in text_tests(a, b, Stream((0, "text")), num_permutations).results}


def rows_of(generator: np.random.Generator, num_rows: int, num_types: int) -> list[list[int]]:
    return [generator.integers(0, num_types, generator.integers(1, 9)).tolist() for _ in range(num_rows)]


def test_products_give_the_statistics_that_counting_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_blocks, "_MOST_RARE", 4)
    monkeypatch.setattr(token_blocks, "_CHUNK_NUMBERS", 40)
    generator = Stream((0, "brute")).generator()
    rows = rows_of(generator, 25, 30)
    a, b = sample(rows[:14]), sample(rows[14:])
    moves = exchange(np.array([*range(13), 12]), np.arange(8, 19), Stream((1,)), 20)
    statistics = token_blocks.token_statistics(a, b, moves)
    blocks = np.concatenate([moves.blocks_a, moves.blocks_b])
    for number, in_a in enumerate(moves.in_a):
        dealt = [
            np.bincount(
                [t for row, block in zip(rows, blocks, strict=True) if block >= 0 and in_a[block] == side for t in row], minlength=30
            )
            for side in (1, 0)
        ]
        assert statistics.divergence_bits[number] == pytest.approx(jensen_shannon(*dealt), rel=1e-9)
        entropies = [-sum(n / counts.sum() * math.log(n / counts.sum()) for n in counts if n) for counts in dealt]
        assert statistics.entropy_difference[number] == pytest.approx(entropies[1] - entropies[0], rel=1e-9)
        assert (statistics.types_a[number], statistics.types_b[number]) == tuple(np.count_nonzero(counts) for counts in dealt)
        assert (statistics.tokens_a[number], statistics.tokens_b[number]) == tuple(counts.sum() for counts in dealt)


def test_equal_samples_are_never_told_apart() -> None:
    rows = rows_of(Stream((0, "equal")).generator(), 50, 40)
    keys = np.arange(50)
    tests = text_tests(sample(rows, keys, length=range(50)), sample(rows, keys, length=range(50)), Stream((0,)), 99)
    assert [(result.name, result.statistic, result.p_value) for result in tests.results] == [
        ("divergence", pytest.approx(0, abs=1e-12), 1),
        ("entropy", 0, 1),
        ("types", 0, 1),
        ("repeated rows", 0, 1),
        ("length", 0, 1),
    ]
    assert tests.chance_bits == pytest.approx(0, abs=1e-12)


def test_swapping_the_samples_turns_the_signs() -> None:
    generator = Stream((0, "mirror")).generator()
    a, b = sample(rows_of(generator, 60, 40), np.arange(60)), sample(rows_of(generator, 60, 20), np.arange(60))
    forth, back = by_name(a, b), by_name(b, a)
    assert forth["types"].statistic < 0
    for name in ("entropy", "types"):
        assert forth[name].statistic == pytest.approx(-back[name].statistic)
        assert forth[name].p_value == back[name].p_value == 1 / 200


def test_every_row_twice_is_seen_by_repeated_rows_alone_in_size() -> None:
    rows = [[number, number + 1, number % 7] for number in range(80)]
    results = by_name(sample(rows[:40] + rows[:40]), sample(rows))
    assert results["repeated rows"].p_value == 1 / 200
    # Half of A's rows repeat another. The mean over permutations is not quite 0, since it is drawn.
    assert results["repeated rows"].statistic == pytest.approx(-0.5, abs=0.03)


def test_a_feature_is_tested_by_its_mean_within_pairs() -> None:
    # The pairs differ among themselves far more than the two samples do: only pairing sees the shift of one.
    rows, level = [[1]] * 40, np.arange(40) * 10.0
    keys = np.arange(40)
    noise = Stream((0, "noise")).generator().normal(size=40) / 2
    paired = by_name(sample(rows, keys, x=level), sample(rows, keys, x=level + 1 + noise))
    unpaired = by_name(sample(rows, None, x=level), sample(rows, None, x=level + 1 + noise))
    assert paired["x"].p_value == 1 / 200
    assert unpaired["x"].p_value > 0.5


def test_more_of_the_same_law_is_not_broader() -> None:
    generator = Stream((0, "sizes")).generator()
    results = by_name(sample(rows_of(generator, 40, 300)), sample(rows_of(generator, 400, 300)))
    assert results["types"].p_value > 0.05
    assert abs(results["types"].statistic) < 20  # of a raw difference of about 150


def test_the_same_stream_gives_the_same_numbers_and_another_gives_others() -> None:
    generator = Stream((0, "again")).generator()
    a, b = sample(rows_of(generator, 50, 40)), sample(rows_of(generator, 50, 40))
    assert text_tests(a, b, Stream((1,)), 49) == text_tests(a, b, Stream((1,)), 49)
    assert text_tests(a, b, Stream((1,)), 49).chance_bits != text_tests(a, b, Stream((2,)), 49).chance_bits


def test_empty_rows_are_rows() -> None:
    results = by_name(sample([[], [1, 2], []]), sample([[3], [], [1, 1]]), 19)
    assert all(math.isfinite(result.statistic) and 0 < result.p_value <= 1 for result in results.values())


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (sample([[]]), sample([[1]]), "a token in each sample"),
        (sample([[-1]]), sample([[1]]), "0 or more, got -1"),
        (sample([[1]], x=[1]), sample([[1]]), r"got \['x'\] and \[\]"),
        (sample([[1]], x=[math.nan]), sample([[1]], x=[1]), "feature x needs one finite number"),
        (sample([[1]], x=[1, 2]), sample([[1]], x=[1]), "for each of 1 rows"),
        (TextSample(np.array([1, 2]), np.array([0, 1])), sample([[1]]), "must end at the number of tokens, 2, got 1"),
        (sample([]), sample([[1]]), "0 and 1 rows"),
    ],
)
def test_samples_that_cannot_be_compared_are_refused_in_one_line(a: TextSample, b: TextSample, message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        text_tests(a, b, Stream((0,)), 9)
