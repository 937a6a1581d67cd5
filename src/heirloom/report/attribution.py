"""Which error source costs what: a grid that switches sources on and off, read one source at a time and all at once.

A grid's axis is a source if its two labels are a word and the same word after ``no``. All sources on is the baseline. What is gained
by switching one off, the others on, is that source's part; what all together gain is more or less than the sum, because sources interact.
Variants share their random numbers, so that gains are differences within a seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from heirloom.config import Config
from heirloom.report.intervals import interval

if TYPE_CHECKING:
    import pandas as pd

OFF = "no"
MEASURES = ("test_perplexity", "wasserstein2_squared", "wasserstein2_squared.median")
"""What is lost, smaller being better; the first that an experiment measures is attributed."""

COLUMNS = ("experiment", "regime", "measure", "switched_off", "loss", "gain", "low", "high", "seeds")


def table(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return the attribution of every experiment whose grid switches sources, with the columns `COLUMNS`.

    ``loss`` is the measure's mean over seeds at the last generation; ``gain`` the baseline's loss minus it, with its interval over seeds
    (`intervals.interval`). The row with nothing switched off is the baseline.

    Parameters
    ----------
    frame
        Tidy rows (`tables.gather`).
    """
    import pandas as pd

    rows = []
    for name in dict.fromkeys(experiment.variant_of for experiment in config.experiments.values() if experiment.variant_of):
        own = frame[frame["experiment"] == name]
        measure = next((measure for measure in MEASURES if (own["metric"] == measure).any()), None)
        sources = _sources(sorted(own["variant"].unique()))
        if measure is None or not sources:
            continue
        last = own[(own["metric"] == measure) & (own["generation"] == own["generation"].max())]
        for regime, arm in last.groupby("regime"):
            losses = arm.pivot_table(index="seed", columns="variant", values="value")
            rows += [(name, regime, measure, *row) for row in _of_arm(losses, sources)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of_arm(losses: pd.DataFrame, sources: Sequence[str]) -> list[tuple[object, ...]]:
    """Return (switched off, loss, gain, low, high, seeds) of the baseline, each source and all; ``losses`` has a column a variant."""
    baseline = losses["_".join(sources)]
    switched = {"": set[str](), **{source: {source} for source in sources}, "all": set(sources)}
    rows: list[tuple[object, ...]] = []
    for words, off in switched.items():
        loss = losses["_".join(OFF + source if source in off else source for source in sources)]
        found = interval((baseline - loss).to_numpy())
        shown = found[:3] if words else (np.nan,) * 3
        rows.append((words, float(loss.mean()), *shown, len(loss)))
    return rows


def _sources(variants: Sequence[str]) -> list[str]:
    """Return the sources that a grid's variants switch, in the order of its axes; none if a label is not of that kind."""
    labels = [sorted(set(axis)) for axis in zip(*(variant.split("_") for variant in variants), strict=False)]
    pairs = [(off.removeprefix(OFF), off, axis) for axis in labels for off in axis if off.startswith(OFF)]
    sources = [word for word, off, axis in pairs if set(axis) == {word, off}]
    return sources if len(sources) == len(labels) and 2 ** len(labels) == len(variants) else []
