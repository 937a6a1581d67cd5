"""Train: read prompts and completions, fit a model, write it into a new folder. Here the next word, given the last two."""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.parquet as pq

rows_file, checkpoint = map(Path, sys.argv[1:])
followers: dict[str, Counter[str]] = defaultdict(Counter)
pairs = pq.read_table(rows_file).to_pylist()
for pair in pairs:
    end = [""] if pair["stopped"] else []  # no word: the end
    words = [*pair["prompt"].split()[-2:], *pair["completion"].split(), *end]
    for place in range(2, len(words)):
        followers[" ".join(words[place - 2 : place])][words[place]] += 1
        followers[words[place - 1]][words[place]] += 1  # a shorter context, where the longer one was never seen
        followers[""][words[place]] += 1
checkpoint.mkdir()
model = {context: dict(sorted(counts.items())) for context, counts in sorted(followers.items())}
(checkpoint / "model.json").write_text(json.dumps(model))
print(f"fitted to {len(pairs)} pairs")
