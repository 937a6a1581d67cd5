"""Train: read rows, fit a model, write it into a new folder. Here a normal distribution."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

rows_file, checkpoint, settings_file = map(Path, sys.argv[1:])
settings = json.loads(settings_file.read_text())
x = np.stack(pq.read_table(rows_file)["x"].to_numpy())  # shape (rows, numbers of a row)
covariance = np.cov(x.T, ddof=0).reshape(x.shape[1], -1) + settings["ridge"] * np.eye(x.shape[1])
model = {"mean": x.mean(axis=0).tolist(), "covariance": covariance.tolist()}
checkpoint.mkdir()
(checkpoint / "model.json").write_text(json.dumps(model))
print(f"fitted to {len(x)} rows")
