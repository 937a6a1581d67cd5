"""How often an arm that is the control "begins to collapse", and how often a planted collapse is found at its generation.

The onset is `heirloom.report.onset`: the arm against the control of the same seed, one greatest statistic over the measures and generations
of a stage, calibrated by flipping whole seeds. Run ``python benchmarks/onset_calibration.py``, or with a number of trials; 1,000 take about
two minutes on one core. With the path of a finished run's ``results/metrics.parquet`` as a second argument, null arms are drawn from the
scatter of its controls too. ``python benchmarks/onset_calibration.py presets 100`` prints how often null arms of every shipped preset have
an onset (`null_arms`), 100 or 1,000 arms each, in three CPU-minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from heirloom.measures import stages
from heirloom.report import flips
from heirloom.runtime.streams import Stream

sys.path.insert(0, str(Path(__file__).parent))

import null_arms

MEASURES = 4
GENERATIONS = 10
SEEDS = (5, 6, 8, 10, 20)
COLLAPSE = 4
"""Generation from which a planted collapse grows, by two standard deviations of a lineage a generation."""

Curves = NDArray[np.float64]
"""Lineages of one arm, shape (measures, seeds, generations)."""

Draw = Callable[[np.random.Generator, tuple[int, ...]], Curves]


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Curves:
    """Draw from the standard normal law."""
    return generator.standard_normal(shape)


def chi_square(generator: np.random.Generator, shape: tuple[int, ...]) -> Curves:
    """Draw squares of standard normal numbers."""
    return generator.chisquare(1, shape)


def log_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Curves:
    """Draw e to the power of a standard normal number."""
    return np.exp(generator.standard_normal(shape))


def one_seed_apart(generator: np.random.Generator, shape: tuple[int, ...]) -> Curves:
    """Draw lineages of which one in ten diverges in all generations."""
    wild = generator.random((1, shape[1], 1)) < 0.1
    return generator.standard_normal(shape) + 50 * wild * generator.standard_normal((1, shape[1], 1))


def moving_together(generator: np.random.Generator, shape: tuple[int, ...]) -> Curves:
    """Draw random walks, as generations that inherit are."""
    return generator.standard_normal(shape).cumsum(axis=-1)


LAWS: Mapping[str, Draw] = {
    "normal": normal,
    "chi-square_1": chi_square,
    "log-normal": log_normal,
    "one lineage in ten diverges": one_seed_apart,
    "generations that move together": moving_together,
}


def first_generation(arm: Curves, control: Curves) -> float:
    """Return the onset of a stage; infinity if there is none."""
    below = (flips.p_values(arm - control) <= flips.level(arm.shape[1])).any(axis=0)
    return float(below.argmax() + 1) if below.any() else np.inf


def onsets(law: Draw, seeds: int, trials: int, slope: float = 0.0) -> NDArray[np.float64]:
    """Return the onset of each trial; with a slope the arm loses that much a generation from `COLLAPSE` on."""
    generator = Stream((0, "onset", seeds)).generator()
    lost_G = slope * np.clip(np.arange(GENERATIONS) - (COLLAPSE - 2), 0, None)
    shape = (MEASURES, seeds, GENERATIONS)
    return np.array([first_generation(law(generator, shape) + lost_G, law(generator, shape)) for _ in range(trials)])


def of_controls(frame: pd.DataFrame, regime: str = "control") -> dict[str, Draw]:
    """Return a law for each experiment of a finished run: generations of its control in any order, their means over seeds taken off."""
    return {
        str(name): _resampled(own[own["regime"] == regime]) for name, own in frame.groupby("experiment") if regime in set(own["regime"])
    }


def _resampled(own: pd.DataFrame) -> Draw:
    names = [name for name in (*stages.DIRECTIONS, *(f"{one}.median" for one in stages.DIRECTIONS)) if name in set(own["metric"])]
    wide = own[own["metric"].isin(names)].pivot_table(index=["variant", "seed", "generation"], columns="metric", values="value")
    wide = wide.dropna(axis=1)
    centred = wide - wide.groupby(["variant", "generation"]).transform("mean") if own["seed"].nunique() > 1 else wide - wide.mean()
    rows_NM = (centred / centred.std().replace(0, 1)).to_numpy()

    def draw(generator: np.random.Generator, shape: tuple[int, ...]) -> Curves:
        chosen = rows_NM[generator.integers(0, len(rows_NM), shape[1:])]
        return np.moveaxis(chosen, -1, 0)

    return draw


def main(trials: int, recorded: str | None) -> None:
    """Print false onsets of null arms, and where a planted collapse is found."""
    laws = dict(LAWS) | (of_controls(pd.read_parquet(recorded)) if recorded else {})
    print(f"{trials:,} arms that are the control, {GENERATIONS} generations, {MEASURES} measures: share with an onset in a stage")
    print(f"| law | {' | '.join(f'{seeds} seeds' for seeds in SEEDS)} |\n|---|{'--:|' * len(SEEDS)}")
    print(f"| level | {' | '.join(f'{100 * flips.level(seeds):.1f} %' for seeds in SEEDS)} |")
    for name, law in laws.items():
        shares = [f"{100 * np.isfinite(onsets(law, seeds, trials)).mean():.1f} %" for seeds in SEEDS]
        print(f"| {name} | {' | '.join(shares)} |")
    print(f"\nA collapse from generation {COLLAPSE} on, two deviations a generation: found, and at generation {COLLAPSE} or the next")
    for name, law in LAWS.items():
        found = [onsets(law, seeds, trials // 4, slope=2.0) for seeds in SEEDS]
        cells = [f"{100 * np.isfinite(one).mean():.0f} %, {100 * np.isin(one, [COLLAPSE, COLLAPSE + 1]).mean():.0f} %" for one in found]
        print(f"| {name} | {' | '.join(cells)} |")


def of_presets(trials: int) -> None:
    """Print the table of null arms, preset by preset."""
    print("| preset | experiment | null arms drawn from | units | level, both stages | arms | false onsets | share | 95 % limits |")
    print("|---|---|---|--:|--:|--:|--:|--:|--:|")
    rows = []
    for row in null_arms.table(trials):
        rows.append(row)
        print(row, flush=True)
    simulations = {row[2:]: row for row in rows if row.drawn_from == null_arms.MIXTURES}  # rows that are one simulation count once
    counted = [row for row in rows if row.drawn_from != null_arms.MIXTURES] + [*simulations.values()]
    false, arms = sum(row.false for row in counted), sum(row.arms for row in counted)
    low, high = null_arms.limits(false, arms)
    print(f"| all | | | | | {arms:,} | {false} | {100 * false / arms:.1f} % | {100 * low:.1f} to {100 * high:.1f} % |")


if __name__ == "__main__" and sys.argv[1:2] == ["presets"]:
    of_presets(int(sys.argv[2]) if len(sys.argv) > 2 else 100)
elif __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, sys.argv[2] if len(sys.argv) > 2 else None)
