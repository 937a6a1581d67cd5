"""Measure: compare a generation's completions with those of real pairs. Here their length in words, and words of the prompt in them."""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq

rows_file, measures_file = sys.argv[1:]
pairs = pq.read_table(rows_file).to_pylist()
words = [pair["completion"].lower().split() for pair in pairs]
prompts = [set(pair["prompt"].lower().split()) for pair in pairs]
repeated = sum(word in prompt for prompt, completion in zip(prompts, words, strict=True) for word in completion)
num_words = sum(map(len, words))
measures = {"mean_words": num_words / len(pairs), "words_of_prompt": repeated / max(num_words, 1)}
Path(measures_file).write_text(json.dumps(measures))
