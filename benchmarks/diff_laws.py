"""Pairs of files of twelve laws and more, for false alarms and power of the whole `heirloom.diff` (see diff_calibration.py)."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import binom, norm

import heirloom
from heirloom.runtime.streams import Stream

Generator = np.random.Generator
Draw = Callable[[Generator], pa.Table]
SHIFTED = ("distribution shifted", "distribution seems shifted")
MARK = "the level of 5 % is not guaranteed"


def numbers(x: NDArray[Any]) -> pa.Table:
    """Return numbers, or rows of them, as a table of vectors."""
    return pa.table({"x": x.reshape(len(x), -1).astype(np.float64).tolist()})


def spelled(words: NDArray[Any], **columns: NDArray[Any]) -> pa.Table:
    """Return rows of word numbers as a table of text, with further columns."""
    names = ["w" + "".join(chr(97 + digit) for digit in divmod(number, 26)) for number in range(676)]
    text = [" ".join(names[word] for word in row) for row in words.tolist()]
    return pa.table({"text": text, **columns})


def autocorrelated(generator: Generator, shift: float = 0) -> pa.Table:
    """Draw 1,000 steps of an autoregressive series of correlation 0.95."""
    series = lfilter([1], [1, -0.95], generator.standard_normal(1200))[200:]
    return numbers(series + shift)


def correlated(generator: Generator, scale: float = 1) -> pa.Table:
    """Draw 300 rows of 50 correlated dimensions."""
    return numbers(scale * generator.standard_normal((300, 50)) + 2 * generator.standard_normal((300, 1)))


def sentences(generator: Generator, temperature: float = 1) -> pa.Table:
    """Draw 400 of 60 sentences by Zipf's law, sharpened: most stand there many times."""
    share = (1 / (np.arange(60) + 1)) ** (1 / temperature)
    words = Stream(("sentences",)).generator().integers(0, 300, (60, 8))
    return spelled(words[generator.choice(60, 400, p=share / share.sum())])


def articles(generator: Generator, burst: float = 0.4, *, column: bool = True) -> pa.Table:
    """Draw 45 articles of 2 to 15 rows, each with words of its own; documents are numbered from 0 in every file with other names."""
    sizes = generator.integers(2, 16, 45)
    document = np.repeat(generator.integers(0, 2**40, 45), sizes)
    topic = np.repeat(generator.integers(0, 676, 45), sizes)[:, None]
    shape = (len(document), 12)
    common = np.minimum(generator.zipf(1.5, shape), 676) - 1
    words = np.where(generator.random(shape) < burst, (topic + generator.integers(0, 5, shape)) % 676, common)
    return spelled(words, **({"document": document} if column else {}))


