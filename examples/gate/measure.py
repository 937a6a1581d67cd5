"""Measure, in ten lines: which share of the snippets compiles, and how many different ones there are."""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
from gate import compiles

snippets = pq.read_table(sys.argv[1])["completion"].to_pylist()
measures = {"compiles": sum(map(compiles, snippets)) / len(snippets), "different": len(set(snippets)) / len(snippets)}
Path(sys.argv[2]).write_text(json.dumps(measures))
