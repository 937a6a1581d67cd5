"""Measure: compare a generation's rows with real ones, write names and numbers. Here the energy distance."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq


def mean_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean Euclidean distance between rows of two sets."""
    return float(np.linalg.norm(a[:, None] - b[None], axis=2).mean())


*rows_files, measures_file = sys.argv[1:]
synthetic, held_out = (np.stack(pq.read_table(file)["x"].to_numpy()) for file in rows_files)
between, within = mean_distance(synthetic, held_out), mean_distance(synthetic, synthetic) + mean_distance(held_out, held_out)
Path(measures_file).write_text(json.dumps({"energy_distance": 2 * between - within}))
