"""Steps of a causal language model shared by processes, which are forked from one that has torch already: torchrun's take ten seconds.

What processes run stands here and not beside its tests, because they must be able to import it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import small_lineages
from by_hand import slice_of
from data.test_pairs import rows_of
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.data.choice import joined
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.runtime import processes
from heirloom.runtime.streams import Stream

FIT = {"epochs": 2, "learning_rate": 0.02, "batch_rows": 12, "best_epoch": "real"}
ORIGINAL = kinds.TRAIN.path("lm", "origin", 0, 0)
VALID, TOKENIZER = kinds.REAL_VALID.path("lm"), kinds.TOKENIZER.path("lm")

_START = multiprocessing.get_context("forkserver")
_MODELS = [f"transformers.models.{name}.modeling_{name}" for name in ("gpt_neox", "llama", "opt")]
_START.set_forkserver_preload(
    ["heirloom.steps.sample", "heirloom.steps.train", "heirloom.families.lm.library.sharding", "pandas", "peft", "torch._dynamo", *_MODELS]
)


def together(num_processes: int, folder: Path, function: Callable[..., object], *arguments: Any) -> list[int | None]:
    """Call a function of a module in every process, in a working folder, and return their exit statuses.

    Where one ends badly the others cannot go on: they wait for it no longer than gloo needs to see that it has gone.
    """
    with socket.socket() as server:
        server.bind(("localhost", 0))
        meeting = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(server.getsockname()[1]), "WORLD_SIZE": str(num_processes)}
        meeting |= {processes.LAUNCHED: "1"}
    started = [
        _START.Process(target=_call, args=(meeting | {"RANK": str(rank)}, folder, function, arguments)) for rank in range(num_processes)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
        process.kill()
    return [process.exitcode for process in started]


def _call(environment: dict[str, str], folder: Path, function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    import torch

    os.environ.update(environment)
    os.chdir(folder)
    torch.set_num_threads(1)
    function(*arguments)


def declared(**fit: Any) -> Config:
    """Return the config of a fine-tuning by two processes."""
    family = {"name": "causal_lm", "model": {"path": "opt"}, "training": FIT | fit}
    source = small_lineages.SOURCE | {"text": {"row_tokens": 8}}
    lm = {"family": family, "source": source, "regimes": ["replace"], "generations": 1, "rows": 30, "chunk_rows": 4, "num_processes": 2}
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": lm}})


def train_from(start: str, checkpoint: str, fit: Mapping[str, Any]) -> None:
    """Run the step as a job does."""
    from heirloom.steps import train

    step = slice_of("train", declared(**fit), "lm", "origin", 0, 0).model_copy(update={"num_processes": processes.count()})
    train.run(step, {"train": ORIGINAL, "start": start, "valid": VALID}, {"checkpoint": checkpoint})


def train_by_command(start: str, checkpoint: str) -> None:
    """Run the step's command; at its end, the process must have left the others."""
    import torch.distributed

    from heirloom.cli.steps import app

    fields = slice_of("train", declared(), "lm", "origin", 0, 0).json_fields()
    files = ["--train", ORIGINAL, "--start", start, "--valid", VALID, "--checkpoint", checkpoint]
    app(["train", "--slice", json.dumps(fields), *files], standalone_mode=False)
    assert not torch.distributed.is_initialized()


def train_until_killed(start: str, checkpoint: str, num_saves: int) -> None:
    """Train, and kill the first process without a chance to clean up after so many saves."""
    from heirloom.families.lm import state

    os.environ["HEIRLOOM_SAVE_SECONDS"] = "0"
    if processes.rank() == 0:
        state.save = dying_after(state.save, num_saves)
    train_from(start, checkpoint, {})


def train_on_copies(copies: int) -> None:
    """Make one step on a row that comes so many times: equal masks in all processes would make equal steps for any number of copies."""
    from heirloom.families import causal_lm

    row = np.arange(8, dtype=np.int32)[None]
    rows = Dataset.of(text_table(np.tile(row, (copies, 1)), ["one"] * copies, first_row=0))
    fit = causal_lm.Fit.model_validate(FIT | {"epochs": 1, "batch_rows": copies, "best_epoch": "last"})
    model = causal_lm.train(rows, fit, causal_lm.load(Path("dropping")), Stream((0, "train")))
    if os.environ["RANK"] == "0":
        causal_lm.save(model, Path(f"copies-{copies}"))


