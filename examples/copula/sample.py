"""Sample: draw normal scores with the copula's correlations, and give each column the value of its own law there."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import ndtr

checkpoint, num_rows, rows_file, seed = sys.argv[1:]
model = json.loads(Path(checkpoint, "model.json").read_text())
correlation = np.array(model["correlation"])
scores = np.random.default_rng(int(seed)).multivariate_normal(np.zeros(len(correlation)), correlation, int(num_rows), method="eigh")
columns = {}
for (name, law), uniforms in zip(model["laws"].items(), ndtr(scores).T, strict=True):
    if "kinds" in law:
        places = np.searchsorted(law["ends"], uniforms).clip(max=len(law["kinds"]) - 1)
        columns[name] = pa.array(law["kinds"]).take(pa.array(places))
        continue
    grid = np.linspace(0, 1, len(law["quantiles"]))
    values = np.interp(uniforms, grid, law["quantiles"])
    columns[name] = pa.array(values.round().astype(np.int64) if law["whole"] else values)
pq.write_table(pa.table(columns), rows_file)