def is_central(x: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which normal numbers lie within the central 99 %: half a percent is beyond at either end."""
    return np.asarray(np.abs(x) < norm.ppf(0.995))


def is_below(x: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which normal numbers are not among the upper 1 %."""
    return np.asarray(x < norm.ppf(0.99))


def cut(generator: Generator, is_kept: Callable[[NDArray[Any]], NDArray[np.bool_]], num_rows: int = 500) -> pa.Table:
    """Draw normal numbers without those beyond a cut."""
    x = generator.standard_normal(2 * num_rows)
    return numbers(x[is_kept(x)][:num_rows])


LAWS: dict[str, Draw] = {
    "Poisson(3), 1,000 rows": lambda generator: numbers(generator.poisson(3, 1000)),
    "fair coin, 1,000 rows": lambda generator: numbers(generator.integers(0, 2, 1000)),
    "Zipf over 200 values, 1,000 rows": lambda generator: numbers(np.minimum(generator.zipf(1.5, 1000), 200)),
    "normal, rounded to 0.1, 1,000 rows": lambda generator: numbers(generator.standard_normal(1000).round(1)),
    "normal, 500 rows": lambda generator: numbers(generator.standard_normal(500)),
    "log-normal, 500 rows": lambda generator: numbers(generator.lognormal(size=500)),
    "Cauchy, 500 rows": lambda generator: numbers(generator.standard_cauchy(500)),
    "Student's t, 5 dimensions, 500 rows": lambda generator: numbers(generator.standard_t(3, (500, 5))),
    "correlated, 50 dimensions, 300 rows": correlated,
    "normal, 12 rows": lambda generator: numbers(generator.standard_normal(12)),
    "normal, 20,000 rows": lambda generator: numbers(generator.standard_normal(20_000)),
    "repeated sentences, 400 rows": sentences,
    "articles, column document": articles,
    "articles, no column (marked)": lambda generator: articles(generator, column=False),
    "autoregressive, 0.95 (marked)": autocorrelated,
}

ALTERNATIVES: dict[str, tuple[str, Draw]] = {
    "Poisson(3.3)": ("Poisson(3), 1,000 rows", lambda generator: numbers(generator.poisson(3.3, 1000))),
    "coin of 0.6": ("fair coin, 1,000 rows", lambda generator: numbers(generator.random(1000) < 0.6)),
    "standard deviation 0.85, rounded": (
        "normal, rounded to 0.1, 1,000 rows",
        lambda generator: numbers((0.85 * generator.standard_normal(1000)).round(1)),
    ),
    "tails beyond 99 % cut": ("normal, 500 rows", lambda generator: cut(generator, is_central)),
    "upper 1 % cut": ("normal, 500 rows", lambda generator: cut(generator, is_below)),
    "log-normal of sigma 0.8": ("log-normal, 500 rows", lambda generator: numbers(generator.lognormal(sigma=0.8, size=500))),
    "Cauchy, scale 1.5": ("Cauchy, 500 rows", lambda generator: numbers(1.5 * generator.standard_cauchy(500))),
    "Student's t, scale 0.8": (
        "Student's t, 5 dimensions, 500 rows",
        lambda generator: numbers(0.8 * generator.standard_t(3, (500, 5))),
    ),
    "own part of the 50 dimensions x 0.85": ("correlated, 50 dimensions, 300 rows", lambda generator: correlated(generator, 0.85)),
    "normal, 12 rows, mean 2": ("normal, 12 rows", lambda generator: numbers(2 + generator.standard_normal(12))),
    "mean 0.05 of 20,000": ("normal, 20,000 rows", lambda generator: numbers(0.05 + generator.standard_normal(20_000))),
    "sentences at temperature 0.8": ("repeated sentences, 400 rows", lambda generator: sentences(generator, 0.8)),
    "articles less bursty": ("articles, column document", lambda generator: articles(generator, 0.25)),
    "autoregressive, mean + 6": ("autoregressive, 0.95 (marked)", lambda generator: autocorrelated(generator, 6)),
}


CUTS = {"tails beyond 99 % cut": is_central, "upper 1 % cut": is_below}
"""Alternatives of which Fisher's exact test could know where the cut is."""


def drawn(name: str, pair: int, side: str, draw: Draw) -> pa.Table:
    """Return one side of a pair."""
    return draw(Stream((pair, "laws", name, side)).generator())


def fisher(name: str, num_pairs: int) -> int:
    """Return how often Fisher's exact test of the rows beyond the cut, which it knows, is significant at 5 % on the same draws."""
    from scipy.stats import fisher_exact

    equal, draw = ALTERNATIVES[name]
    hits = 0
    for pair in range(num_pairs):
        sides = [drawn(name, pair, side, law)["x"] for side, law in (("a", LAWS[equal]), ("b", draw))]
        kept = [CUTS[name](np.array(x.to_pylist())[:, 0]) for x in sides]
        hits += fisher_exact(np.array([[part.sum(), (~part).sum()] for part in kept])).pvalue <= 0.05
    return int(hits)


def answers(name: str, draw_a: Draw, draw_b: Draw, num_pairs: int) -> Counter[str]:
    """Return over pairs of files how often each verdict was given, ``shifted`` in whatever words, and ``marked`` as dependent."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "a.parquet"), Path(folder, "b.parquet")
        for pair in range(num_pairs):
            for file, draw in zip(files, (draw_a, draw_b), strict=True):
                pq.write_table(drawn(name, pair, file.stem, draw), file)
            verdict = heirloom.diff(*files, seed=pair, max_examples=0).verdict
            counts[verdict.answer] += 1
            counts["shifted"] += verdict.answer in SHIFTED
            counts["marked"] += MARK in verdict.evidence
    return counts


def most_alarms(num_pairs: int) -> int:
    """Return how many false alarms at a level of 5 % are not exceeded with 99 %."""
    return int(binom.ppf(0.99, num_pairs, 0.05))


def main(num_pairs: int) -> None:
    """Print both tables."""
    print(f"\n| equal laws, whole diff | false alarms of {num_pairs} (99 % limit {most_alarms(num_pairs)}) | marked |\n|---|---|---|")
    for name, draw in LAWS.items():
        counts = answers(name, draw, draw, num_pairs)
        print(f"| {name} | {counts['shifted']} | {counts['marked']} |", flush=True)
    print(f"\n| other law, whole diff | found of {num_pairs} | 95 % interval of the power |\n|---|---|---|")
    for name, (equal, draw) in ALTERNATIVES.items():
        power = answers(name, LAWS[equal], draw, num_pairs)["shifted"]
        low, high = binom_interval(power, num_pairs)
        knowing = f" (Fisher's test that knows the cut: {fisher(name, num_pairs)})" if name in CUTS else ""
        print(f"| {name} | {power}{knowing} | {100 * low:.0f} to {100 * high:.0f} % |", flush=True)


def binom_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of Clopper and Pearson 1934 for a share."""
    from scipy.stats import binomtest

    interval = binomtest(successes, trials).proportion_ci(0.95)
    return float(interval.low), float(interval.high)
