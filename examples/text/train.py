"""Train: read texts, fit a model, write it into a new folder. Here a table of which character follows which few."""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.parquet as pq

rows_file, checkpoint, settings_file = map(Path, sys.argv[1:])
order = json.loads(settings_file.read_text())["order"]
followers: dict[str, Counter[str]] = defaultdict(Counter)
texts = pq.read_table(rows_file)["text"].to_pylist()
for text in texts:
    padded = "\n" * order + text
    for place in range(order, len(padded)):
        followers[padded[place - order : place]][padded[place]] += 1
model = {context: dict(sorted(counts.items())) for context, counts in sorted(followers.items())}
checkpoint.mkdir()
(checkpoint / "model.json").write_text(json.dumps({"order": order, "length": max(map(len, texts)), "followers": model}))
print(f"fitted to {len(texts)} texts")
