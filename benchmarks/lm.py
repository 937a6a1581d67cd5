"""Sampling and training of language models side by side with `transformers`, ctranslate2 and vLLM: same weights, prompts and steps.

    OMP_NUM_THREADS=1 python benchmarks/lm.py [turns] [default | 2.6M | 17M | engines | pairs | chain | costs …] [--without PATTERN]

`generate` and `Trainer` get Heirloom's checkpoints as ordinary Hugging Face folders; with `engines`, ctranslate2 and vLLM get them too,
in temporary environments of their own (`lm_engines.py`). `pairs`, `chain` and `costs` are `lm_pairs.py`, `lm_chain.py`, `lm_costs.py`.
All take about an hour; `--without` leaves out the rows whose names match a regular expression.

Each side is a process of its own on one thread, ours with what a step sets before it begins (`runtime.heap`). They take turns, and each
ratio is the median over turns of the ratio inside a turn, so that what else the machine does hits both sides. Seconds are of CPU; what
makes the work ready (Trainer's construction, the weights in another precision) is outside the clock. The machine's limits are measured
before the first turn. Where a processor has no avx512_bf16, rows in bfloat16 are left out, and that is said.
"""

from __future__ import annotations

import importlib.metadata
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import lm_engines
import machine
import numpy as np
import torch
from sides import Preparation, Work, answer, at_once, compare, options, ratio

from heirloom.families import minibatches
from heirloom.families.lm import adamw, loop, schedules
from heirloom.families.lm.decoding import Decoding
from heirloom.families.lm.native import beams, generation
from heirloom.families.lm.native.checkpoint import save_folder
from heirloom.families.lm.native.learner import Learner
from heirloom.families.lm.native.model import Llama, LlamaShape, initialise
from heirloom.families.lm.rows import Rows
from heirloom.runtime.heap import keep_freed_memory
from heirloom.runtime.streams import Stream

STREAM = Stream((0, "benchmark"))
LENGTH = 64  # tokens of a prompt, and of its continuation
SIZES = {
    "default": (LlamaShape(2048, 96, 2, 3, 256, 2 * LENGTH), 128, 16),
    "2.6M": (LlamaShape(4096, 192, 4, 4, 512, 2 * LENGTH), 128, 64),
    "17M": (LlamaShape(8192, 384, 8, 8, 1024, 2 * LENGTH), 64, 16),
}
"""Name → shape, rows sampled together, rows of a training step."""

STEPS = {"default": 96, "2.6M": 12, "17M": 6}
"""Name → steps of a training: more where a step is short, so that what a training does once does not count."""
BEAM_ROWS = 16  # prompts of a search

OURS, THEIRS = "ours", "theirs"
SAMPLERS = {
    "generate": THEIRS,
    "generate autocast bf16": THEIRS,
    "generate bf16 weights": THEIRS,
    "ours float32": OURS,
    "ours bfloat16": OURS,
}
BEAMS = {
    "5 beams, generate": THEIRS,
    "5 beams, generate bf16 weights": THEIRS,
    "5 beams, ours": OURS,
    "5 beams, ours bfloat16": OURS,
}
TRAINERS = {"Trainer": THEIRS, "Trainer bf16": THEIRS, "ours float32": OURS, "ours bfloat16": OURS}
WAYS = {"samplers": SAMPLERS | BEAMS, "trainers": TRAINERS}
"""Kind of work → way to do it → its side."""

Times = dict[str, list[float]]
"""Way → CPU seconds turn by turn."""


def matrix_weights(shape: LlamaShape) -> int:
    """Return the weights that every token is multiplied with: those of the layers and of the head."""
    layer = 4 * shape.hidden_size**2 + 3 * shape.hidden_size * shape.intermediate_size
    return shape.num_layers * layer + shape.vocab_size * shape.hidden_size


def generators(folder: Path, prompts: np.ndarray) -> dict[str, Preparation]:
    """Return ways to continue each prompt by `generate`."""
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(folder).eval()
    halved = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    tokens = torch.from_numpy(prompts)
    length = {"max_new_tokens": LENGTH, "min_new_tokens": LENGTH, "pad_token_id": 0, "eos_token_id": None}

    def drawn(model: Any) -> Work:
        inputs = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
        return lambda: model.generate(**inputs, **length, do_sample=True, top_k=0)

    def searched(model: Any) -> Work:
        inputs = {"input_ids": tokens[:BEAM_ROWS], "attention_mask": torch.ones_like(tokens[:BEAM_ROWS])}
        return lambda: model.generate(**inputs, **length, do_sample=False, num_beams=5)

    def autocast() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            drawn(plain)()

    works = {
        "generate": drawn(plain),
        "generate autocast bf16": autocast,
        "generate bf16 weights": drawn(halved),
        "5 beams, generate": searched(plain),
        "5 beams, generate bf16 weights": searched(halved),
    }
    return {name: at_once(work) for name, work in works.items()}


