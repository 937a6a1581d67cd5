"""What a table still has: how far each column is from held-out rows, which categories are left, how columns hang together.

Legend of shapes: N rows, M rows of the other table, K columns of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Numbers = NDArray[np.float64]
Column: TypeAlias = "Numbers | pa.ChunkedArray"
"""Numbers, shape (N,), or the texts of categories."""

NONNEGATIVE = ("column_distance", "spread", "category_survival", "correlation_distance")
"""Measures of tables that are 0 or above (`measures.scales`)."""


def compare(sample: Mapping[str, Column], held_out: Mapping[str, Column], original: Mapping[str, Column]) -> dict[str, float]:
    """Return the measures of a table's rows.

    Returns
    -------
    ``column_distance``, the mean over columns of ``column_distance.NAME``: how far the column is from held-out rows, from 0 to 1; the
    Kolmogorov–Smirnov statistic of numbers, the total variation distance of categories. ``spread`` and ``spread.NAME``: standard deviation
    of a column of numbers, by that of the original rows, mean over columns. ``category_survival``: share of the original rows' categories
    that still occur, mean over columns. ``correlation_distance``: mean absolute difference of the correlations of two columns of numbers
    (Pearson 1895) from held-out rows. A measure that a table has no columns for is left out.
    """
    distances = {name: distance(column, held_out[name]) for name, column in sample.items()}
    spreads = {}
    for name, column in _numbers(sample).items():
        real_spread = _numbers(original)[name].std()
        if real_spread > 0:
            spreads[name] = float(column.std() / real_spread)
    survivals = [survival(column, original[name]) for name, column in sample.items() if not isinstance(column, np.ndarray)]
    measures = {**_with_mean("column_distance", distances), **_with_mean("spread", spreads)}
    if survivals:
        measures["category_survival"] = float(np.mean(survivals))
    if len(_numbers(sample)) > 1:
        measures["correlation_distance"] = correlation_distance(_matrix(sample), _matrix(held_out))
    return measures


def distance(column: Column, reference: Column) -> float:
    """Return how far a column is from another of the same name, from 0 to 1: of numbers by `kolmogorov_smirnov`, else `total_variation`."""
    if isinstance(column, np.ndarray):
        assert isinstance(reference, np.ndarray)
        return kolmogorov_smirnov(column, reference)
    return total_variation(column, reference)


def kolmogorov_smirnov(x_N: Numbers, y_M: Numbers) -> float:
    """Return the largest difference of two samples' distribution functions (Smirnov 1948)."""
    points = np.concatenate([x_N, y_M])
    below_x = np.searchsorted(np.sort(x_N), points, side="right") / len(x_N)
    below_y = np.searchsorted(np.sort(y_M), points, side="right") / len(y_M)
    return float(np.abs(below_x - below_y).max())


def total_variation(texts: pa.ChunkedArray, reference: pa.ChunkedArray) -> float:
    """Return half the sum of the absolute differences of the categories' shares."""
    shares, others = _shares(texts), _shares(reference)
    return 0.5 * sum(abs(shares.get(name, 0.0) - others.get(name, 0.0)) for name in sorted(shares.keys() | others.keys()))


def survival(texts: pa.ChunkedArray, original: pa.ChunkedArray) -> float:
    """Return the share of a column's original categories that still occur."""
    known = _shares(original).keys()
    return len(known & _shares(texts).keys()) / len(known)


def correlation_distance(x_NK: Numbers, y_MK: Numbers) -> float:
    """Return the mean absolute difference of the correlations of all pairs of columns; a constant column is correlated with none."""
    above = np.triu_indices(x_NK.shape[1], 1)
    return float(np.abs(_correlations(x_NK)[above] - _correlations(y_MK)[above]).mean())


def _correlations(x_NK: Numbers) -> Numbers:
    centred = x_NK - x_NK.mean(axis=0)
    norms = np.sqrt((centred**2).sum(axis=0))
    scaled = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    return np.asarray(scaled.T @ scaled)


def _numbers(table: Mapping[str, Column]) -> dict[str, Numbers]:
    return {name: column for name, column in table.items() if isinstance(column, np.ndarray)}


def _matrix(table: Mapping[str, Column]) -> Numbers:
    return np.stack([*_numbers(table).values()], axis=1)


def _shares(texts: pa.ChunkedArray) -> dict[str, float]:
    """Return the share of each category that occurs."""
    import pyarrow.compute as pc

    counts = pc.value_counts(texts)
    return {entry["values"]: entry["counts"] / len(texts) for entry in counts.to_pylist()}


def _with_mean(measure: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return a measure of each column, and its mean, under the measure's name; nothing where there is no column."""
    named = {f"{measure}.{name}": value for name, value in values.items()}
    return {measure: float(np.mean([*values.values()])), **named} if values else {}
