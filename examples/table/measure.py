"""Measure: compare a generation's rows with real ones, write names and numbers. Here flowers that no plant has: petals below 0 cm."""

import json
import sys
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

rows_file, measures_file = sys.argv[1:]
widths = pq.read_table(rows_file)["petal_width"]
Path(measures_file).write_text(json.dumps({"impossible_share": pc.mean(pc.less(widths, 0)).as_py()}))