def our_samplers(model: Llama, prompts: np.ndarray) -> dict[str, Preparation]:
    """Return ways to continue each prompt by Heirloom."""
    uniforms = STREAM.uniforms(0, len(prompts), LENGTH)

    def drawn(precision: Any) -> Work:
        return lambda: generation.continue_prompts(model, prompts, LENGTH, uniforms, Decoding(), precision)

    def searched(precision: Any) -> Work:
        return lambda: beams.search(model, prompts[:BEAM_ROWS], LENGTH, 5, precision=precision)

    works = {
        "ours float32": drawn("float32"),
        "ours bfloat16": drawn("bfloat16"),
        "5 beams, ours": searched("float32"),
        "5 beams, ours bfloat16": searched("bfloat16"),
    }
    return {name: at_once(work) for name, work in works.items()}


def trainers(model: Llama, folder: Path, batch_rows: int, steps: int) -> dict[str, Preparation]:
    """Return ways to train a fresh copy of the model for some steps."""
    rows = STREAM.child("rows").generator().integers(0, model.shape.vocab_size, (steps * batch_rows, LENGTH))
    averaging = adamw.Settings((0.9, 0.95), 0.1, matrices_only=True)
    settings = loop.Settings(1, batch_rows, schedules.warmed_cosine(1e-3, 0.05), averaging, clip=1.0)

    def ours(precision: Any) -> Work:
        return lambda: loop.train(loop.Training(Learner.of(model, precision), Rows.blocks(rows), settings, STREAM))

    return {
        "Trainer": lambda: trainer(folder, rows, batch_rows, bf16=False).train,
        "Trainer bf16": lambda: trainer(folder, rows, batch_rows, bf16=True).train,
        "ours float32": at_once(ours("float32")),
        "ours bfloat16": at_once(ours("bfloat16")),
    }


def trainer(folder: Path, rows: np.ndarray, batch_rows: int, bf16: bool, epochs: int = 1, learning_rate: float = 1e-3) -> Any:
    """Return a `transformers.Trainer` set up as well as we know for this work: fused AdamW, no logs, saves or metrics."""
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    tokens = [{"input_ids": row, "labels": row} for row in torch.from_numpy(rows)]
    arguments = TrainingArguments(
        output_dir=str(folder / "trainer"),
        per_device_train_batch_size=batch_rows,
        num_train_epochs=epochs,
        learning_rate=learning_rate,
        weight_decay=0.1,
        warmup_steps=max(1, round(0.05 * epochs * len(rows) / batch_rows)),
        lr_scheduler_type="cosine",
        adam_beta2=0.95,
        optim="adamw_torch_fused",
        bf16=bf16,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        dataloader_num_workers=0,
    )
    return Trainer(AutoModelForCausalLM.from_pretrained(folder), arguments, train_dataset=tokens)


def table(title: str, taken: Times, references: Iterable[str], tokens: int, operations: float, peak: Mapping[str, float]) -> None:
    """Print tokens a CPU-second, the ratio to each reference, and the share of the machine's limit that the products make up.

    Parameters
    ----------
    references
        Ways to which the others are compared; those that have not run are passed over.
    tokens
        Tokens of each way's work.
    operations
        Floating-point operations of a token's products with weights; 0 if that is not known.
    """
    if not taken:
        return
    columns = [name for name in references if name in taken]
    print(f"\n{title}\n{'':<32}{'tokens/CPU-s':>14}{'% of GEMM':>11}" + "".join(f"  to {name}" for name in columns))
    for name, spent in taken.items():
        rate = tokens / statistics.median(spent)
        limit = peak["bfloat16" if "bf" in name else "float32"]
        share = f"{100 * rate * operations / limit:.0f}" if operations and "int8" not in name else ""
        ratios = "".join(f"{ratio(spent, taken[column]):>{len(column) + 5}.2f}" for column in columns)
        print(f"{name:<32}{rate:>14,.0f}{share:>11}{ratios}", flush=True)


def possible(ways: Mapping[str, str], unwanted: str | None = None) -> dict[str, str]:
    """Return the ways without those in bfloat16, if the processor has no products in it, and without those whose names match a pattern."""
    wanted_ways = {name: side for name, side in ways.items() if unwanted is None or not re.search(unwanted, name)}
    return {name: side for name, side in wanted_ways.items() if "bf" not in name or machine.processor()[1]}


def ways_of(size: str, folder: Path, kind: str, side: str) -> dict[str, Preparation]:
    """Return the samplers or trainers of a size, in a process made ready as that side makes it; weights lie in ``folder``."""
    if side == OURS:
        keep_freed_memory()
    shape, _, train_rows = SIZES[size]
    model = Llama(shape, initialise(shape, STREAM))
    if kind == "trainers":
        return trainers(model, folder, train_rows, STEPS[size])
    prompts = np.load(folder / "prompts.npy")
    return our_samplers(model, prompts) if side == OURS else generators(folder, prompts)


