"""Sampling and training of language models side by side with `transformers`: same weights, prompts, tokens and steps, one thread.

    OMP_NUM_THREADS=1 python benchmarks/lm.py [turns] [default | 2.6M | 17M | costs …]

`generate` and `Trainer` get Heirloom's checkpoints as ordinary Hugging Face folders. Each side is a process of its own, ours with what
a step sets before it begins (`runtime.heap`). They take turns, and each ratio is the median over turns of the ratio inside a turn, so that
what else the machine does hits both sides. Seconds are of CPU. The machine's limits are measured before the first turn: floating-point
operations a second of a large matrix product in float32 and in bfloat16, bytes a second of a large copy. Where a processor has no bfloat16
products of its own, the rows that use them are left out.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sides import Work, answer, compare, seconds

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

OURS, THEIRS = "ours", "theirs"
WAYS = {
    "samplers": {"generate": THEIRS, "ours float32": OURS, "ours bfloat16": OURS, "generate, 5 beams": THEIRS, "ours, 5 beams": OURS},
    "trainers": {"Trainer": THEIRS, "Trainer bf16": THEIRS, "ours float32": OURS, "ours bfloat16": OURS},
}
"""Kind of work → way to do it → its side."""


def limits() -> dict[str, float]:
    """Return the machine's best floating-point operations a second by precision, and bytes a second copied."""
    found = {}
    for precision in ("float32", "bfloat16"):
        a = torch.randn(1024, 1024).to(getattr(torch, precision))
        found[precision] = 2 * 1024**3 / min(seconds(partial(torch.mm, a, a)) for _ in range(20))
    x, y = torch.zeros(2**25), torch.zeros(2**25)
    found["bytes"] = 2 * x.nbytes / min(seconds(lambda: y.copy_(x)) for _ in range(10))
    return found


def matrix_weights(shape: LlamaShape) -> int:
    """Return the weights that every token is multiplied with: those of the layers and of the head."""
    layer = 4 * shape.hidden_size**2 + 3 * shape.hidden_size * shape.intermediate_size
    return shape.num_layers * layer + shape.vocab_size * shape.hidden_size


def samplers(model: Llama, theirs: Any, prompts: np.ndarray) -> dict[str, Work]:
    """Return ways to write a continuation of each prompt."""
    given, uniforms = torch.from_numpy(prompts), STREAM.uniforms(0, len(prompts), LENGTH)
    common = {"input_ids": given, "attention_mask": torch.ones_like(given), "pad_token_id": 0, "eos_token_id": None}

    def generate(**settings: Any) -> Work:
        return lambda: theirs.generate(**common, max_new_tokens=LENGTH, min_new_tokens=LENGTH, **settings)

    few = {**common, "input_ids": given[:16], "attention_mask": torch.ones_like(given[:16])}
    return {
        "generate": generate(do_sample=True, top_k=0),
        "ours float32": lambda: generation.continue_prompts(model, prompts, LENGTH, uniforms, Decoding()),
        "ours bfloat16": lambda: generation.continue_prompts(model, prompts, LENGTH, uniforms, Decoding(), "bfloat16"),
        "generate, 5 beams": lambda: theirs.generate(**few, max_new_tokens=LENGTH, do_sample=False, num_beams=5),
        "ours, 5 beams": lambda: beams.search(model, prompts[:16], LENGTH, 5),
    }


def trainers(model: Llama, folder: Path, batch_rows: int, steps: int) -> dict[str, Work]:
    """Return ways to train a fresh copy of the model for some steps."""
    rows = STREAM.child("rows").generator().integers(0, model.shape.vocab_size, (steps * batch_rows, LENGTH))
    averaging = adamw.Settings((0.9, 0.95), 0.1, matrices_only=True)
    settings = loop.Settings(1, batch_rows, schedules.warmed_cosine(1e-3, 0.05), averaging, clip=1.0)

    def ours(precision: Any) -> Work:
        return lambda: loop.train(loop.Training(Learner.of(model, precision), Rows.blocks(rows), settings, STREAM))

    return {
        "Trainer": lambda: trainer(folder, rows, batch_rows, bf16=False).train(),
        "Trainer bf16": lambda: trainer(folder, rows, batch_rows, bf16=True).train(),
        "ours float32": ours("float32"),
        "ours bfloat16": ours("bfloat16"),
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


def table(title: str, taken: dict[str, list[float]], against: dict[str, str], tokens: dict[str, int], operations: float, peak: Any) -> None:
    """Print tokens a CPU-second, the ratio to another way, and the share of the machine's limit that the products make up."""
    print(f"\n{title}\n{'':<20}{'tokens/CPU-s':>14}{'ratio':>8}{'% of GEMM':>11}")
    for name, own in taken.items():
        other = taken[against[name]]
        ratio = statistics.median(b / a for a, b in zip(own, other, strict=True))
        rate = tokens[name] / statistics.median(own)
        limit = peak["bfloat16" if "bf" in name else "float32"]
        share = "" if "beams" in name else f"{100 * rate * operations / limit:.0f}"
        print(f"{name:<20}{rate:>14,.0f}{ratio:>8.2f}{share:>11}", flush=True)


def start_up() -> None:
    """Print what each step costs before it does anything: a fresh process that imports the step and its family."""
    ways = {
        "ours, train": "import heirloom.steps.train; from heirloom.families import family; family('transformer'); import torch.optim.adamw",
        "ours, sample": "import heirloom.steps.sample; from heirloom.families import family; family('transformer'); import tokenizers",
        "Trainer": "from transformers import Trainer, TrainingArguments, AutoModelForCausalLM, LlamaForCausalLM",
        "generate": "from transformers import AutoModelForCausalLM, LlamaForCausalLM; LlamaForCausalLM.generate",
    }
    print("\nstart-up, CPU seconds of a fresh process (median of 5)")
    for name, code in ways.items():
        shown = f"{code}\nimport time; print(time.process_time())"
        spent = [float(subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True).stdout) for _ in range(5)]
        print(f"{name:<20}{statistics.median(spent):>8.1f}", flush=True)


