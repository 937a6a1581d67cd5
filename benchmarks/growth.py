"""CPU time and memory of jobs as their data grow: ``python benchmarks/growth.py [PART …] [--rows N …] [--against REV] [--turns N]``.

A workflow of one experiment is made by `snakemake`, without a worker: each job is a process of its own, start included. The command
`heirloom` that Snakemake finds notes the CPU seconds and the largest resident memory of every job; medians of turns are printed. With
``--against`` the workflow of a commit takes turns with this one, and the fingerprints of what both have made are compared. Of the commit
nothing is imported: it needs the command `heirloom` and the config's keys that stand here, no more. The load is printed, too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import yaml

from heirloom.runtime.streams import Stream

ROOT = Path(__file__).parents[1]
FILES = ("Snakefile", "rules", "profiles", "docs/report", "src")
NOTES = "used.jsonl"
INNER = f"#!{sys.executable}\nfrom heirloom.cli import main\nmain()\n"
COMMAND = f"""#!{sys.executable}
import json, os, subprocess, sys
inner = os.path.join(os.path.dirname(__file__), "inner", "heirloom")
process = subprocess.Popen([inner, *sys.argv[1:]])
_, status, used = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
note = {{"step": sys.argv[1], "seconds": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024}}
with open("{NOTES}", "a") as file:
    print(json.dumps(note), file=file)
sys.exit(process.returncode)
"""

REGIMES: Mapping[str, Any] = {
    "replace": {},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
    "accumulate_fixed": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "drawn"},
}
LONG_CHAINS = ((100, 100, 20), (1_000, 100, 20), (100, 10_000, 20))
"""Generations, rows per replica, replicas."""
WIDE_GENERATIONS = 5
ARCHITECTURE = {"hidden_size": 16, "num_layers": 1, "num_heads": 1, "intermediate_size": 32}
EPOCH = {"epochs": 1, "learning_rate": 1e-3, "batch_rows": 256}
FAMILIES: Mapping[str, Any] = {
    "gaussian": {"name": "gaussian"},
    "ngram": {"name": "ngram", "training": {"order": 3}},
    "transformer": {"name": "transformer", "training": {"architecture": ARCHITECTURE, "origin": EPOCH, "generation": EPOCH}},
}
PARTS = ("long", "wide", *FAMILIES)
"""Chains of many generations, chains of many rows, and every step of a family."""

ROW_TOKENS, DOCUMENT_ROWS = 16, 100
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = {"ngram": [first + second for first in LETTERS for second in LETTERS], "transformer": [*LETTERS, *LETTERS.upper()]}
"""Few enough that each has a token of its own; trigrams of the first nearly all differ, the worst case for a table of n-grams."""
VOCABULARY = {"ngram": 257 + 26 + 26 * 26, "transformer": 257 + 2 * 26}
"""Bytes and the end of a document; then a space with each letter, and that with each second letter."""

REAL = "real"
ORIGIN = "data/g/origin/seed=0/gen=0/checkpoint.fingerprint.json"
STEP_OUTPUTS = {
    REAL: "real/train.fingerprint.json",
    "sample": "synthetic.fingerprint.json",
    "mix": "train.fingerprint.json",
    "train": "checkpoint.fingerprint.json",
    "evaluate": "metrics.fingerprint.json",
    "chain": "trajectory.fingerprint.json",
}


class Subject(NamedTuple):
    """A workflow to be measured: its config, the target whose jobs are measured, and rows of a text to be written, 0 for none."""

    name: str
    config: Mapping[str, Any]
    target: str
    text_rows: int = 0

    @property
    def experiment(self) -> Mapping[str, Any]:
        """The one experiment."""
        experiment: Mapping[str, Any] = self.config["experiments"]["g"]
        return experiment


class Used(NamedTuple):
    """What a job has used, and the fingerprint of what it has made."""

    seconds: float
    megabytes: float
    sha256: str


Jobs = Mapping[str, Used]
"""Step → what its job has used."""


def main() -> None:
    """Print a row for each job."""
    options = arguments()
    revisions = [None, options.against] if options.against else [None]
    for subject in subjects(options.parts, options.rows):
        with tempfile.TemporaryDirectory() as folder:
            sides = {revision or "here": side(Path(folder), revision, subject) for revision in revisions}
            real = {name: measure(place, ORIGIN, REAL) for name, place in sides.items()}
            turns = [{name: real[name] | measure(place, subject.target) for name, place in sides.items()} for _ in range(options.turns)]
        for step in turns[0]["here"]:
            print(subject.name, step, *row(step, turns), sep="\t", flush=True)


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"{', '.join(PARTS)}; without any, all")
    parser.add_argument("--against", metavar="REV")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    return parser.parse_args()


def subjects(parts: Sequence[str], sizes: Sequence[int]) -> Iterator[Subject]:
    """Yield the workflows to be measured."""
    chains = [*LONG_CHAINS * ("long" in parts), *((WIDE_GENERATIONS, rows, 1) for rows in sizes if "wide" in parts)]
    for regime in REGIMES if chains else ():
        for generations, rows, replicas in chains:
            source = {"name": "normal", "rows": rows, "test_rows": 1}
            size = {"generations": generations, "rows": rows, "num_replicas": replicas, "granularity": "chain"}
            name = f"chain {regime} {generations} x {rows} x {replicas}"
            config = one_experiment(regime, {"family": FAMILIES["gaussian"], "source": source} | size)
            yield Subject(name, config, f"data/g/{regime}/seed=0/trajectory.parquet")
    for family in FAMILIES:
        for rows in sizes if family in parts else ():
            config = one_experiment("accumulate", {"family": FAMILIES[family], "generations": 1, "rows": rows} | rows_of(family, rows))
            yield Subject(f"{family} {rows}", config, "data/g/accumulate/seed=0/gen=1/metrics.json", rows if family in WORDS else 0)


def one_experiment(regime: str, experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config of one experiment and one regime."""
    experiments = {"g": {"regimes": [regime], **experiment}}
    return {"schema_version": 1, "num_threads": 1, "regimes": {regime: REGIMES[regime]}, "experiments": experiments}


