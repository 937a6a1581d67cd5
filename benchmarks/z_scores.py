"""How often |z| > 4 comes by chance, of all z and of those that are shown (`heirloom.report.doubt`).

Chains of a Gaussian, a coin, Poisson counts and a Zipf law that are replaced generation after generation are simulated here by their own
recursions, apart from the package. Each trial draws N of 200,000 chains (Zipf: 20,000) with replacement. Run
``python benchmarks/z_scores.py``, or with a number of trials, ``python benchmarks/z_scores.py 2000``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from heirloom.report.doubt import doubt
from heirloom.runtime.streams import Stream

CHAINS = (100, 500, 1000)
POOL = 200_000
LIMIT = 0.001
BATCH = 2_000_000
ENDS = ("fixed_at_0", "fixed_at_1", "absorbed")

Floats = NDArray[np.float64]
Measures = Mapping[str, Floats]


def gaussian(rows: int, fits: set[int], generator: np.random.Generator) -> Iterator[tuple[int, Measures]]:
    """Yield chains of a normal law fitted with the divisor n: var' = var chi²(n - 1) / n, mean' = mean + N(0, var / n)."""
    mean, variance = np.zeros(POOL), np.ones(POOL)
    for fit in range(1, max(fits) + 1):
        mean = mean + np.sqrt(variance / rows) * generator.standard_normal(POOL)
        variance = variance * generator.chisquare(rows - 1, POOL) / rows
        if fit in fits:
            squared = mean**2
            distance = squared + (np.sqrt(variance) - 1) ** 2
            yield fit, {"covariance_trace": variance, "mean_squared_error": squared, "wasserstein2_squared": distance}


def coin(p: float, rows: int, fits: set[int], generator: np.random.Generator) -> Iterator[tuple[int, Measures]]:
    """Yield chains of a share of ones: p' = Binomial(n, p) / n."""
    share = np.full(POOL, p)
    for fit in range(1, max(fits) + 1):
        share = generator.binomial(rows, share) / rows
        if fit in fits:
            ends = {"fixed_at_0": (share == 0) * 1.0, "fixed_at_1": (share == 1) * 1.0}
            yield fit, {"probability": share, "variance": share * (1 - share), "squared_error": (share - p) ** 2, **ends}


def poisson(rate: float, rows: int, fits: set[int], generator: np.random.Generator) -> Iterator[tuple[int, Measures]]:
    """Yield chains of a mean count: rate' = Poisson(n rate) / n."""
    mean = np.full(POOL, rate)
    for fit in range(1, max(fits) + 1):
        mean = generator.poisson(rows * mean) / rows
        if fit in fits:
            yield fit, {"rate": mean, "squared_error": (mean - rate) ** 2, "absorbed": (mean == 0) * 1.0}


def zipf(types: int, rows: int, fits: set[int], generator: np.random.Generator) -> Iterator[tuple[int, Measures]]:
    """Yield chains of a categorical law, Zipf's with exponent 1: p' = Multinomial(n, p) / n."""
    p_V = 1 / np.arange(1.0, types + 1)
    p_V /= p_V.sum()
    p_RV = np.tile(p_V, (POOL // 10, 1))
    for fit in range(1, max(fits) + 1):
        p_RV = generator.multinomial(rows, p_RV / p_RV.sum(axis=1, keepdims=True)) / rows
        if fit in fits:
            present_RV, squares_R = p_RV > 0, ((p_RV - p_V) ** 2).sum(axis=1)
            shares = {
                "diversity": 1 - (p_RV**2).sum(axis=1),
                "lost_mass": (~present_RV) @ p_V,
                "absorbed": (present_RV.sum(axis=1) == 1) * 1.0,
            }
            yield fit, {"types": present_RV.sum(axis=1) * 1.0, **shares, "squared_error": squares_R}


def cases() -> Iterator[tuple[str, int, Measures]]:
    """Yield (law, fits, the chains' measures)."""
    generator = Stream(("benchmark", "z")).generator()
    for rows in (10, 40):
        fits = {max(1, round(rows * v / 2)) for v in (0.2, 0.5, 0.8, 1.1, 1.4, 2.0)}
        yield from ((f"normal, n = {rows}", *found) for found in gaussian(rows, fits, generator))
    for p in (0.5, 0.05):
        yield from ((f"coin of {p}, n = 50", *found) for found in coin(p, 50, {2, 20, 80, 180}, generator))
    yield from (("Poisson(1), n = 20", *found) for found in poisson(1.0, 20, {1, 5, 20, 60}, generator))
    yield from (("Zipf over 50, n = 50", *found) for found in zipf(50, 50, {1, 5, 20, 80}, generator))


def scores(measured: Measures, measure: str, chains: int, trials: int, generator: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the z of each trial (NaN without an error), and whether it is shown."""
    values_R, traces_R = measured[measure], measured.get("covariance_trace")
    expected, trace = float(values_R.mean()), 0.0 if traces_R is None else math.log(traces_R.mean())
    alive = 1.0 - sum(float(measured[end].mean()) for end in ENDS if end in measured)
    logs_R = None if traces_R is None else trace - np.log(traces_R)
    z, shown = np.full(trials, math.nan), np.zeros(trials, bool)
    step = max(1, BATCH // chains)
    for first in range(0, trials, step):
        rows_TN = generator.integers(0, len(values_R), (min(step, trials - first), chains))
        drawn_TN = values_R[rows_TN]
        se_T = drawn_TN.std(axis=1, ddof=1) / math.sqrt(chains)
        spread_T = None if logs_R is None else 2 * logs_R[rows_TN].mean(axis=1)
        for at, (mean, se) in enumerate(zip(drawn_TN.mean(axis=1), se_T, strict=True)):
            if se > 0:
                z[first + at] = (mean - expected) / se
                spread = None if spread_T is None else float(spread_T[at])
                shown[first + at] = not doubt(measure, expected, float(se), chains, spread, alive)
    return z, shown


def main(trials: int) -> None:
    """Print a line for each case of which some z is shown, and the sums."""
    generator = Stream(("benchmark", "z", "trials")).generator()
    sums = dict.fromkeys(("cases", "all", "all beyond", "shown", "shown beyond", "over the limit"), 0)
    for law, fits, measured in cases():
        for measure in measured:
            for chains in CHAINS:
                z, shown = scores(measured, measure, chains, trials, generator)
                beyond = np.abs(z) > 4
                there, kept, wrong = int(np.isfinite(z).sum()), int(shown.sum()), int((beyond & shown).sum())
                is_over = wrong > binom.ppf(0.99, trials, LIMIT)
                sums = {
                    name: sums[name] + more
                    for name, more in zip(sums, (1, there, int(beyond.sum()), kept, wrong, int(is_over)), strict=True)
                }
                if is_over or (kept and beyond.mean() > LIMIT):
                    place = f"{law}, fit {fits}, {measure}, {chains} chains"
                    share = f"beyond {100 * beyond.mean():.2f} %"
                    print(f"{place}: {share}, shown {kept}, of these beyond {wrong}{' OVER' if is_over else ''}", flush=True)
    print(sums)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
