"""Sample: answer prompts from the model's whole law (no top-k, temperature 1), until the end token or the limit."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed

BATCH_ROWS = 64

checkpoint, prompts_file, rows_file, settings_file, seed = sys.argv[1:]
settings = json.loads(Path(settings_file).read_text())
tokenizer = AutoTokenizer.from_pretrained(checkpoint, padding_side="left")
model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
prompts = pq.read_table(prompts_file)["prompt"].to_pylist()
set_seed(int(seed))
completions, stopped = [], []
for first in range(0, len(prompts), BATCH_ROWS):
    batch = tokenizer(prompts[first : first + BATCH_ROWS], return_tensors="pt", padding=True)
    longest = settings["max_tokens"] - batch["input_ids"].shape[1]
    written = model.generate(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        do_sample=True,
        top_k=0,
        max_new_tokens=min(settings["new_tokens"], longest),
    )
    for row in written[:, batch["input_ids"].shape[1] :].tolist():
        has_stopped = tokenizer.eos_token_id in row
        tokens = row[: row.index(tokenizer.eos_token_id)] if has_stopped else row
        completions.append(tokenizer.decode(tokens))
        stopped.append(has_stopped)
pq.write_table(pa.table({"completion": completions, "stopped": stopped}), rows_file)
