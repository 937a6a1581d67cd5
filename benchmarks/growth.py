"""Time and memory of steps as their data grow: ``python benchmarks/growth.py [PART …] [--against REV] [--turns N] [--rows N …]``.

Each job is a process of its own, start included: CPU seconds and the largest resident memory, medians of turns. With ``--against`` the
build of a commit takes turns with this one on the same inputs, and the fingerprints of what both have made are compared. A commit must
have the modules that this file imports. The load of the machine is printed beside each row.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
REGIMES: Mapping[str, Any] = {
    "replace": {},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
    "accumulate_fixed": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "drawn"},
}
LONG = ((100, 100, 20), (1_000, 100, 20), (100, 10_000, 20))
WIDE = ((5, 10_000, 1), (5, 100_000, 1), (5, 1_000_000, 1))
"""Generations, rows per replica, replicas."""
STEPS = {"ngram": ("mix", "sample", "train", "evaluate"), "transformer": ("sample", "train", "evaluate")}
PARTS = ["long", "wide", *STEPS]
"""Chains of many generations, chains of many rows, steps of text."""
ROW_TOKENS, VOCABULARY = 16, 320
ARCHITECTURE = {"hidden_size": 16, "num_layers": 1, "num_heads": 1, "intermediate_size": 32}

PASS = {"epochs": 1, "learning_rate": 1e-3, "batch_rows": 16}


class Used(NamedTuple):
    """What a process has used, and the fingerprint of what it has made."""

    seconds: float
    megabytes: float
    fingerprint: str


def main() -> None:
    """Print a row for each job."""
    asked = arguments()
    if asked.job:
        print(json.dumps(globals()[asked.job[0]](*map(json.loads, asked.job[1:]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        sides = {"here": ROOT / "src"} | ({asked.against: exported(asked.against, Path(folder))} if asked.against else {})
        for place, name, job in jobs(asked, Path(folder)):
            turns = [{side: run(source, place, *job) for side, source in sides.items()} for _ in range(asked.turns)]
            print(name, *(told([turn[side] for turn in turns], side) for side in sides), verdict(turns), sep="\t", flush=True)


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}; without any, all")
    parser.add_argument("--against", metavar="REV")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--steps", nargs="+", default=["mix", "sample", "train", "evaluate"])
    parser.add_argument("--job", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.parts = asked.parts or PARTS
    return asked


def exported(revision: str, folder: Path) -> Path:
    """Return the sources of a commit."""
    packed = subprocess.run(["git", "archive", revision, "src"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder / "against", filter="data")
    return folder / "against/src"


def jobs(asked: argparse.Namespace, folder: Path) -> Iterator[tuple[Path, str, tuple[Any, ...]]]:
    """Yield the folder of each job, its name, and the function that does it with its arguments; inputs are made on the way."""
    for regime, size in product(REGIMES, [*LONG * ("long" in asked.parts), *WIDE * ("wide" in asked.parts)]):
        place = folder / "-".join(map(str, (regime, *size)))
        run(ROOT / "src", place, "prepare_chain", regime, *size)
        yield place, f"chain {regime} {' x '.join(map(str, size))}", ("do_chain", regime, *size)
    for family in [family for family in STEPS if family in asked.parts]:
        for rows in asked.rows:
            place = folder / f"{family}-{rows}"
            run(ROOT / "src", place, "prepare_text", family, rows)
            for step in [step for step in STEPS[family] if step in asked.steps]:
                yield place, f"{family} {step} {rows}", ("do_text", family, rows, step)


def run(source: Path, place: Path, function: str, *values: Any) -> Used:
    """Do a job in a process of its own, with the package in a folder."""
    place.mkdir(exist_ok=True)
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": str(source)}
    command = [sys.executable, __file__, "--job", function, *map(json.dumps, values)]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        fingerprint = said.read().strip()
    if process.returncode:
        sys.exit(f"{function} {values}: ended with {process.returncode}")
    return Used(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, fingerprint)


def told(turns: list[Used], side: str) -> str:
    """Return the medians of a side's turns."""
    return f"{side} {median(used.seconds for used in turns):.2f} s {median(used.megabytes for used in turns):.0f} MB"


def verdict(turns: list[dict[str, Used]]) -> str:
    """Return whether all turns of all sides have made the same bytes, and the load."""
    fingerprints = {used.fingerprint for turn in turns for used in turn.values()}
    return f"{'equal' if len(fingerprints) == 1 else 'DIFFERENT'}\tload {os.getloadavg()[0]:.1f}"