def rows_of(family: str, rows: int) -> dict[str, Any]:
    """Return where a family's rows come from, as an experiment says it."""
    if family not in WORDS:
        return {"source": {"name": "normal", "rows": rows, "test_rows": rows}}
    splits = {split: [f"{split}.jsonl"] for split in ("train", "valid", "test")}
    text = {"vocab_size": VOCABULARY[family], "row_tokens": ROW_TOKENS}
    return {"source": {"name": "files", "paths": splits, "text": text}, "origin_rows": rows, "evaluation_rows": rows, "chunk_rows": 512}


def side(folder: Path, revision: str | None, subject: Subject) -> Path:
    """Return a folder with the workflow of a commit, or with this one, with the subject's config and its text."""
    place = folder / (revision or "here").replace("/", "-")
    (place / "bin/inner").mkdir(parents=True)
    if revision is None:
        for name in FILES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, place / name)
    else:
        archive = subprocess.run(["git", "archive", revision, *FILES], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "x"], cwd=place, input=archive, check=True)
    for path, text in ((place / "bin/heirloom", COMMAND), (place / "bin/inner/heirloom", INNER)):
        path.write_text(text)
        path.chmod(0o755)
    (place / "config.yaml").write_text(yaml.safe_dump(subject.config))
    if subject.text_rows:
        words = WORDS[subject.experiment["family"]["name"]]
        for number, (split, rows) in enumerate({"train": subject.text_rows, "valid": 1, "test": subject.text_rows}.items()):
            write_text(place / f"{split}.jsonl", words, rows, number)
    return place


def write_text(path: Path, words: Sequence[str], rows: int, seed: int) -> None:
    """Write documents of words drawn one by one, as many as the rows have tokens; every document is a whole number of rows."""
    rng = Stream(("growth", seed)).generator()
    vocabulary = np.array(words)
    with path.open("w") as file:
        for first in range(0, rows, DOCUMENT_ROWS):
            drawn = rng.integers(len(words), size=ROW_TOKENS * min(DOCUMENT_ROWS, rows - first))
            print(json.dumps({"text": " ".join(vocabulary[drawn].tolist())}), file=file)


def measure(place: Path, target: str, *steps: str) -> dict[str, Used]:
    """Return what the jobs of a target use that are run once more, by step: of the steps that are named, or of all."""
    folder = (place / target).parent
    lineage = place / "data/g" / Path(target).parts[2]
    shutil.rmtree(lineage, ignore_errors=True)
    (place / NOTES).unlink(missing_ok=True)
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")}
    path = f"{place}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables = inherited | {"PATH": path, "PYTHONPATH": str(place / "src"), "HEIRLOOM_WORKER": ""}
    command = ["snakemake", "--cores", "1", "--quiet", "all", "--", target]
    done = subprocess.run(command, cwd=place, env=variables, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{place.name}: {target}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    used = {}
    for note in map(json.loads, (place / NOTES).read_text().splitlines()):
        step = note["step"]
        if step in (steps or STEP_OUTPUTS):
            output = (place / "data/g" if step == REAL else folder) / STEP_OUTPUTS[step]
            used[step] = Used(note["seconds"], note["megabytes"], json.loads(output.read_text())["sha256"])
    return used


def row(step: str, turns: Sequence[Mapping[str, Jobs]]) -> list[str]:
    """Return the medians of each side's turns, whether all have made the same bytes, and the load."""
    cells = []
    for name in turns[0]:
        jobs = [turn[name][step] for turn in turns]
        cells.append(f"{name} {median(used.seconds for used in jobs):.2f} s {median(used.megabytes for used in jobs):.0f} MB")
    fingerprints = {jobs[step].sha256 for turn in turns for jobs in turn.values()}
    return [*cells, "equal" if len(fingerprints) == 1 else "DIFFERENT", f"load {os.getloadavg()[0]:.1f}"]


if __name__ == "__main__":
    main()
