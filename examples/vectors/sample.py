"""Sample: read a model, write so many rows of its own. The same seed must give the same rows."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

checkpoint, num_rows, rows_file, seed = sys.argv[1:]
model = json.loads(Path(checkpoint, "model.json").read_text())
x = np.random.default_rng(int(seed)).multivariate_normal(model["mean"], model["covariance"], int(num_rows))
pq.write_table(pa.table({"x": list(x)}), rows_file)
