"""Sample: read a model, write so many images of its own. The same seed must give the same rows."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

checkpoint, num_rows, rows_file, seed = sys.argv[1:]
model = np.load(Path(checkpoint, "model.npz"))
amounts = np.random.default_rng(int(seed)).normal(0, model["spreads"], (int(num_rows), len(model["spreads"])))
pixels = np.clip(255 * (model["mean"] + amounts @ model["axes"]), 0, 255).round().astype(np.uint8)
pq.write_table(pa.table({"x": list(pixels)}), rows_file)
