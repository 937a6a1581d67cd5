"""What there is to know of language models on a GPU, in one script of under eight minutes that needs nothing beside the repository.

    python benchmarks/gpu.py [--small] [--minutes 7] [--table gpu.md]

It runs the tests that need a GPU; samples and trains with random weights, made on the device, in the shapes of the default model, of 17 M
parameters and of SmolLM2-135M, ours (one captured step, replayed) against `generate`, and ours against `Trainer`, both in bfloat16; and
makes a tiny lineage by direct calls of the steps. All goes into one table, which is written again after each row. A row that fails says
why, and a row that begins when time is up is left out. Seconds are of the wall clock, with the GPU waited for.

Without a GPU, and with `--small`, sizes are tiny: that shows that the script works, and nothing about speed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.families import minibatches
from heirloom.families.lm import adamw, loop, schedules
from heirloom.families.lm.decoding import Decoding
from heirloom.families.lm.native import generation, static
from heirloom.families.lm.native.checkpoint import save_folder
from heirloom.families.lm.native.learner import Learner
from heirloom.families.lm.native.model import INITIAL_SPREAD, Llama, LlamaShape, parameter_shapes
from heirloom.families.lm.rows import Rows
from heirloom.runtime import device
from heirloom.runtime.streams import Stream

ROOT = Path(__file__).parents[1]
STREAM = Stream((0, "gpu"))
SHAPES = {
    "default": LlamaShape(2048, 96, 2, 3, 256, 128),
    "17M": LlamaShape(8192, 384, 8, 8, 1024, 128),
    "SmolLM2-135M": LlamaShape(49152, 576, 30, 9, 1536, 2048, 100_000.0, num_kv_heads=3),
}
ROWS = {"default": 512, "17M": 256, "SmolLM2-135M": 128}
"""Shape → rows sampled together; a step of training has an eighth of them."""
LENGTH = 64  # tokens of a prompt, and of its continuation
STEPS = 20  # of a training
SMALL = {"tiny": LlamaShape(300, 16, 2, 2, 32, 16, num_kv_heads=1)}

Measurement = Callable[[], str]
"""What says the result of one row of the table."""


def weights_on(place: torch.device, shape: LlamaShape) -> Llama:
    """Return a model of random weights that were drawn on the device."""
    generator = torch.Generator(place).manual_seed(0)
    weights = {}
    for name, sizes in parameter_shapes(shape).items():
        weight = torch.ones(sizes, device=place)
        weights[name] = weight if len(sizes) == 1 else weight.normal_(0.0, INITIAL_SPREAD, generator=generator)
    return Llama(shape, weights)


def seconds(work: Callable[[], object]) -> float:
    """Return the best wall seconds of two calls after one that makes ready."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return min(taken[1:])


def beside(tokens: int, ours: Callable[[], object], theirs: Callable[[], object]) -> str:
    """Return the tokens per second of both, and their ratio."""
    has_gpu = torch.cuda.is_available()
    minibatches.use_deterministic_kernels()
    mine = seconds(ours)
    memory = f", peak of ours {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if has_gpu else ""
    torch.set_deterministic_debug_mode("default")  # theirs may use any kernel
    other = seconds(theirs)
    return f"ours {tokens / mine:,.0f} tokens/s, theirs {tokens / other:,.0f}: {other / mine:.2f} times{memory}"


