"""Train: read rows of a table, fit a model, write it into a new folder. Here each column by itself, as if none knew of the others."""

import json
import sys
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

rows_file, checkpoint = map(Path, sys.argv[1:])
table = pq.read_table(rows_file)
model = {}
for name, column in zip(table.column_names, table.columns, strict=True):
    if column.type == "double":
        model[name] = {"mean": pc.mean(column).as_py(), "spread": pc.stddev(column).as_py()}
    else:
        counts = sorted(pc.value_counts(column).to_pylist(), key=lambda count: str(count["values"]))
        model[name] = {"values": [count["values"] for count in counts], "counts": [count["counts"] for count in counts]}
checkpoint.mkdir()
(checkpoint / "model.json").write_text(json.dumps(model))
print(f"fitted to {table.num_rows} rows of {table.num_columns} columns")
