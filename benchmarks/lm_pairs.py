"""Prompts and completions of unequal length, side by side: sampling against `generate` with padding, training against TRL's SFTTrainer.

    OMP_NUM_THREADS=1 python benchmarks/lm_pairs.py [turns] [rows] [--without PATTERN]

A model of 2.6 M random weights. Prompts and completions have 16 to 128 tokens. Of sampling, one token in 64 ends a completion, so that
lengths are nearly geometric with that mean, at most 128; every way draws by random numbers of its own, and is measured by the tokens that
it has written, its end tokens counted. `generate` has the same number of rows in a batch as we have in a chunk, padding before them, and
the prompts once as they come and once sorted by length. Of training, all ways learn the same completions in steps of equally many rows,
and are measured by the tokens that they read. SFTTrainer runs in an environment of its own (`lm_engines.py`), with rows as they come and
grouped by length.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import lm_engines
import lm_trl
import machine
import numpy as np
import torch
from lm import OURS, SIZES, THEIRS, possible
from sides import Preparation, Work, answer, at_once, compare, options, ratio

from heirloom.data import pairs, ragged
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Limit
from heirloom.data.rows import pair_table
from heirloom.families import minibatches, transformer
from heirloom.families.lm import adamw, loop, schedules
from heirloom.families.lm import pairs as lm_pairs
from heirloom.families.lm.native.checkpoint import load_folder, save_folder
from heirloom.families.lm.native.learner import Learner
from heirloom.families.lm.native.model import Llama, LlamaShape, initialise
from heirloom.runtime.heap import keep_freed_memory
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Decoding

STREAM = Stream((0, "benchmark"))
SHORTEST, LONGEST = 16, 128  # tokens of a prompt, and of a completion
CHUNK_ROWS, BATCH_ROWS = 64, 32
STOPS = list(range(LONGEST // 2))  # of 4,096 tokens that are about equally likely, one in 64 ends a completion
SHAPE = LlamaShape(4096, 192, 4, 4, 512, 2 * LONGEST)
assert SIZES["2.6M"][0].hidden_size == SHAPE.hidden_size

SAMPLERS = {
    "generate with padding": THEIRS,
    "generate with padding, sorted": THEIRS,
    "generate with padding, sorted, bf16 weights": THEIRS,
    "ours float32": OURS,
    "ours bfloat16": OURS,
}
TRAINERS = {**dict.fromkeys(lm_trl.WAYS, "trl"), "ours float32": OURS, "ours bfloat16": OURS}

Tokens = list[list[int]]


def sides_of_pairs(num_rows: int) -> tuple[Tokens, Tokens]:
    """Return prompts, and completions that end with an end token."""
    generator = STREAM.child("pairs").generator()
    lengths = generator.integers(SHORTEST, LONGEST + 1, (num_rows, 2)).tolist()
    prompts = [generator.integers(len(STOPS), SHAPE.vocab_size, prompt).tolist() for prompt, _ in lengths]
    completions = [[*generator.integers(len(STOPS), SHAPE.vocab_size, completion - 1).tolist(), 0] for _, completion in lengths]
    return prompts, completions


def dataset(prompts: Tokens, completions: Tokens) -> Dataset:
    """Return pairs as a dataset; their text plays no part."""
    text = [""] * len(prompts)
    stopped = np.ones(len(prompts), dtype=bool)
    return Dataset.of(pair_table(ragged.of_sequences(prompts), text, ragged.of_sequences(completions), text, stopped, first_row=0, born=0))


def prepare(folder: Path, num_rows: int) -> None:
    """Write the checkpoint and the pairs into ``folder``."""
    save_folder(Llama(SHAPE, initialise(SHAPE, STREAM)), folder)
    (folder / "pairs.json").write_text(json.dumps(sides_of_pairs(num_rows)))


def noted(folder: Path, way: str, write: Callable[[], int]) -> Work:
    """Return work that also notes how many tokens it has written."""

    def work() -> None:
        (folder / f"{way}.tokens").write_text(str(write()))

    return work


def generators(folder: Path, prompts: Tokens) -> dict[str, Preparation]:
    """Return ways to complete prompts by `generate`."""
    from transformers import AutoModelForCausalLM, set_seed

    plain = AutoModelForCausalLM.from_pretrained(folder).eval()
    halved = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()

    def written(model: Any, rows: Tokens) -> int:
        set_seed(0)
        total = 0
        for start in range(0, len(rows), CHUNK_ROWS):
            tokens = torch.from_numpy(ragged.padded(ragged.of_sequences(rows[start : start + CHUNK_ROWS]), left=True)).long()
            settings = {"do_sample": True, "top_k": 0, "max_new_tokens": LONGEST, "eos_token_id": STOPS, "pad_token_id": 0}
            everything = model.generate(input_ids=tokens.clamp(min=0), attention_mask=(tokens >= 0).long(), **settings)
            is_stop = torch.isin(everything[:, tokens.shape[1] :], torch.tensor(STOPS))
            total += int((is_stop.cumsum(dim=1) - is_stop.long() == 0).sum())
        return total

    in_order = sorted(prompts, key=len)
    names = [name for name, side in SAMPLERS.items() if side == THEIRS]
    works = [lambda: written(plain, prompts), lambda: written(plain, in_order), lambda: written(halved, in_order)]
    return {name: at_once(noted(folder, name, write)) for name, write in zip(names, works, strict=True)}


def our_samplers(folder: Path, rows: Dataset) -> dict[str, Preparation]:
    """Return ways to complete prompts by Heirloom."""
    model = load_folder(folder)
    numbers = range(pairs.count_chunks(rows.num_rows, CHUNK_ROWS))

    def written(precision: Any) -> int:
        chunks = pairs.prompt_chunks(rows, CHUNK_ROWS, numbers)
        settings = Decoding(precision=precision)
        return sum(int((chunk >= 0).sum()) for chunk in transformer.complete(model, chunks, Limit(STOPS, LONGEST), settings, STREAM))

    works = {"ours float32": lambda: written("float32"), "ours bfloat16": lambda: written("bfloat16")}
    return {name: at_once(noted(folder, name, write)) for name, write in works.items()}


def our_trainers(folder: Path, rows: Dataset) -> dict[str, Preparation]:
    """Return ways to train a fresh copy of the model on the completions."""
    model = load_folder(folder)
    averaging = adamw.Settings((0.9, 0.95), 0.1, matrices_only=True)
    settings = loop.Settings(1, BATCH_ROWS, schedules.warmed_cosine(1e-3, 0.05), averaging, clip=1.0)

    def train(precision: Any) -> None:
        with lm_pairs.mapped(rows, "completion") as mapped:
            loop.train(loop.Training(Learner.of(model, precision), mapped, settings, STREAM))

    return {"ours float32": at_once(lambda: train("float32")), "ours bfloat16": at_once(lambda: train("bfloat16"))}


def side(kind: str, name: str, folder: Path) -> dict[str, Preparation]:
    """Return the ways of a side, in a process made ready as that side makes it."""
    prompts, completions = json.loads((folder / "pairs.json").read_text())
    if name == THEIRS:
        return generators(folder, prompts)
    keep_freed_memory()
    rows = dataset(prompts, completions)
    return our_samplers(folder, rows) if kind == "samplers" else our_trainers(folder, rows)


def table(title: str, taken: dict[str, list[float]], tokens: dict[str, int], references: Iterable[str]) -> None:
    """Print tokens per CPU-second, and how many times as fast a way is as each reference: the medians over turns."""
    if not taken:
        return
    columns = [name for name in references if name in taken]
    print(f"\n{title}, medians of {len(next(iter(taken.values())))}")
    for name, spent in taken.items():
        # a ratio of seconds at equal tokens
        ratios = [f"{ratio(spent, taken[other]) * tokens[name] / tokens[other]:.2f} of {other}" for other in columns if other != name]
        print(f"{name:<46}{tokens[name] / statistics.median(spent):>8,.0f} tokens/CPU-s  {', '.join(ratios)}", flush=True)


def main(turns: int, num_rows: int, unwanted: str | None) -> None:
    """Print both tables."""
    print(f"\npairs: processor {machine.processor()[0]}, {num_rows} rows")
    with tempfile.TemporaryDirectory() as name, lm_engines.kept() as environments:
        folder = Path(name)
        prepare(folder, num_rows)
        here = {other: [sys.executable, __file__, "side", "samplers", other, name] for other in (THEIRS, OURS)}
        taken = compare(here, possible(SAMPLERS, unwanted), turns)
        counts = {way: int((folder / f"{way}.tokens").read_text()) for way in taken}
        table("completions", taken, counts, [way for way, other in SAMPLERS.items() if other == THEIRS])
        here = {OURS: [sys.executable, __file__, "side", "trainers", OURS, name]}
        python = lm_engines.environment("trl", environments / "trl")
        ways = TRAINERS if python else {way: other for way, other in TRAINERS.items() if other == OURS}
        if python:
            here["trl"] = [str(python), lm_trl.__file__, name, str(folder / "pairs.json"), str(BATCH_ROWS)]
        taken = compare(here, possible(ways, unwanted), turns)
        num_tokens = sum(len(tokens) for tokens in chain(*sides_of_pairs(num_rows)))
        table("training on completions", taken, dict.fromkeys(taken, num_tokens), lm_trl.WAYS)


if __name__ == "__main__":
    torch.set_num_threads(1)
    minibatches.use_deterministic_kernels()
    if sys.argv[1:2] == ["side"]:
        answer(side(sys.argv[2], sys.argv[3], Path(sys.argv[4])))
    else:
        given = options({"turns": 5, "rows": 256}).parse_args()
        main(given.turns, given.rows, given.without)
