"""Heirloom's own `causal_lm` on pairs, wrapped as the programs of a user: ``causal_lm.py train|sample|measure …`` (`compare.py`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from heirloom.data import pairs, ragged, tokenization
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Limit
from heirloom.data.rows import pair_table
from heirloom.families import answers, causal_lm
from heirloom.measures import text
from heirloom.runtime.streams import Stream

END = tokenization.END_OF_DOCUMENT_ID


def train(rows_file: str, checkpoint: str, settings_file: str, seed: str) -> None:
    """Fine-tune the pretrained model."""
    settings = json.loads(Path(settings_file).read_text())
    start = causal_lm.load(Path(settings["model"]))
    model = causal_lm.train(read(rows_file, settings), causal_lm.Fit.model_validate(settings["training"]), start, Stream((int(seed),)))
    Path(checkpoint).mkdir()
    causal_lm.save(model, Path(checkpoint))


def sample(checkpoint: str, prompts_file: str, rows_file: str, settings_file: str, seed: str) -> None:
    """Complete prompts."""
    settings = json.loads(Path(settings_file).read_text())
    prompts = pq.read_table(prompts_file)["prompt"].to_pylist()
    rows = table(prompts, ["" for _ in prompts], settings)
    chunk_rows, limit = settings["chunk_rows"], Limit([END], settings["tokens"])
    chunks = pairs.prompt_chunks(rows, chunk_rows, range(pairs.count_chunks(rows.num_rows, chunk_rows)))
    written = causal_lm.complete(causal_lm.load(Path(checkpoint)), chunks, limit, causal_lm.Sampling(), Stream((int(seed),)))
    tokens = [row for _, completions in pairs.in_order(written, rows, chunk_rows) for row in completions.to_pylist()]
    stopped = [row[-1] == END for row in tokens]
    texts = tokenization.decode_lists(tokenizer(settings), [row[:-1] if stop else row for row, stop in zip(tokens, stopped, strict=True)])
    pq.write_table(pa.table({"completion": texts, "stopped": stopped}), rows_file)


def measure(checkpoint: str, held_out: str, measures_file: str, settings_file: str) -> None:
    """Write the perplexity of the model on held-out pairs, as the built-in family measures it."""
    settings = json.loads(Path(settings_file).read_text())
    rows, model = read(held_out, settings), causal_lm.load(Path(checkpoint))
    nats_N, _ = answers.row_nats(lambda prompts, completions: causal_lm.completion_losses(model, prompts, completions), rows, 8)
    perplexity = text.perplexity(float(nats_N.sum()), int(pairs.lengths(rows, "tokens").sum()))
    Path(measures_file).write_text(json.dumps({"model_test_perplexity": perplexity}))


def read(file: str, settings: dict[str, Any]) -> Dataset:
    """Return the pairs of a file, with their tokens."""
    rows = pq.read_table(file)
    return table(rows["prompt"].to_pylist(), rows["completion"].to_pylist(), settings, rows["stopped"].to_pylist())


def table(prompts: Sequence[str], texts: Sequence[str], settings: dict[str, Any], stopped: Sequence[bool] | None = None) -> Dataset:
    """Return pairs as Heirloom holds them; by default all have stopped."""
    reader, has_stopped = tokenizer(settings), np.array(stopped or [True] * len(texts))
    completions = tokenization.encode_lists(reader, texts)
    tokens = [[*row, END] if stop else row for row, stop in zip(completions, has_stopped, strict=True)]
    prompt_tokens = ragged.of_sequences(tokenization.encode_lists(reader, prompts))
    return Dataset.of(pair_table(prompt_tokens, prompts, ragged.of_sequences(tokens), texts, has_stopped, first_row=0))


def tokenizer(settings: dict[str, Any]) -> Any:
    """Return the model's tokenizer."""
    return tokenization.from_json(Path(settings["model"], "tokenizer.json").read_text(encoding="utf-8"))


STEPS = {"train": train, "sample": sample, "measure": measure}

if __name__ == "__main__":
    STEPS[sys.argv[1]](*sys.argv[2:])
