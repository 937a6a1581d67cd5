"""Measure: compare a generation's texts with real ones, write names and numbers. Here the mean length, and letters that are capitals."""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq

rows_file, measures_file = sys.argv[1:]
texts = pq.read_table(rows_file)["text"].to_pylist()
letters = [letter for text in texts for letter in text if letter.isalpha()]
capitals = sum(letter.isupper() for letter in letters)
measures = {"mean_characters": sum(map(len, texts)) / len(texts), "capital_share": capitals / max(len(letters), 1)}
Path(measures_file).write_text(json.dumps(measures))
