"""How often the verdict of two samples is wrong: false alarms on equal laws, power on planted shifts.

The verdict is `heirloom.stats.direction.direction`: all tests together at 5 %. Run ``python benchmarks/diff_calibration.py``,
or with a number of pairs, ``python benchmarks/diff_calibration.py 200``; 1,000 pairs a law take about ten minutes on one core.
A second number is the pairs of files for the whole `heirloom.diff` over the laws of `diff_laws.py`, 60 unless given.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heirloom.runtime.streams import Stream
from heirloom.stats.direction import direction
from heirloom.stats.permutation import TestResult
from heirloom.stats.samples import TextSample, VectorSample
from heirloom.stats.text_tests import text_tests
from heirloom.stats.vector_tests import vector_tests

sys.path.insert(0, str(Path(__file__).parent))

import diff_laws

NUM_PERMUTATIONS = 199
NUM_TYPES = 2000
NUM_TOPICS = 40
ROW_TOKENS = 32
LARGEST_FALSE_ALARMS = 67
"""Of 1,000 at 5 %: the binomial 99 % limit."""

Pair = tuple[TextSample, TextSample] | tuple[VectorSample, VectorSample]
Ints = NDArray[np.int64]


def zipf(num_types: int, temperature: float = 1, cut: float = 0) -> NDArray[np.float64]:
    """Return the cumulated shares of Zipf-Mandelbrot's law, sharpened, without its rarest types of total share ``cut``."""
    share = 1 / (np.arange(num_types) + 2.7)
    share /= share.sum()
    share[share.cumsum() > 1 - cut] = 0
    sharpened = share ** (1 / temperature)
    return np.asarray((sharpened / sharpened.sum()).cumsum())


def rows(generator: np.random.Generator, topics: Ints, law: NDArray[np.float64], burstiness: float) -> Ints:
    """Draw one row for each topic: each token is from the topic's 50 types with the chance ``burstiness``, else from the law."""
    shape = (topics.size, ROW_TOKENS)
    common = np.minimum(np.searchsorted(law, generator.random(shape)), NUM_TYPES - 1)
    topical = (topics[:, None] * 50 + np.searchsorted(zipf(50), generator.random(shape))) % NUM_TYPES
    return np.where(generator.random(shape) < burstiness, topical, common)


def text(tokens: Ints, keys: Ints | None = None) -> TextSample:
    """Return the sample of equally long rows, with its share of distinct tokens as a feature."""
    distinct = 1 + (np.diff(np.sort(tokens, axis=1), axis=1) > 0).sum(axis=1)
    content = np.array([hash(row.tobytes()) for row in tokens])
    return TextSample(
        tokens.ravel(), np.arange(len(tokens) + 1) * tokens.shape[1], keys, content, {"distinct share": distinct / ROW_TOKENS}
    )


def independent(stream: Stream, num_a: int = 400, num_b: int = 400, law_b: NDArray[np.float64] | None = None) -> Pair:
    """Draw rows without topics or keys."""
    a, b = stream.child("a").generator(), stream.child("b").generator()
    law = zipf(NUM_TYPES)
    none_a, none_b = np.zeros(num_a, dtype=np.int64), np.zeros(num_b, dtype=np.int64)
    return text(rows(a, none_a, law, 0)), text(rows(b, none_b, law if law_b is None else law_b, 0))


def same_prompts(stream: Stream, law_b: NDArray[np.float64] | None = None) -> Pair:
    """Draw one bursty row a prompt in each sample; a prompt has one topic in both."""
    topics = stream.child("topics").generator().integers(0, NUM_TOPICS, 400)
    a, b = stream.child("a").generator(), stream.child("b").generator()
    law, keys = zipf(NUM_TYPES), np.arange(400)
    return text(rows(a, topics, law, 0.5), keys), text(rows(b, topics, law if law_b is None else law_b, 0.5), keys)


def own_articles(stream: Stream, *, keyed: bool = True) -> Pair:
    """Draw 100 articles of eight bursty rows of one topic for each sample; no article is in both."""
    samples = []
    for number, name in enumerate("ab"):
        generator = stream.child(name).generator()
        articles = np.repeat(np.arange(100), 8)
        tokens = rows(generator, generator.integers(0, NUM_TOPICS, 100)[articles], zipf(NUM_TYPES), 0.5)
        samples.append(text(tokens, articles + 100 * number if keyed else None))
    return samples[0], samples[1]


def shared_articles(stream: Stream) -> Pair:
    """Draw articles of one to six rows, half of them in both samples with as many rows as it happens."""
    samples = []
    topics = stream.child("topics").generator().integers(0, NUM_TOPICS, 300)
    for name, articles in (("a", np.arange(200)), ("b", np.arange(100, 300))):
        generator = stream.child(name).generator()
        keys = np.repeat(articles, generator.integers(1, 7, 200))
        samples.append(text(rows(generator, topics[keys], zipf(NUM_TYPES), 0.5), keys))
    return samples[0], samples[1]


