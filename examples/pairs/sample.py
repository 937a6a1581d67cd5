"""Sample: read a model and prompts, write a completion for each, in their order. The same seed must give the same rows."""

import json
import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

checkpoint, prompts_file, rows_file, settings_file, seed = sys.argv[1:]
followers = json.loads(Path(checkpoint, "model.json").read_text())
most_words = json.loads(Path(settings_file).read_text())["most_words"]
generator = random.Random(int(seed))


def answer(prompt: str) -> tuple[str, bool]:
    """Return a completion, and whether it has ended by itself."""
    words, completion = prompt.split()[-2:], []
    while len(completion) < most_words:
        counts = followers.get(" ".join(words[-2:])) or followers.get("".join(words[-1:])) or followers[""]
        word = generator.choices(list(counts), list(counts.values()))[0]
        if not word:
            return " ".join(completion), True
        completion.append(word)
        words.append(word)
    return " ".join(completion), False


completions, stopped = zip(*map(answer, pq.read_table(prompts_file)["prompt"].to_pylist()), strict=True)
pq.write_table(pa.table({"completion": completions, "stopped": stopped}), rows_file)
