"""What lineage costs: recording, `dvc status`, the workflow around the bare computation, descendants, trace and audit.

    PYTHONPATH=src:tests python benchmarks/lineage.py [NAME ...]

Each benchmark is a function that yields rows; a row's value is held against its bar. CPU seconds, because wall time tells more of the
neighbours than of the program.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

import lineage_tools
import yaml

from by_hand import slice_of
from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Kind
from heirloom.artefacts.manifest import seal
from heirloom.config import load
from heirloom.lineage import audit
from heirloom.lineage.project import Project
from heirloom.report import recomputed
from heirloom.steps import evaluate, mix, real, sample, train
from helpers import environment, make_workspace
from toy_project import write as write_toy

ROWS = 38_000
LINEAGES, GENERATIONS = 250, 5  # generations as in the default config
CONFIG = Path("config.yaml")


class Row(NamedTuple):
    """One number and the most that it may be."""

    what: str
    value: float
    unit: str
    bar: float


def cpu(*command: str) -> float:
    """Return the CPU seconds of a command and all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment(), check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def many_lineages() -> Iterator[Row]:
    """Record a project of 250 lineages; again with nothing new; then ask DVC for its status."""
    write_toy(Path.cwd() / "many")
    with chdir("many"):
        CONFIG.write_text(CONFIG.read_text().replace("seeds: [0]", f"seeds: {list(range(LINEAGES))}"))
        for seed in range(LINEAGES):
            for generation in range(1, GENERATIONS + 1):
                artefact = Path(kinds.METRICS.path(experiment="toy", regime="replace", seed=seed, generation=generation))
                artefact.parent.mkdir(parents=True)
                artefact.write_text(json.dumps({"seed": seed, "generation": generation}))
                seal([artefact], {"inputs": {}})
        cpu("git", "init", "-q")
        files = 3 * LINEAGES * GENERATIONS
        yield Row(f"record {LINEAGES} new lineages, {files} files", cpu("heirloom", "record"), "CPU-s", float("inf"))
        yield Row(f"record {LINEAGES} lineages, nothing new", cpu("heirloom", "record"), "CPU-s", float("inf"))
        yield Row("a start of DVC, to tell a busy machine by (idle: 0.5)", cpu("dvc", "cache", "dir"), "CPU-s", float("inf"))
        yield Row(f"dvc status of {LINEAGES} lineages", cpu("dvc", "status"), "CPU-s", 3)


def small_workflow() -> Iterator[Row]:
    """Run five stepwise generations with Snakemake, and the same steps in one process; record, and record nothing new."""
    make_workspace(Path.cwd() / "small")
    with chdir("small"):
        raw = yaml.safe_load(CONFIG.read_text())
        CONFIG.write_text(yaml.safe_dump({**raw, "experiments": {"steps": {**raw["experiments"]["steps"], "generations": GENERATIONS}}}))
        cpu("git", "init", "-q")
        run = cpu("snakemake")
        yield Row("record, nothing new", cpu("heirloom", "record", "--complete"), "CPU-s", 1.5)
        for state in (*Path("data").rglob("*.dvc"), Path("dvc.lock"), Path(".heirloom/recorded.json")):
            state.unlink()
        recording = cpu("heirloom", "record", "--complete")
        yield Row(f"record, all new, after a run of {run:.0f} CPU-s", recording, "CPU-s", float("inf"))
        bare = in_process()
        yield Row(f"workflow around a generation (bare loop: {bare:.2f} CPU-s)", (run - bare) / (GENERATIONS + 1), "CPU-s", 8)


def in_process() -> float:
    """Return the CPU seconds of the same steps in a loop, without Snakemake, processes or recording, in a folder of its own."""
    config = load(CONFIG)
    ((name, regime, seed),) = config.lineages()

    def at(kind: Kind, generation: int = 0) -> str:
        return str(Path("bare", kind.path(name, regime, seed, generation)))

    began = time.process_time()
    pool, held_out = at(kinds.REAL_TRAIN), at(kinds.REAL_TEST)
    real.run_vectors(slice_of("real", config, name), {"train": pool, "test": held_out})
    for generation in range(config.experiments[name].generations + 1):
        key = (config, name, regime, seed, generation)
        original = at(kinds.TRAIN) if generation else None
        written = [at(kinds.SYNTHETIC, g) for g in range(1, generation + 1)]
        training, checkpoint = at(kinds.TRAIN, generation), at(kinds.CHECKPOINT, generation)
        if generation:
            parent = {"checkpoint": at(kinds.CHECKPOINT, generation - 1), "train": at(kinds.TRAIN, generation - 1)}
            sample.run(
                slice_of("sample", *key), {**parent, **dict.fromkeys(("tokenizer", "prompts", "judge"), "")}, {"synthetic": written[-1]}
            )
        mix.run(slice_of("mix", *key), {"pool": pool, "original": original, "synthetic": " ".join(written)}, {"train": training})
        train.run(slice_of("train", *key), {"train": training}, {"checkpoint": checkpoint})
        inputs = {"checkpoint": checkpoint, "train": training, "synthetic": written[-1] if written else "", "held_out": held_out}
        origin = {"original": at(kinds.TRAIN), "origin": at(kinds.CHECKPOINT)}
        evaluate.run(slice_of("evaluate", *key), {**inputs, **origin}, {"metrics": at(kinds.METRICS, generation)})
    return time.process_time() - began


