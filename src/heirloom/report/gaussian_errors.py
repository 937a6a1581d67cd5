"""How far the mean and standard deviation of one-dimensional Gaussians are from the truth, over a grid, beside the closed form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import pandas as pd

from heirloom.report import expected_curves, tables
from heirloom.report.charts import logarithmic
from heirloom.report.looks import BLACK, DASHED
from heirloom.report.numbers import estimates
from heirloom.specs.experiment import Experiment
from heirloom.specs.regime import Regime
from heirloom.stats.spacing import geometrically_spaced

if TYPE_CHECKING:
    from heirloom.report.figures.kind import Subject
    from heirloom.theory import Curve

MEAN, DEVIATION = "mean", "standard deviation"
MAX_POINTS = 60
SUBTITLE = "root of the mean squared error over replicas; dashed: closed form"


def errors(subject: Subject, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the root of the mean squared error of a one-dimensional Gaussian's mean and standard deviation, and its closed form.

    Since W2² to the truth is the one squared error plus the other (Dowson and Landau 1982), the second is a difference.

    Parameters
    ----------
    rows
        The tidy rows of the grid.

    Returns
    -------
    variant, rows, divisor, regime, generation, of (`MEAN` or `DEVIATION`), error, expected (NaN where there is none); of at most
    `MAX_POINTS` generations, evenly spaced on the log axis of fits
    """
    parts = []
    for key, experiment in subject.experiments.items():
        variant = tables.names(key, experiment)[1]
        variant_rows = rows[rows["variant"] == variant]
        for regime in experiment.regimes:
            arm = pd.concat(_arm_errors(variant_rows, regime, subject.regimes[regime], experiment))
            parts.append(arm.assign(variant=variant, rows=experiment.rows, divisor=experiment.family.divisor, regime=regime))
    table = pd.concat(parts, ignore_index=True)
    num_fits = int(table["generation"].max()) + 1
    fits = table["generation"] + 1
    table = table[fits.isin(geometrically_spaced(num_fits, MAX_POINTS))]
    return table[["variant", "rows", "divisor", "regime", "generation", "of", "error", "expected"]]


def panel(marks: alt.Chart, numbers: pd.DataFrame, x: alt.X, colour: alt.Color, estimate: str) -> alt.LayerChart:
    """Draw the measured errors of an estimate (`MEAN` or `DEVIATION`) with marks, over their closed form as dashed lines."""
    values = pd.concat([numbers["error"], numbers["expected"].dropna()])
    y = logarithmic(alt.Y("error:Q", title=f"error of the {estimate} (log)"), values)
    measured = marks.encode(x=x, y=y, color=colour)
    rows_with_form = alt.Chart(numbers).transform_filter("isValid(datum.expected)")
    dashed_line = rows_with_form.mark_line(strokeWidth=1.3, strokeDash=list(DASHED), color=BLACK)
    closed_form = dashed_line.encode(x=x, y=alt.Y("expected:Q"), detail=[colour.shorthand])
    return alt.layer(measured, closed_form)


def _arm_errors(rows: pd.DataFrame, name: str, regime: Regime, experiment: Experiment) -> Iterator[pd.DataFrame]:
    """Yield generation, of, error and expected of the mean, then of the standard deviation."""
    mean_square = estimates(rows, [name], "mean_squared_error")
    total = estimates(rows, [name], "wasserstein2_squared")
    generations = mean_square["generation"]
    closed_forms = _closed_forms(expected_curves.curves(experiment, regime))
    measured = {MEAN: mean_square["mean"], DEVIATION: total["mean"] - mean_square["mean"]}
    for estimate, squares in measured.items():
        form = closed_forms[estimate]
        expected_G = np.full(len(generations), np.nan) if form is None else np.sqrt(np.clip(form[generations], 0, None))
        yield pd.DataFrame({"generation": generations, "of": estimate, "error": np.sqrt(squares.clip(0)), "expected": expected_G})


def _closed_forms(curves: Mapping[str, Curve]) -> dict[str, Curve | None]:
    mean_square, total = curves.get("mean_squared_error"), curves.get("wasserstein2_squared")
    deviation = None if mean_square is None or total is None else total - mean_square
    return {MEAN: mean_square, DEVIATION: deviation}
