"""Measure: compare a generation's images with real ones, write names and numbers. Here their ink: the mean of all pixels."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

*rows_files, measures_file = sys.argv[1:]
ink, real_ink = (float(np.stack(pq.read_table(file)["x"].to_numpy()).mean() / 255) for file in rows_files)
Path(measures_file).write_text(json.dumps({"ink": ink, "ink_error": abs(ink - real_ink)}))