def memory(more: Iterable[str]) -> None:
    """Print the peak memory of a process that samples or trains the 17 M model by one way only: the plain ones, and ``more``."""
    print("\npeak memory of a process, MB (17M)")
    for kind, other in (("samplers", "generate"), ("trainers", "Trainer")):
        for name in (other, "ours float32", *more):
            done = subprocess.run([sys.executable, __file__, "memory", kind, name], capture_output=True, text=True, check=True)
            print(f"{kind[:-1] + ', ' + name:<28}{done.stdout.splitlines()[-1]:>8}", flush=True)


def worthwhile(ways: Mapping[str, str], peak: Mapping[str, float]) -> dict[str, str]:
    """Return the ways without those in bfloat16, if the machine is slower in it than in float32."""
    return {name: side for name, side in ways.items() if "bf" not in name or peak["bfloat16"] > peak["float32"]}


def ways_of(size: str, folder: Path, kind: str, side: str) -> dict[str, Work]:
    """Return the samplers or trainers of a size, in a process made ready as that side makes it; weights lie in ``folder``."""
    if side == OURS:
        keep_freed_memory()
    shape, batch, train_rows = SIZES[size]
    model = Llama(shape, initialise(shape, STREAM))
    if kind == "trainers":
        return trainers(model, folder, train_rows, 6 if size == "17M" else 12)
    from transformers import AutoModelForCausalLM

    prompts = STREAM.child("prompts").generator().integers(0, shape.vocab_size, (batch, LENGTH))
    return samplers(model, AutoModelForCausalLM.from_pretrained(folder).eval(), prompts)


def side_by_side(size: str, kind: str, turns: int, peak: Mapping[str, float]) -> dict[str, list[float]]:
    """Return the CPU seconds of each way, turn by turn."""
    shape = SIZES[size][0]
    with tempfile.TemporaryDirectory() as folder:
        save_folder(Llama(shape, initialise(shape, STREAM)), Path(folder))
        sides = {side: ["side", size, folder, kind, side] for side in (THEIRS, OURS)}
        return compare(Path(__file__), sides, worthwhile(WAYS[kind], peak), turns)


def main(turns: int, sizes: list[str]) -> None:
    """Print all tables."""
    peak = limits()
    print(
        f"limits: {peak['float32'] / 1e9:.0f} GFLOP/s float32, {peak['bfloat16'] / 1e9:.0f} bfloat16, {peak['bytes'] / 1e9:.0f} GB/s copy"
    )
    for size in sizes:
        if size == "costs":
            continue
        shape, batch, train_rows = SIZES[size]
        taken = side_by_side(size, "samplers", turns, peak)
        tokens = {name: (16 if "beams" in name else batch) * LENGTH for name in taken}
        against = {name: "generate, 5 beams" if "beams" in name else "generate" for name in taken}
        # a prompt's tokens go through the layers too, and only its last through the head
        layers = matrix_weights(shape) - shape.vocab_size * shape.hidden_size
        table(f"{size}: sampling", taken, against, tokens, 2 * (layers + matrix_weights(shape)), peak)
        taken = side_by_side(size, "trainers", turns, peak)
        tokens = dict.fromkeys(taken, (6 if size == "17M" else 12) * train_rows * LENGTH)
        table(f"{size}: training", taken, dict.fromkeys(taken, "Trainer"), tokens, 6 * matrix_weights(shape), peak)
    if "costs" in sizes:
        start_up()
        memory(worthwhile({"ours bfloat16": OURS}, peak))


if __name__ == "__main__":
    torch.set_num_threads(1)
    minibatches.use_deterministic_kernels()
    if sys.argv[1:2] == ["side"]:
        answer(ways_of(sys.argv[2], Path(sys.argv[3]), *sys.argv[4:]))
    elif sys.argv[1:2] == ["memory"]:
        import resource

        kind, name = sys.argv[2:]
        with tempfile.TemporaryDirectory() as scratch:
            save_folder(Llama(SIZES["17M"][0], initialise(SIZES["17M"][0], STREAM)), Path(scratch))
            ways_of("17M", Path(scratch), kind, WAYS[kind][name])[name]()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    else:
        main(int((sys.argv[1:2] or ["5"])[0]), sys.argv[2:] or [*SIZES, "costs"])