def prepare(size: str, folder: Path) -> None:
    """Write a size's checkpoint and its prompts into ``folder``."""
    shape, batch, _ = SIZES[size]
    save_folder(Llama(shape, initialise(shape, STREAM)), folder)
    prompts = STREAM.child("prompts").generator().integers(0, shape.vocab_size, (batch, LENGTH))
    np.save(folder / "prompts.npy", prompts)


def side_by_side(size: str, kind: str, turns: int, engines: Mapping[str, Path], unwanted: str | None) -> Times:
    """Return the CPU seconds of each way, turn by turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(size, folder)
        sides = {side: [sys.executable, __file__, "side", size, name, kind, side] for side in (THEIRS, OURS)}
        ways = possible(WAYS[kind], unwanted)
        others = {way: engine for way, engine in lm_engines.WAYS.items() if engine in engines and kind == "samplers"}
        for way, engine in possible(others, unwanted).items():
            script = str(Path(lm_engines.__file__))
            sides[way] = [str(engines[engine]), script, way, name, str(folder / "prompts.npy"), str(LENGTH)]
            ways[way] = way
        return compare(sides, ways, turns)


def installed(folder: Path) -> dict[str, Path]:
    """Return the Python of each engine that can be installed, each in a folder of its own."""
    pythons = {name: lm_engines.environment(name, folder / name) for name in lm_engines.ENGINES}
    return {name: python for name, python in pythons.items() if python}


def print_size(size: str, turns: int, engines: Mapping[str, Path], peak: Mapping[str, float], unwanted: str | None) -> None:
    """Print the tables of a size."""
    shape, batch, train_rows = SIZES[size]
    taken = side_by_side(size, "samplers", turns, engines, unwanted)
    # a prompt's tokens go through the layers too, and only its last through the head
    operations = 2 * (2 * matrix_weights(shape) - shape.vocab_size * shape.hidden_size)
    drawn = {name: spent for name, spent in taken.items() if name not in BEAMS}
    references = ("generate", "generate bf16 weights", "ctranslate2 float32")
    table(f"{size}: sampling, {batch} rows", drawn, references, batch * LENGTH, operations, peak)
    searched = {name: spent for name, spent in taken.items() if name in BEAMS}
    table(f"{size}: 5 beams, {BEAM_ROWS} rows", searched, BEAMS, BEAM_ROWS * LENGTH, 0, peak)
    taken = side_by_side(size, "trainers", turns, {}, unwanted)
    tokens = STEPS[size] * train_rows * LENGTH
    table(f"{size}: training, {STEPS[size]} steps", taken, ("Trainer", "Trainer bf16"), tokens, 6 * matrix_weights(shape), peak)


def main(turns: int, parts: list[str], unwanted: str | None) -> None:
    """Print the tables of some parts."""
    name, has_bfloat16 = machine.processor()
    packages = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in ("torch", "transformers"))
    print(f"processor: {name}, {'with' if has_bfloat16 else 'WITHOUT'} avx512_bf16; {packages}")
    if not has_bfloat16:
        print("rows in bfloat16 are left out: without avx512_bf16 its products are slower than those in float32")
    peak = machine.limits()
    products = f"{peak['float32'] / 1e9:.0f} GFLOP/s float32, {peak['bfloat16'] / 1e9:.0f} bfloat16"
    print(f"limits: {products}, {peak['bytes'] / 1e9:.0f} GB/s copy", flush=True)
    with lm_engines.kept() as folder:
        engines = installed(folder) if "engines" in parts else {}
        for size in SIZES:
            if size in parts:
                print_size(size, turns, engines, peak, unwanted)
    chosen = [str(turns), *(["--without", unwanted] if unwanted else [])]
    for part, arguments in (("pairs", chosen), ("chain", chosen), ("costs", [])):
        if part in parts:
            subprocess.run([sys.executable, str(Path(__file__).with_name(f"lm_{part}.py")), *arguments], check=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    minibatches.use_deterministic_kernels()
    if sys.argv[1:2] == ["side"]:
        answer(ways_of(sys.argv[2], Path(sys.argv[3]), *sys.argv[4:]))
    else:
        parts = [*SIZES, "engines", "pairs", "chain", "costs"]
        parser = options({"turns": 5})
        parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; all by default")
        given = parser.parse_args()
        if unknown_parts := set(given.parts) - set(parts):
            parser.error(f"no part is called {', '.join(sorted(unknown_parts))}; there are {', '.join(parts)}")
        main(given.turns, given.parts or parts, given.without)