def library_model(model: Llama, folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """Return the same model, opened by `transformers`."""
    from transformers import AutoModelForCausalLM

    save_folder(model.on(torch.device("cpu")), folder)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(model.device).eval()


def sampling(shape: LlamaShape, num_rows: int, length: int, precision: Any) -> str:
    """Return the speed of sampling beside that of `generate`, whose weights are in the same precision."""
    model = weights_on(device.current(), shape)
    prompts = STREAM.child("prompts").generator().integers(0, shape.vocab_size, (num_rows, length))
    uniforms = STREAM.uniforms(0, num_rows, length)
    write = static.writer(model, Decoding(), precision)
    if model.device.type == "cpu":
        write = partial(generation.continue_prompts, model, decoding=Decoding(), precision=precision)
    tokens = torch.from_numpy(prompts).to(model.device)
    settings = {"max_new_tokens": length, "min_new_tokens": length, "do_sample": True, "top_k": 0, "pad_token_id": 0, "eos_token_id": None}
    with tempfile.TemporaryDirectory() as name:
        library = library_model(model, Path(name), getattr(torch, precision))
        theirs = partial(library.generate, input_ids=tokens, attention_mask=torch.ones_like(tokens), **settings)
        return beside(num_rows * length, lambda: write(prompts, length, uniforms), theirs)


def training(shape: LlamaShape, batch_rows: int, length: int, steps: int) -> str:
    """Return the speed of training in bfloat16 beside that of `Trainer`, whose construction is outside the clock."""
    from transformers import Trainer, TrainingArguments

    model = weights_on(device.current(), shape)
    tokens = STREAM.child("rows").generator().integers(0, shape.vocab_size, (steps * batch_rows, length))
    settings = loop.Settings(
        1, batch_rows, schedules.warmed_cosine(1e-3, 0.05), adamw.Settings((0.9, 0.95), 0.1, matrices_only=True), clip=1.0
    )

    def ours() -> None:
        loop.train(loop.Training(Learner.of(model, "bfloat16"), Rows.blocks(tokens), settings, STREAM))

    with tempfile.TemporaryDirectory() as name:
        arguments = TrainingArguments(
            output_dir=f"{name}/trainer",
            per_device_train_batch_size=batch_rows,
            num_train_epochs=1,
            learning_rate=1e-3,
            weight_decay=0.1,
            adam_beta2=0.95,
            lr_scheduler_type="cosine",
            optim="adamw_torch_fused",
            bf16=True,
            use_cpu=model.device.type == "cpu",
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        rows = [{"input_ids": row, "labels": row} for row in torch.from_numpy(tokens)]
        trainer = Trainer(library_model(model, Path(name)), arguments, train_dataset=rows)
        return beside(tokens.size, ours, trainer.train)


def tests() -> str:
    """Return the last line of the tests that need a GPU."""
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "tests/families/lm/test_native_gpu.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout.strip() or done.stderr.strip()).splitlines()[-1]


def lineage() -> str:
    """Return the test perplexity of two generations of a tiny transformer, made by direct calls of the steps."""
    sys.path.append(str(ROOT / "tests"))
    import helpers
    import small_lineages
    from by_hand import slice_of
    from heirloom.artefacts.files import read_json
    from heirloom.steps import evaluate

    schedule = {"epochs": 2, "learning_rate": 0.01, "batch_rows": 8}
    shape = {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "intermediate_size": 32}
    family = {"name": "transformer", "training": {"architecture": shape, "origin": schedule, "generation": schedule}}
    text = {"family": family, "source": small_lineages.SOURCE, "rows": 20, "origin_rows": 40, "generations": 1, "regimes": ["replace"]}
    declared = configuration.parse({"regimes": {"replace": {}}, "experiments": {"text": text}})
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        helpers.write_corpus(Path("corpus"))
        small_lineages.make_text(declared, ("replace",))
        inputs = {
            "checkpoint": kinds.CHECKPOINT.path("text", "replace", 0, 1),
            "train": kinds.TRAIN.path("text", "replace", 0, 1),
            "synthetic": kinds.SYNTHETIC.path("text", "replace", 0, 1),
            "held_out": kinds.REAL_TEST.path("text"),
            "original": kinds.TRAIN.path("text", "origin", 0, 0),
            "origin": kinds.CHECKPOINT.path("text", "origin", 0, 0),
            "tokenizer": kinds.TOKENIZER.path("text"),
        }
        evaluate.run(slice_of("evaluate", declared, "text", "replace", 0, 1), inputs, {"metrics": "metrics.json"})
        return f"perplexity {read_json('metrics.json')['test_perplexity']:.1f} at generation 1"


def measurements(small: bool) -> Iterator[tuple[str, Measurement]]:
    """Yield the name of each row of the table, and what says its result."""
    shapes, rows = (SMALL, {"tiny": 16}) if small else (SHAPES, ROWS)
    length, steps = (8, 3) if small else (LENGTH, STEPS)
    yield "tests that need a GPU", tests
    yield "a tiny lineage by the steps", lineage
    for name, shape in shapes.items():
        for precision in ("float32", "bfloat16"):
            yield f"{name}: sampling {rows[name]} rows, {precision}, to generate", partial(sampling, shape, rows[name], length, precision)
        yield f"{name}: training, bfloat16, to Trainer bf16", partial(training, shape, rows[name] // 8, length, steps)


def result(measure: Measurement, deadline: float) -> str:
    """Return the result of a row, or why there is none."""
    start = time.monotonic()
    if start > deadline:
        return "left out: time is up"
    try:
        said = measure()
    except Exception as error:  # noqa: BLE001  one row that fails must not take the others with it: a GPU may be had once
        said = f"FAILED: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return f"{said} ({time.monotonic() - start:.0f} s)"


def main(small: bool, minutes: float, table: Path) -> None:
    """Write the table."""
    has_gpu = torch.cuda.is_available()
    deadline = time.monotonic() + 60 * minutes
    place = torch.cuda.get_device_name() if has_gpu else "no GPU: this says nothing about speed"
    lines = [f"{place}; torch {torch.__version__}", "", "| what | result |", "| --- | --- |"]
    for name, measure in measurements(small or not has_gpu):
        lines.append(f"| {name} | {result(measure, deadline)} |")
        print(lines[-1], flush=True)
        table.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="tiny sizes")
    parser.add_argument("--minutes", type=float, default=7.0, help="no row begins after so many")
    parser.add_argument("--table", type=Path, default=Path("gpu.md"), help="where the table is written")
    asked = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main(asked.small, asked.minutes, asked.table)
