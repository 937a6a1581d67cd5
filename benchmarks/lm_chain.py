"""A whole chain of language models side by side with a script over `Trainer` and `generate` that does the same work, one thread.

    OMP_NUM_THREADS=1 python benchmarks/lm_chain.py [turns] [generations] [rows] [origin rows] [--without PATTERN]

Both train generation 0 and then, generation after generation, continue every prompt, train on the continuations from generation 0's
weights, and write a checkpoint: the arm `replace` of configs/lm.yaml, one lineage, its model and its schedule. Mixing, measures and
manifests are left out on both sides. In bfloat16, `Trainer` has `bf16=True` and `generate` runs under autocast. The other script is as
good as we know to write it: fused AdamW, no logs or saves within a training, prompts in batches of the same size, one process for all
generations. Ours is a process too, with what a step sets before it begins (`runtime.heap`); the two take turns. Rows are random tokens:
the work is the same for any.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lm import LENGTH, OURS, THEIRS, possible, trainer
from numpy.typing import NDArray
from sides import answer, at_once, compare, options, ratio

from heirloom import config as configuration
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.families import transformer
from heirloom.families.lm.native.model import Llama, LlamaShape, initialise
from heirloom.runtime.heap import keep_freed_memory
from heirloom.runtime.streams import Stream
from heirloom.specs.experiment import Experiment

STREAM = Stream((0, "benchmark"))
CONFIG = Path(__file__).parents[1] / "configs/lm.yaml"

Tokens = NDArray[np.int32]

WAYS = {
    "Trainer + generate": THEIRS,
    "Trainer bf16 + generate autocast bf16": THEIRS,
    "ours float32": OURS,
    "ours bfloat16": OURS,
}
"""Way to run the chain → its side."""


def dataset(tokens: Tokens) -> Dataset:
    """Return rows of tokens as a dataset."""
    return Dataset.of(text_table(tokens, [""] * len(tokens), first_row=0))


def ours(experiment: Experiment, original: Tokens, prompts: Tokens, generations: int, folder: Path, precision: Any) -> None:
    """Run the chain by Heirloom's own functions."""
    training: Any = experiment.family.training.model_copy(update={"precision": precision})
    settings: Any = experiment.family.sampling.model_copy(update={"precision": precision})
    text = getattr(experiment.source, "text", None)
    origin = model = transformer.train(dataset(original), training.fit_settings(0, text), None, STREAM.child(0))  # type: ignore[arg-type]
    transformer.save(origin, folder / "0")
    for number in range(1, generations + 1):
        chunks = dataset(prompts).chunks("tokens", experiment.chunk_rows)
        written = np.concatenate(list(transformer.sample(model, chunks, len(prompts), settings, STREAM.child(number))))  # type: ignore[arg-type]
        model = transformer.train(dataset(written[: len(prompts)]), training.fit_settings(number, text), origin, STREAM.child(number))  # type: ignore[arg-type]
        transformer.save(model, folder / str(number))


def theirs(experiment: Experiment, original: Tokens, prompts: Tokens, generations: int, folder: Path, bf16: bool) -> None:
    """Run the chain by `Trainer` and `generate`."""
    training: Any = experiment.family.training
    settings: Any = experiment.family.sampling
    text: Any = getattr(experiment.source, "text", None)
    shape = LlamaShape(text.vocab_size, context_tokens=text.row_tokens, **training.architecture.model_dump())
    transformer.save(Llama(shape, initialise(shape, STREAM)), folder / "fresh")
    model = trained(folder / "fresh", original, training.origin, folder / "0", bf16)
    for number in range(1, generations + 1):
        batches = torch.from_numpy(prompts.astype(np.int64)).split(experiment.chunk_rows)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            written = [continued(model, batch, settings.temperature) for batch in batches]
        model = trained(folder / "0", torch.cat(written).numpy(), training.generation, folder / str(number), bf16)


def continued(model: Any, prompts: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return what `generate` writes after each prompt, new tokens only."""
    everything = model.generate(
        input_ids=prompts,
        attention_mask=torch.ones_like(prompts),
        max_new_tokens=LENGTH,
        do_sample=True,
        temperature=temperature,
        top_k=0,
        pad_token_id=0,
        eos_token_id=None,
    )
    return everything[:, LENGTH:]


def trained(start: Path, tokens: NDArray[Any], schedule: Any, target: Path, bf16: bool) -> Any:
    """Return the model that `Trainer` trains, and save it."""
    run = trainer(start, tokens.astype(np.int64), schedule.batch_rows, bf16, schedule.epochs, schedule.learning_rate)
    run.train()
    run.model.save_pretrained(target)
    return run.model.eval()


def side(name: str, generations: int, rows: int, origin_rows: int) -> None:
    """Run the chain of a side whenever asked to."""
    from transformers import AutoModelForCausalLM, LlamaForCausalLM, Trainer  # noqa: F401  imports are not part of a turn

    torch.set_num_threads(1)
    if name == OURS:
        keep_freed_memory()
    experiment = configuration.load(CONFIG).experiments["lm"]
    tokens = STREAM.generator().integers(0, 2048, (rows + origin_rows, LENGTH)).astype(np.int32)

    def run(way: str) -> None:
        halved = "bf" in way
        with tempfile.TemporaryDirectory() as folder:
            data = (experiment, tokens[rows:], tokens[:rows], generations, Path(folder))
            if WAYS[way] == OURS:
                ours(*data, "bfloat16" if halved else "float32")
            else:
                theirs(*data, halved)

    answer({way: at_once(partial(run, way)) for way in WAYS})


def main(turns: int, sizes: list[int], unwanted: str | None) -> None:
    """Print the CPU seconds of every way, and the median ratios of a turn."""
    sides = {name: [sys.executable, __file__, "side", name, *map(str, sizes)] for name in (THEIRS, OURS)}
    taken = compare(sides, possible(WAYS, unwanted), turns)
    print(f"\nchain: {sizes[0]} generations of {sizes[1]} rows, CPU seconds, medians of {turns}")
    for way, spent in taken.items():
        ratios = [f"{ratio(spent, taken[other]):.2f} of {other}" for other in taken if WAYS[other] == THEIRS]
        print(f"{way:<40}{statistics.median(spent):>6.1f}  times as fast: {', '.join(ratios)}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["side"]:
        side(sys.argv[2], *map(int, sys.argv[3:]))
    else:
        given = options({"turns": 5, "generations": 2, "rows": 256, "origin_rows": 256}).parse_args()
        main(given.turns, [given.generations, given.rows, given.origin_rows], given.without)
