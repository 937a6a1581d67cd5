"""What the two sides of `lm.py` cost beside their speed: a fresh process before it does anything, and peak memory.

OMP_NUM_THREADS=1 python benchmarks/lm_costs.py
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from lm import OURS, WAYS, possible, prepare, ways_of

from heirloom.families import minibatches


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
            done = subprocess.run([sys.executable, __file__, kind, name], capture_output=True, text=True, check=True)
            print(f"{kind[:-1] + ', ' + name:<28}{done.stdout.splitlines()[-1]:>8}", flush=True)


def peak_memory(kind: str, name: str) -> int:
    """Return the peak memory of this process in MB after the work of a way at 17 M parameters."""
    with tempfile.TemporaryDirectory() as folder:
        prepare("17M", Path(folder))
        work = ways_of("17M", Path(folder), kind, WAYS[kind][name])[name]()
        work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    torch.set_num_threads(1)
    minibatches.use_deterministic_kernels()
    if sys.argv[1:]:
        print(peak_memory(*sys.argv[1:]))
    else:
        start_up()
        memory(possible({"ours bfloat16": OURS}))
