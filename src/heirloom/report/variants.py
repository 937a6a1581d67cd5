"""The numbers behind figures over the variants of a grid: what changes with the rows a generation, or with another key.

Every function takes the tidy rows of one grid, and its variants by their names in the expanded config.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from heirloom.config import Config
from heirloom.report import expected, tables
from heirloom.report.numbers import estimates, spread
from heirloom.specs.experiment import Experiment
from heirloom.stats.spacing import geometrically_spaced

Variants = Mapping[str, Experiment]

MEAN, DEVIATION = "mean", "standard deviation"
MAX_POINTS = 60


def errors(own: pd.DataFrame, variants: Variants, config: Config) -> pd.DataFrame:
    """Return the root of the mean squared error of a one-dimensional Gaussian's mean and standard deviation, and its closed form.

    Since W2² to the truth is the one squared error plus the other (Dowson and Landau 1982), the second is a difference.

    Returns
    -------
    variant, rows, divisor, regime, generation, of (`MEAN` or `DEVIATION`), error, expected (NaN where there is none); of at most
    `MAX_POINTS` generations, evenly spaced on the log axis of fits
    """
    parts = []
    for key, experiment in variants.items():
        divisor, rows = experiment.family.divisor, _of(own, key, experiment)
        for regime in experiment.regimes:
            known = expected.curves(experiment, config.regimes[regime])
            square, distance = (estimates(rows, [regime], name) for name in ("mean_squared_error", "wasserstein2_squared"))
            mean_square, total = known.get("mean_squared_error"), known.get("wasserstein2_squared")
            rest = None if mean_square is None or total is None else total - mean_square
            for of, measured, form in ((MEAN, square["mean"], mean_square), (DEVIATION, distance["mean"] - square["mean"], rest)):
                part = pd.DataFrame({"generation": square["generation"], "of": of, "divisor": divisor, "error": np.sqrt(measured.clip(0))})
                form_G = np.full(len(part), np.nan) if form is None else np.sqrt(np.clip(form[part["generation"]], 0, None))
                parts.append(part.assign(expected=form_G, variant=tables.names(key, experiment)[1], rows=experiment.rows, regime=regime))
    table = pd.concat(parts, ignore_index=True)
    fits = geometrically_spaced(int(table["generation"].max()) + 1, MAX_POINTS)
    table = table[(table["generation"] + 1).isin(fits)]
    return table[["variant", "rows", "divisor", "regime", "generation", "of", "error", "expected"]]


def first_errors(own: pd.DataFrame, variants: Variants, config: Config) -> pd.DataFrame:
    """Return `errors` of the first fit alone, to real rows; columns variant, rows, divisor, of, error, expected."""
    every = errors(own, variants, config)
    first = every[every["generation"] == 0].drop_duplicates(["variant", "of"])
    return first[["variant", "rows", "divisor", "of", "error", "expected"]]


def distances(own: pd.DataFrame, variants: Variants, config: Config) -> pd.DataFrame:
    """Return the squared L2 distance to generation 0's density: variant, regime, generation, median, low, high (`numbers.spread`)."""
    parts = []
    for key, experiment in variants.items():
        shown = spread(_of(own, key, experiment), experiment.regimes, "squared_l2_origin")
        parts.append(shown.assign(variant=tables.names(key, experiment)[1]))
    table = pd.concat(parts, ignore_index=True)
    return table.loc[table["generation"] > 0, ["variant", "regime", "generation", "median", "low", "high"]]


def _of(own: pd.DataFrame, key: str, experiment: Experiment) -> pd.DataFrame:
    return own[own["variant"] == tables.names(key, experiment)[1]]
