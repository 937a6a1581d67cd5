"""Heirloom's own `gaussian`, wrapped as the programs of a user: ``gaussian.py train|sample|measure …`` (`compare.py`)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.families import gaussian
from heirloom.measures import vectors
from heirloom.runtime.streams import Stream


def train(rows_file: str, checkpoint: str) -> None:
    """Fit the model."""
    x_ND = np.stack(pq.read_table(rows_file)["x"].to_numpy())
    model = gaussian.train(Dataset.of(vector_table(x_ND[None])), gaussian.Fit(), None, Stream(()))
    gaussian.save(model, Path(checkpoint))


def sample(checkpoint: str, num_rows: str, rows_file: str, seed: str) -> None:
    """Draw rows."""
    blocks = gaussian.sample(gaussian.load(Path(checkpoint)), None, int(num_rows), gaussian.Sampling(), Stream((int(seed),)))
    x_RND = np.concatenate([*blocks], axis=1)
    pq.write_table(pa.table({"x": list(x_RND[0])}), rows_file)


def measure(checkpoint: str, measures_file: str) -> None:
    """Write what the built-in family measures of its model."""
    model = gaussian.load(Path(checkpoint))
    measures = {"model_variance": float(vectors.covariance_trace(model.covariance)[0]), "model_squared_error": float(model.mean[0, 0] ** 2)}
    Path(measures_file).write_text(json.dumps(measures))


STEPS = {"train": train, "sample": sample, "measure": measure}

if __name__ == "__main__":
    STEPS[sys.argv[1]](*sys.argv[2:])
