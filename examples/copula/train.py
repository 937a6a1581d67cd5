"""Train: fit a Gaussian copula, the law of each column by itself and one correlation matrix of their normal scores (Sklar 1959)."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.special import ndtri
from scipy.stats import rankdata

QUANTILES = 201


def scores(values: np.ndarray) -> np.ndarray:
    """Return the normal scores of numbers: the normal quantiles of their ranks."""
    return ndtri(rankdata(values) / (len(values) + 1))


rows_file, checkpoint = map(Path, sys.argv[1:])
table = pq.read_table(rows_file)
laws, columns = {}, []
for name in table.column_names:
    values = table[name].to_numpy()
    if values.dtype == object:  # categories: each has a part of the unit interval, as long as its share, the most frequent first
        kinds, places, counts = np.unique(values, return_inverse=True, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        ends = np.cumsum(counts[order]) / len(values)
        laws[name] = {"kinds": kinds[order].tolist(), "ends": ends.tolist()}
        columns.append(ndtri((ends - counts[order] / len(values) / 2)[np.argsort(order)][places]))
    else:
        whole = bool(np.issubdtype(values.dtype, np.integer))
        grid = np.quantile(values, np.linspace(0, 1, QUANTILES), method="nearest" if whole else "linear")
        laws[name] = {"quantiles": grid.tolist(), "whole": whole}
        columns.append(scores(values))
correlation = np.nan_to_num(np.corrcoef(columns)) + 1e-9 * np.eye(len(columns))
checkpoint.mkdir()
(checkpoint / "model.json").write_text(json.dumps({"laws": laws, "correlation": correlation.tolist()}))