def pairs_declared() -> Config:
    """Return the config of a small transformer that learns questions and answers."""
    schedule = {"epochs": 2, "learning_rate": 0.01, "batch_rows": 8}
    shape = {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "intermediate_size": 32}
    limits = {"max_prompt_tokens": 24, "max_completion_tokens": 12}
    text = {"vocab_size": 270, "rows": "pairs", "pairs": limits, "split": {"train": 0.8, "valid": 0.1, "test": 0.1}}
    lm = {
        "family": {"name": "transformer", "training": {"architecture": shape, "origin": schedule, "generation": schedule}},
        "source": {"name": "files", "paths": ["pairs.jsonl"], "text": text},
        "regimes": ["replace"],
        "generations": 1,
        "rows": 40,
        "chunk_rows": 3,
    }
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"lm": lm}})


def make_pairs_origin() -> None:
    """Write the real pairs and generation 0 of a small transformer."""
    lines = [json.dumps({"prompt": f"The mill of {n}?", "completion": " ".join(["river"] * (1 + n % 8))}) for n in range(80)]
    Path("pairs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    small_lineages.make_origin(pairs_declared(), "lm")


def train_pairs(checkpoint: str, num_saves: int | None = None) -> None:
    """Train generation 0 of the pairs, perhaps to the kill after so many saves."""
    from heirloom.families.lm import state
    from heirloom.steps import train

    os.environ["HEIRLOOM_SAVE_SECONDS"] = "0"
    if num_saves is not None:
        state.save = dying_after(state.save, num_saves)
    step = slice_of("train", pairs_declared(), "lm", "origin", 0, 0)
    train.run(step, {"train": ORIGINAL}, {"checkpoint": checkpoint})


def sample_pairs(synthetic: str, num_chunks: int | None = None) -> None:
    """Write generation 1 of the pairs, perhaps to the kill while chunk ``num_chunks`` is being written."""
    from heirloom import saved_files
    from heirloom.steps import sample

    if num_chunks is not None:
        saved_files.replacing = dying_after(saved_files.replacing, num_chunks)
    sample.run(slice_of("sample", pairs_declared(), "lm", "replace", 0, 1), pairs_inputs(), {"synthetic": synthetic})


def sample_pairs_in_shards(synthetic: str, shards: int) -> None:
    """Write generation 1 of the pairs by so many jobs, the last share first, and gather it."""
    from heirloom.steps import sample

    step = slice_of("sample", pairs_declared(), "lm", "replace", 0, 1)
    for shard in reversed(range(shards)):
        sample.run(step, pairs_inputs(), {"synthetic": synthetic}, (shard, shards))
    assert not Path(synthetic).exists()
    sample.run(step, pairs_inputs(), {"synthetic": synthetic})


def pairs_inputs() -> dict[str, str]:
    """Return what generation 1 of the pairs is written from."""
    origin = kinds.CHECKPOINT.path("lm", "origin", 0, 0)
    return {"checkpoint": origin, "train": ORIGINAL, "prompts": ORIGINAL, "tokenizer": TOKENIZER, "judge": ""}


def dying_after(function: Callable[..., Any], num_calls: int) -> Any:
    """Return a function that ends the process without a chance to clean up when it has been called so many times."""
    calls = iter(range(1, num_calls + 1))

    def call(*arguments: Any) -> Any:
        answer = function(*arguments)
        if next(calls) == num_calls:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return call


def unequal_pairs(num_rows: int) -> Dataset:
    """Return pairs of unequal length."""
    generator = Stream((0, "pairs")).generator()
    sizes = generator.integers([1, 0], [9, 6], (num_rows, 2)).tolist()
    return rows_of([(generator.integers(1, 300, p).tolist(), [*generator.integers(1, 300, c).tolist(), 0]) for p, c in sizes])


def train_on_pairs(start: str, target: str, fit: Mapping[str, Any]) -> None:
    """Fine-tune on pairs, and save the model."""
    from heirloom.families import causal_lm

    settings = causal_lm.Fit.model_validate({**FIT, "best_epoch": "last", **fit})
    model = causal_lm.train(unequal_pairs(31), settings, causal_lm.load(Path(start)), Stream((0, "train")))
    if processes.rank() == 0:
        causal_lm.save(model, Path(target))


def note_learners(start: str, target: str) -> None:
    """Train by a learner whose weights are in all processes and by a sharded one, and write down what each is and how it went."""
    from heirloom.families import causal_lm
    from heirloom.families.lm import adamw, loop, pairs
    from heirloom.families.lm.library.learner import Learner
    from heirloom.families.lm.library.sharding import ShardedLearner

    fit, stream = causal_lm.Fit.model_validate(FIT), Stream((0, "train"))
    model = causal_lm.load(Path(start))
    learners: dict[str, Any] = {"whole": Learner.of(model, fit, stream), "sharded": ShardedLearner.of(model, fit, stream)}
    modules = {"whole": learners["whole"].pupil.module, "sharded": learners["sharded"].learner.pupil.module}
    # of the last step of nine rows, and of the two rows that choose the epoch, one process has fewer than the other
    settings = loop.Settings(3, 11, lambda _, __: 0.01, adamw.Settings(), clip=0.3, micro_rows=2)
    notes = {}
    for name, learner in learners.items():
        types = {type(weight).__name__ for weight in modules[name].parameters()}
        with pairs.mapped(unequal_pairs(31), "completion") as rows:
            norm = gradient_norm(learner, rows)
            progress = loop.train(loop.Training(learner, rows, settings, stream, rows.subset(np.arange(1))))
        sizes = {name: weight.numel() for name, weight in learner.weights.items()}
        notes[name] = {"types": sorted(types), "sizes": sizes, "norm": norm, "losses": progress.losses, "lowest": progress.lowest}
    Path(f"{target}-{processes.rank()}.json").write_text(json.dumps(notes))


def gradient_norm(learner: Any, rows: Any) -> float:
    """Return the norm of the gradient of a step of four rows, two in each process: AdamW would not see that it is twice too large."""
    import torch

    step = np.arange(4)
    loss = learner.add_gradients(rows.batch(step[processes.share(4)], step, learner.device))
    learner.layout.add_up(learner.weights, loss)
    return float(learner.layout.norm(torch.nn.utils.get_total_norm([weight.grad for weight in learner.weights.values()])))


def weighted_pairs() -> Dataset:
    """Return thirteen pairs of unequal length, of which eight weigh four times as much as the others."""
    rows = unequal_pairs(13)
    return joined([rows.take(np.arange(5)).weighted(13 / 37), rows.take(np.arange(5, 13)).weighted(52 / 37)])


def note_gradient(start: str, network: str, target: str, micro_rows: int | None) -> None:
    """Make one training step of a network on weighted pairs, in parts of so many rows, and write down its gradient."""
    from heirloom.families import causal_lm, transformer
    from heirloom.families.lm import adamw, loop, pairs
    from heirloom.families.lm.library.learner import Learner
    from heirloom.families.lm.library.sharding import ShardedLearner
    from heirloom.families.lm.native.learner import Learner as NativeLearner

    fit, stream = causal_lm.Fit.model_validate(FIT), Stream((0, "train"))
    learner: Any
    if network == "native":
        learner = NativeLearner.of(transformer.load(Path(start)))
    else:
        learner = (Learner if processes.count() == 1 else ShardedLearner).of(causal_lm.load(Path(start)), fit, stream)
    update, gradient = adamw.update, dict[str, Any]()

    def noting(weights: Any, *rest: Any) -> None:
        gradient.update({name: learner.layout.whole(name, weight.grad).numpy().copy() for name, weight in weights.items()})
        update(weights, *rest)

    optimiser: Any = adamw
    optimiser.update = noting
    settings = loop.Settings(1, 13, lambda _, __: 0.01, adamw.Settings(), micro_rows=micro_rows)
    with pairs.mapped(weighted_pairs(), "completion") as rows:
        loop.train(loop.Training(learner, rows, settings, stream))
    if processes.rank() == 0:
        np.savez(target, **gradient)


def note_validation_loss(checkpoint: str) -> None:
    """Write down the loss that chooses the epoch, of five rows."""
    from heirloom.families import causal_lm
    from heirloom.families.lm.library.learner import Learner
    from heirloom.families.lm.loop import validation_loss
    from heirloom.families.lm.rows import Rows

    learner = Learner(causal_lm.load(Path(checkpoint)), is_bfloat16=False, is_merged=True)
    loss = validation_loss(learner, Rows.blocks(Dataset.open(VALID).head("tokens", 5)))
    Path(f"loss-{os.environ['RANK']}-of-{os.environ['WORLD_SIZE']}").write_text(repr(loss))


def sample_from(checkpoint: str, synthetic: str) -> None:
    """Run the step as a job does."""
    from heirloom.steps import sample

    inputs = {"checkpoint": checkpoint, "train": ORIGINAL, "prompts": ORIGINAL, "tokenizer": TOKENIZER, "judge": ""}
    sample.run(slice_of("sample", declared(), "lm", "replace", 0, 1), inputs, {"synthetic": synthetic})
