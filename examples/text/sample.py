"""Sample: read a model, write so many texts of its own. The same seed must give the same rows."""

import json
import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

checkpoint, num_rows, rows_file, seed = sys.argv[1:]
model = json.loads(Path(checkpoint, "model.json").read_text())
generator = random.Random(int(seed))


def draw() -> str:
    """Return a text, a character after the other; a context that was never seen ends it."""
    text = "\n" * model["order"]
    while len(text) < model["order"] + model["length"] and (counts := model["followers"].get(text[-model["order"] :])):
        text += generator.choices(list(counts), list(counts.values()))[0]
    return text[model["order"] :]


pq.write_table(pa.table({"text": [draw() for _ in range(int(num_rows))]}), rows_file)