def descendants_of_a_row() -> Iterator[Row]:
    """List what carries a row through ten accumulating generations of 38,000 rows; training sets grow to 418,000 rows."""
    Path("rows").mkdir()
    with chdir("rows"):
        lineage_tools.build(ROWS, 10)
        yield Row("descendants of a row, 10 generations of 38,000 rows", cpu("heirloom", "descendants", "text/real:train#17"), "CPU-s", 2)
        bare = peak_memory("heirloom", "descendants", "text/accumulate/0/1:checkpoint")
        peak = peak_memory("heirloom", "descendants", "text/real:train#17")
        yield Row(f"its memory above that of a list without rows ({bare:.0f} MiB)", peak - bare, "MiB", 64)


def trace_on_its_way() -> Iterator[Row]:
    """Trace an artefact of five ancestors in a project of 80 artefacts, counting the files under data/ that are opened."""
    Path("traced").mkdir()
    with chdir("traced"):
        lineage_tools.build(200, 25)
        nodes = subprocess.run([sys.executable, "-c", _COUNT], env=environment(), check=True, capture_output=True, text=True)
        artefacts, files = map(int, nodes.stdout.split())
        yield Row(f"files opened for a trace of {artefacts} artefacts", files, "files", 2 * artefacts + 2)
        yield Row("trace of them, as a command", cpu("heirloom", "trace", "text/accumulate/0/1:train"), "CPU-s", float("inf"))


_COUNT = """
import sys
opened = set()
def note(event, arguments):
    if event == "open" and str(arguments[0]).startswith("data/"):
        opened.add(str(arguments[0]))
sys.addaudithook(note)
from heirloom.lineage.trace import trace
print(len(trace("text/accumulate/0/1:train").nodes), len(opened))
"""
"""Prints how many artefacts a trace has, and how many files under data/ it has opened."""


def audit_of_ten_jobs() -> Iterator[Row]:
    """Audit ten jobs of a small workflow, beside the jobs, the results and the sources each done alone."""
    make_workspace(Path.cwd() / "audited")
    with chdir("audited"):
        raw = yaml.safe_load(CONFIG.read_text())
        CONFIG.write_text(yaml.safe_dump({**raw, "experiments": {"steps": {**raw["experiments"]["steps"], "generations": GENERATIONS}}}))
        cpu("git", "init", "-q")
        cpu("snakemake")
        yield audit_over_its_parts(CONFIG)


def audit_of_a_run() -> Iterator[Row]:
    """Audit ten jobs of the finished run of HEIRLOOM_RUN, a folder, by HEIRLOOM_CONFIG, a file in it, beside the same parts."""
    if folder := os.environ.get("HEIRLOOM_RUN"):
        with chdir(folder):
            yield audit_over_its_parts(Path(os.environ.get("HEIRLOOM_CONFIG", CONFIG)))


def audit_over_its_parts(config: Path) -> Row:
    """Return what an audit of ten jobs of the project here costs, over the jobs, the results and the sources each done alone."""
    project, settings = Project(), load(config)
    chosen = audit.sample(audit.recorded_jobs(project), number=10, share=None, seed=0)
    alone = []
    for job in chosen:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert [outcome.verdict.answer for outcome in audit.redo([job], settings, afresh=True)] == ["equal"]
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        alone.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    results = cpu(sys.executable, "-P", "-c", recomputed.CODE, str(config))
    began = time.process_time()
    audit.changed_sources(project)
    parts = sum(alone) + results + time.process_time() - began
    whole = cpu("heirloom", "audit", "--config", str(config), "--jobs", "10", "--seed", "0", "--afresh")
    return Row(f"audit of ten jobs ({whole:.1f} CPU-s) over its parts alone ({parts:.1f})", whole / parts, "ratio", 1.2)


def peak_memory(*command: str) -> float:
    """Return the peak memory of a command, MiB."""
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True);"
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", code, *command], env=environment(), check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024


BENCHMARKS: tuple[Callable[[], Iterator[Row]], ...] = (
    *(many_lineages, small_workflow),
    *(descendants_of_a_row, trace_on_its_way, audit_of_ten_jobs, audit_of_a_run),
)


def main(names: list[str]) -> int:
    """Print every row with its bar; return how many are above."""
    above = 0
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for benchmark in BENCHMARKS:
            if names and benchmark.__name__ not in names:
                continue
            for row in benchmark():
                held = row.value <= row.bar
                above += not held
                bar = "" if row.bar == float("inf") else f"<= {row.bar:g} {'held' if held else 'ABOVE'}"
                print(f"{row.what:<70} {row.value:8.2f} {row.unit:<6} {bar}", flush=True)
    return above


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.exit(main(sys.argv[1:]))