def doubled(stream: Stream) -> Pair:
    """Draw independent rows; every second row of B repeats the one before."""
    a, b = independent(stream)
    assert isinstance(a, TextSample)
    assert isinstance(b, TextSample)
    return a, text(np.repeat(np.asarray(b.types).reshape(-1, ROW_TOKENS)[::2], 2, axis=0))


def vectors(stream: Stream, dimensions: int = 2, num_rows: int = 500, scale: float = 1, shift: float = 0) -> Pair:
    """Draw normal rows; B scaled and shifted."""
    a, b = (stream.child(name).generator().standard_normal((num_rows, dimensions)) for name in "ab")
    return VectorSample(a), VectorSample(b * scale + shift)


def heavy_tails(stream: Stream) -> Pair:
    """Draw rows of five dimensions from Student's law with three degrees of freedom."""
    a, b = (stream.child(name).generator().standard_t(3, (500, 5)) for name in "ab")
    return VectorSample(a), VectorSample(b)


def clustered(stream: Stream) -> Pair:
    """Draw 100 keys of five rows around a centre of their own."""
    samples = []
    for number, name in enumerate("ab"):
        generator = stream.child(name).generator()
        keys = np.repeat(np.arange(100), 5)
        centres = generator.standard_normal((100, 2))
        samples.append(VectorSample(centres[keys] + generator.standard_normal((500, 2)) / 2, keys + 100 * number))
    return samples[0], samples[1]


EQUAL_LAWS: dict[str, Callable[[Stream], Pair]] = {
    "text: independent rows": independent,
    "text: 600 rows against 200": lambda stream: independent(stream, 600, 200),
    "text: bursty, same prompts": same_prompts,
    "text: bursty articles": own_articles,
    "text: bursty articles, half shared": shared_articles,
    "vectors: normal, 2 dimensions": vectors,
    "vectors: Student's t, 5 dimensions": heavy_tails,
    "vectors: clustered by key": clustered,
}

SHIFTS: dict[str, Callable[[Stream], Pair]] = {
    "text: rarest 2 % dropped": lambda stream: independent(stream, law_b=zipf(NUM_TYPES, cut=0.02)),
    "text: rarest 1 % dropped": lambda stream: independent(stream, law_b=zipf(NUM_TYPES, cut=0.01)),
    "text: temperature 0.9": lambda stream: independent(stream, law_b=zipf(NUM_TYPES, 0.9)),
    "text: temperature 0.98": lambda stream: independent(stream, law_b=zipf(NUM_TYPES, 0.98)),
    "text: temperature 1.1": lambda stream: independent(stream, law_b=zipf(NUM_TYPES, 1.1)),
    "text: bursty, temperature 0.9": lambda stream: same_prompts(stream, zipf(NUM_TYPES, 0.9)),
    "text: every row doubled": doubled,
    "vectors: variance x 0.8": lambda stream: vectors(stream, scale=0.8**0.5),
    "vectors: variance x 0.8, 2,000 rows": lambda stream: vectors(stream, num_rows=2000, scale=0.8**0.5),
    "vectors: variance x 1.25": lambda stream: vectors(stream, scale=1.25**0.5),
    "vectors: mean + 0.2": lambda stream: vectors(stream, shift=0.2),
}


def tests(pair: Pair, stream: Stream) -> tuple[TestResult, ...]:
    """Return every test of a pair."""
    a, b = pair
    if isinstance(a, TextSample) and isinstance(b, TextSample):
        return text_tests(a, b, stream, NUM_PERMUTATIONS).results
    assert isinstance(a, VectorSample)
    assert isinstance(b, VectorSample)
    return vector_tests(a, b, stream, NUM_PERMUTATIONS)


def verdicts(draw: Callable[[Stream], Pair], name: str, num_pairs: int) -> Counter[str]:
    """Return how often each verdict was given over independent pairs."""
    streams = [Stream((pair, "calibration", name)) for pair in range(num_pairs)]
    return Counter(direction(tests(draw(stream), stream.child("test"))) for stream in streams)


def main() -> None:
    """Print both tables."""
    num_pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"| equal laws | false alarms of {num_pairs:,} |\n|---|---|")
    unkeyed = {"text: bursty articles, keys left out (wrong on purpose)": lambda stream: own_articles(stream, keyed=False)}
    for name, draw in (EQUAL_LAWS | unkeyed).items():
        print(f"| {name} | {num_pairs - verdicts(draw, name, num_pairs)['same']} |", flush=True)
    few = max(1, num_pairs // 5)
    print(f"\n| planted shift | found of {few} | narrower | broader | elsewhere |\n|---|---|---|---|---|")
    for name, draw in SHIFTS.items():
        found = verdicts(draw, name, few)
        print(f"| {name} | {few - found['same']} | {found['narrower']} | {found['broader']} | {found['elsewhere']} |", flush=True)
    diff_laws.main(int(sys.argv[2]) if len(sys.argv) > 2 else 60)


if __name__ == "__main__":
    main()
