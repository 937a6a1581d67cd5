"""A whole chain of language models side by side with a script over `Trainer` and `generate` that does the same work, one thread.

    OMP_NUM_THREADS=1 python benchmarks/lm_chain.py [turns] [generations] [rows] [origin rows]

Both train generation 0 and then, generation after generation, continue every prompt, train on the continuations from generation 0's
weights, and write a checkpoint: the arm `replace` of configs/lm.yaml, one lineage, its model and its schedule. Mixing, measures and
manifests are left out on both sides. The other script is as good as we know to write it: fused AdamW, no logs or saves within a training,
prompts in batches of the same size, one process for all generations. Ours is a process too, with what a step sets before it begins
(`runtime.heap`); the two take turns. Rows are random tokens: the work is the same for any.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lm import LENGTH, OURS, THEIRS, trainer
from numpy.typing import NDArray
from sides import answer, compare

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


def dataset(tokens: Tokens) -> Dataset:
    """Return rows of tokens as a dataset."""
    return Dataset.of(text_table(tokens, [""] * len(tokens), first_row=0))


def ours(experiment: Experiment, original: Tokens, prompts: Tokens, generations: int, folder: Path) -> None:
    """Run the chain by Heirloom's own functions."""
    training, settings = experiment.family.training, experiment.family.sampling
    text = getattr(experiment.source, "text", None)
    origin = model = transformer.train(dataset(original), training.fit_settings(0, text), None, STREAM.child(0))  # type: ignore[arg-type]
    transformer.save(origin, folder / "0")
    for number in range(1, generations + 1):
        chunks = dataset(prompts).chunks("tokens", experiment.chunk_rows)
        written = np.concatenate(list(transformer.sample(model, chunks, len(prompts), settings, STREAM.child(number))))  # type: ignore[arg-type]
        model = transformer.train(dataset(written[: len(prompts)]), training.fit_settings(number, text), origin, STREAM.child(number))  # type: ignore[arg-type]
        transformer.save(model, folder / str(number))


def theirs(experiment: Experiment, original: Tokens, prompts: Tokens, generations: int, folder: Path) -> None:
    """Run the chain by `Trainer` and `generate`."""
    training: Any = experiment.family.training
    settings: Any = experiment.family.sampling
    text: Any = getattr(experiment.source, "text", None)
    shape = LlamaShape(text.vocab_size, context_tokens=text.row_tokens, **training.architecture.model_dump())
    transformer.save(Llama(shape, initialise(shape, STREAM)), folder / "fresh")
    model = trained(folder / "fresh", original, training.origin, folder / "0")
    for number in range(1, generations + 1):
        written = [
            model.generate(
                input_ids=batch,
                attention_mask=torch.ones_like(batch),
                max_new_tokens=LENGTH,
                do_sample=True,
                temperature=settings.temperature,
                top_k=0,
                pad_token_id=0,
                eos_token_id=None,
            )[:, LENGTH:]
            for batch in torch.from_numpy(prompts.astype(np.int64)).split(experiment.chunk_rows)
        ]
        model = trained(folder / "0", torch.cat(written).numpy(), training.generation, folder / str(number))


def trained(start: Path, tokens: NDArray[Any], schedule: Any, target: Path) -> Any:
    """Return the model that `Trainer` trains, and save it."""
    run = trainer(start, tokens.astype(np.int64), schedule.batch_rows, False, schedule.epochs, schedule.learning_rate)
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

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            {OURS: ours, THEIRS: theirs}[name](experiment, tokens[rows:], tokens[:rows], generations, Path(folder))

    answer({name: run})


def main(turns: int, *sizes: int) -> None:
    """Print the CPU seconds of both sides, and the median ratio of a turn."""
    names = (THEIRS, OURS)
    taken = compare(Path(__file__), {name: ["side", name, *map(str, sizes)] for name in names}, {name: name for name in names}, turns)
    pairs = list(zip(taken[THEIRS], taken[OURS], strict=True))
    for turn, (their, our) in enumerate(pairs):
        print(f"turn {turn}: Trainer + generate {their:.1f}, ours {our:.1f} CPU seconds", flush=True)
    print(f"ratio, median of {turns}: {statistics.median(their / our for their, our in pairs):.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["side"]:
        side(sys.argv[2], *map(int, sys.argv[3:]))
    else:
        given = [int(argument) for argument in sys.argv[1:]]
        main(*(given + [5, 2, 256, 256][len(given) :]))
