"""How often an interval over seeds covers what it says it covers: 3 to 30 seeds, several laws of a measure.

The interval is `heirloom.report.intervals.interval`: Student's, of a positive measure on the logarithm. Run
``python benchmarks/coverage.py``, or with a number of trials, ``python benchmarks/coverage.py 2000``; 20,000 trials for each number of
seeds take half a minute on one core.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from heirloom.report.intervals import interval
from heirloom.runtime.streams import Stream

SEEDS = (2, 3, 4, 5, 6, 8, 10, 15, 20, 30)

Draw = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]


class Law(NamedTuple):
    """A law of a measure over seeds, whether the measure is positive, and what the interval estimates of it."""

    draw: Draw
    positive: bool
    truth: float


def normal(generator: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Draw from the standard normal law."""
    return generator.standard_normal(shape)


def log_normal(generator: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Draw e to the power of a standard normal number."""
    return np.exp(generator.standard_normal(shape))


def chi_square(degrees: int) -> Draw:
    """Return a chi-square law: one degree of freedom is the squared error of a mean, nine the variance of ten rows."""

    def draw(generator: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
        return generator.chisquare(degrees, shape)

    return draw


def geometric_mean(degrees: int) -> float:
    """Return the geometric mean of a chi-square law, 2 exp(digamma(degrees / 2))."""
    return float(2 * np.exp(digamma(degrees / 2)))


def poisson(generator: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Draw counts with the mean 3, such as the types of a band that are still alive."""
    return generator.poisson(3.0, shape).astype(np.float64)


LAWS: Mapping[str, Law] = {
    "normal, mean": Law(normal, False, 0.0),
    "log-normal, geometric mean": Law(log_normal, True, 1.0),
    "chi-square_9, geometric mean": Law(chi_square(9), True, geometric_mean(9)),
    "chi-square_1, geometric mean": Law(chi_square(1), True, geometric_mean(1)),
    "Poisson(3), mean": Law(poisson, False, 3.0),
    "log-normal, mean (not offered)": Law(log_normal, False, float(np.exp(0.5))),
}


def coverage(law: Law, seeds: int, trials: int) -> float:
    """Return the share of trials whose interval covers the estimand."""
    samples = law.draw(Stream((0, "coverage", seeds)).generator(), (trials, seeds))
    intervals = [interval(sample, positive=law.positive) for sample in samples]
    covered = [one.low <= law.truth <= one.high for one in intervals]
    return float(np.mean(covered))


def main(trials: int) -> None:
    """Print a row for each law and a column for each number of seeds."""
    print(f"share of {trials:,} intervals that cover; standard error {np.sqrt(0.95 * 0.05 / trials):.4f}")
    print(f"| law, estimand | {' | '.join(map(str, SEEDS))} |\n|---|{'--:|' * len(SEEDS)}")
    for name, law in LAWS.items():
        shares = [f"{coverage(law, seeds, trials):.3f}" for seeds in SEEDS]
        print(f"| {name} | {' | '.join(shares)} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