def chain_config(regime: str, generations: int, rows: int, replicas: int) -> Any:
    """Return a config of one chain of Gaussians."""
    from heirloom import config

    experiment = {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": rows, "test_rows": 1}, "regimes": [regime]}
    size = {"generations": generations, "rows": rows, "num_replicas": replicas, "granularity": "chain"}
    return config.parse({"regimes": {regime: REGIMES[regime]}, "experiments": {"g": experiment | size}})


def text_config(family: str, rows: int) -> Any:
    """Return a config of one lineage of text."""
    from heirloom import config

    fit = {"order": 3} if family == "ngram" else {"architecture": ARCHITECTURE, "origin": PASS, "generation": PASS}
    source = {"name": "files", "paths": ["*.txt"], "text": {"vocab_size": VOCABULARY, "row_tokens": ROW_TOKENS}}
    size = {"generations": 1, "rows": rows, "origin_rows": rows, "evaluation_rows": rows, "regimes": ["accumulate"]}
    experiment = {"family": {"name": family, "training": fit}, "source": source} | size
    return config.parse({"regimes": {"accumulate": REGIMES["accumulate"]}, "experiments": {"g": experiment}})


def do(declared: Any, step: str, key: Any) -> str:
    """Do a job of a config as its command does, and return the fingerprint of what it makes."""
    from heirloom.artefacts.fingerprints import recorded_sha256
    from heirloom.runtime.heap import keep_freed_memory
    from heirloom.workflow.steps import STEPS as DECLARED

    keep_freed_memory()
    own = DECLARED[step]
    makes = {role: kind.at(key) for role, kind in own.makes.items() if role not in own.optional}
    takes = {role: " ".join(taken.find(declared, key)) for role, taken in own.takes.items()}
    own.load().run(own.slice(declared, key), takes, makes)
    return recorded_sha256(next(iter(makes.values())))


def prepare_chain(regime: str, generations: int, rows: int, replicas: int) -> None:
    """Make real rows and generation 0."""
    from heirloom.artefacts.kinds import ORIGIN, Key

    declared = chain_config(regime, generations, rows, replicas)
    do(declared, "real", Key("g"))
    for step in ("mix", "train"):
        do(declared, step, Key("g", ORIGIN, 0, 0))


def do_chain(regime: str, generations: int, rows: int, replicas: int) -> str:
    """Run the chain."""
    from heirloom.artefacts.kinds import Key

    return do(chain_config(regime, generations, rows, replicas), "chain", Key("g", regime, 0))


def prepare_text(family: str, rows: int) -> None:
    """Make what the steps of generation 1 read: sets of made-up text, and a model that has read a little of it."""
    from heirloom.artefacts import kinds
    from heirloom.artefacts.files import write_text
    from heirloom.artefacts.fingerprints import recorded_sha256
    from heirloom.artefacts.kinds import ORIGIN, Key
    from heirloom.artefacts.manifest import seal
    from heirloom.data import tokenization

    declared, real, origin, first = text_config(family, rows), Key("g"), Key("g", ORIGIN, 0, 0), Key("g", "accumulate", 0, 1)
    words = [f"{one}{other}" for one in "bcdfghjklmnpqrstvwxz" for other in ("a", "ei", "ou", "irn", "ust")]
    reader = tokenization.fit([" ".join(words[place:] + words[:place]) for place in range(len(words))], VOCABULARY)
    write_text(kinds.TOKENIZER.at(real), tokenization.to_json(reader))
    checkpoints = [kinds.CHECKPOINT.at(key) for key in (origin, first)]
    for path in checkpoints:
        write_model(declared, path, reader)
    seal([kinds.TOKENIZER.at(real), *checkpoints], {})
    sets = [(kinds.REAL_TRAIN.at(real), ""), (kinds.REAL_TEST.at(real), ""), (kinds.SYNTHETIC.at(first), recorded_sha256(checkpoints[0]))]
    for number, (path, model) in enumerate(sets):
        made_up(number, rows, reader, model).write(path)
    seal([path for path, _ in sets], {})
    do(declared, "mix", origin)
    do(declared, "mix", first)


def write_model(declared: Any, path: str, reader: Any) -> None:
    """Write a model that has read a few rows."""
    from heirloom.families import family
    from heirloom.runtime.streams import Stream

    spec = declared.experiments["g"].family
    module, fit = family(spec.name), spec.training.fit_settings(0, declared.experiments["g"].text)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    module.save(module.train(made_up(99, 2_000, reader, ""), fit, None, Stream(("growth",))), Path(path))


def made_up(number: int, rows: int, reader: Any, model: str) -> Any:
    """Return rows of tokens drawn one by one, few of them often; those of a model, if one is named, continue the first rows."""
    import numpy as np
    import pyarrow as pa

    from heirloom.data import tokenization
    from heirloom.data.ancestry import Writer
    from heirloom.data.dataset import Dataset
    from heirloom.data.rows import text_table
    from heirloom.runtime.streams import Stream

    rng, tables = Stream(("growth", number)).generator(), []
    writer = Writer(model, np.ones(1), np.ones(1, np.int32)) if model else None
    for first in range(0, rows, 50_000):
        count = min(50_000, rows - first)
        tokens = (reader.get_vocab_size() * rng.random((count, ROW_TOKENS)) ** 3).astype(np.int32)
        parents = range(first, first + count) if model else None
        texts = tokenization.decode(reader, tokens)
        tables.append(text_table(tokens, texts, first_row=first, born=1 if model else 0, parent=parents, writer=writer))
    return Dataset.of(pa.concat_tables(tables))


def do_text(family: str, rows: int, step: str) -> str:
    """Do a step of generation 1."""
    from heirloom.artefacts.kinds import Key

    return do(text_config(family, rows), step, Key("g", "accumulate", 0, 1))


if __name__ == "__main__":
    main()
