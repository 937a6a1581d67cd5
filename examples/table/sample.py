"""Sample: read a model, write so many rows of its own. The same seed must give the same rows."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

checkpoint, num_rows, rows_file, seed = sys.argv[1:]
model = json.loads(Path(checkpoint, "model.json").read_text())
generator = np.random.default_rng(int(seed))
columns = {}
for name, law in model.items():
    if "mean" in law:
        columns[name] = pa.array(generator.normal(law["mean"], law["spread"], int(num_rows)))
    else:
        places = generator.choice(len(law["values"]), int(num_rows), p=np.array(law["counts"]) / sum(law["counts"]))
        columns[name] = pa.array(law["values"]).take(pa.array(places))
pq.write_table(pa.table(columns), rows_file)
