"""CPU seconds, memory and length of the output of each command under load.

    python benchmarks/load.py [PART …] [--size N] [--against REV] [--turns N]

``generations`` is one lineage of N generations, and ``jobs`` the results of N jobs in lineages of ten generations; both are written by hand
in a moment (`tests/long_lineages.py`), because the commands that are measured read notes and no more. ``experiments`` and ``arms`` are runs
to the end of N experiments, and of N arms of one, of cheap families: Snakemake does the jobs inside its own process (`inside/`), then come
record, summary and report. ``rows`` are N rows through the jobs of one generation, a diff and a verification, and ``blocks`` a diff of two
files of N rows of 64 tokens.

With ``--against`` a commit takes turns. Its code reads the same hand-written notes, spelled as its time spelled them (schema 1), and makes
its own runs. Seconds are of CPU and memory is that of the largest process, as the kernel counts them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import growth  # noqa: E402
from measured import Usage, measured  # noqa: E402

import long_lineages  # noqa: E402
from heirloom.runtime.streams import Stream  # noqa: E402

SETTINGS = ("dvc.yaml", ".gitignore", ".gitattributes", ".dvcignore", ".dvc/config", ".dvc/.gitignore", ".dvc/plots", "data/README.md")
"""What a project tells git and DVC."""
IDENTITY = {f"GIT_{role}_{what}": "load@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
HERE = "here"
GENERATIONS_OF_MANY_JOBS = 10
JOBS_OF_A_LINEAGE = 1 + 2 + 3 * GENERATIONS_OF_MANY_JOBS
GAUSSIAN: Mapping[str, Any] = {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": 1_000, "test_rows": 10}, "rows": 20}
FAMILIES: Sequence[Mapping[str, Any]] = (
    GAUSSIAN,
    {"family": {"name": "bernoulli"}, "source": {"name": "bernoulli", "probability": 0.3, "rows": 1_000, "test_rows": 10}, "rows": 20},
    {"family": {"name": "poisson"}, "source": {"name": "poisson", "rate": 3.0, "rows": 1_000, "test_rows": 10}, "rows": 20},
    {"family": {"name": "kde"}, "source": {"name": "normal", "rows": 1_000, "test_rows": 10}, "rows": 20},
)
CHAIN = {"generations": 2, "num_replicas": 20, "granularity": "chain"}
CONTROL = {"pool": 1.0, "synthetic": "none"}
ROW_TOKENS, VOCABULARY, BATCH = 64, 2_048, 65_536

Command = Sequence[str]


class Load(NamedTuple):
    """A load: how large it is by default, what makes the project in the working folder, and the commands that are measured, in order."""

    size: int
    make: Callable[[int, str | None], None]
    commands: Callable[[int], Mapping[str, Command]]


def main() -> None:
    """Print a row for each command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", default=[*LOADS], help=", ".join(LOADS))
    parser.add_argument("--size", type=int, help="in place of the size that the issue names")
    parser.add_argument("--against", metavar="REV")
    parser.add_argument("--turns", type=int, default=1)
    options = parser.parse_args()
    print("load", "size", "command", "side", "CPU s", "MB", "status", "bytes printed", "1-minute load", sep="\t")
    for name in options.parts:
        load = LOADS[name]
        size = options.size or load.size
        sides = [HERE, options.against] if options.against else [HERE]
        with tempfile.TemporaryDirectory() as folder:
            turns = [{side: measures(Path(folder, str(turn)), side, load, size) for side in sides} for turn in range(options.turns)]
        for command in load.commands(size):
            for side in sides:
                used = [turn[side][command] for turn in turns]
                cells = f"{median(use.seconds for use in used):.1f}", f"{median(use.memory for use in used):.0f}"
                printed = len(used[-1].printed.encode())
                print(name, size, command, side, *cells, used[-1].status, printed, f"{os.getloadavg()[0]:.0f}", sep="\t", flush=True)


def measures(folder: Path, side: str, load: Load, size: int) -> dict[str, Usage]:
    """Make a side's project anew and return what each command uses."""
    place = growth.side(folder, None if side == HERE else side, growth.Subject("", {}, ""))
    for name in SETTINGS:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place / name)
    (place / "bin/heirloom").write_text(growth.INNER)
    paths = f"{place}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables = {
        "PATH": paths,
        "PYTHONPATH": f"{place}/src:{ROOT}/benchmarks/inside",
        "OMP_NUM_THREADS": "1",
        "HEIRLOOM_WORKER": "",
        **IDENTITY,
    }
    with chdir(place):
        subprocess.run(["git", "init", "-q"], check=True)
        load.make(size, None if side == HERE else side)
        return {name: measured(command, place, variables) for name, command in load.commands(size).items()}


def by_hand(lineages: int, generations: int, revision: str | None) -> None:
    """Write lineages by hand, each an experiment, and their config; for a revision, notes of schema 1."""
    names = [long_lineages.EXPERIMENT, *(f"{long_lineages.EXPERIMENT}{number}" for number in range(1, lineages))]
    for name in names:
        long_lineages.write(generations, name)
    experiment = {**GAUSSIAN, "regimes": [long_lineages.REGIME], "generations": generations}
    config(dict.fromkeys(names, experiment), {long_lineages.REGIME: {}})
    if revision:
        spell_as_schema_1()


def spell_as_schema_1() -> None:
    """Rewrite every manifest as it was before inputs had paths."""
    for file in Path("data").rglob("*.manifest.json"):
        content = json.loads(file.read_text())
        inputs = {entry["role"]: entry["sha256"] for entry in content["inputs"]}
        kept = {key: value for key, value in content.items() if key not in ("path", "digest")}
        file.write_text(json.dumps(kept | {"inputs": inputs, "schema_version": 1}))


def config(experiments: Mapping[str, Mapping[str, Any]], regimes: Mapping[str, Any]) -> None:
    """Write a config, no two of whose experiments share an object that YAML would spell as an alias."""
    content = {"schema_version": 1, "num_threads": 1, "regimes": regimes, "experiments": experiments}
    Path("config.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(content))))


def make_experiments(size: int, revision: str | None) -> None:
    """Write the config of many experiments."""
    regimes = {"replace": {}, "control": CONTROL}
    families = [{**FAMILIES[number % len(FAMILIES)], **CHAIN, "regimes": [*regimes]} for number in range(size)]
    config({f"e{number:03}": {**family, "rows": 20 + number // 4} for number, family in enumerate(families)}, regimes)


def make_arms(size: int, revision: str | None) -> None:
    """Write the config of many arms of one experiment: shares of the original set, and a control."""
    regimes: dict[str, Any] = {f"share{number}": {"original": {"share": number / size}} for number in range(size - 1)}
    regimes["control"] = CONTROL
    config({"arms": {**GAUSSIAN, **CHAIN, "rows": 100, "regimes": [*regimes]}}, regimes)


def make_rows(size: int, revision: str | None) -> None:
    """Write the config of one generation of many rows."""
    source = {"name": "normal", "rows": size, "test_rows": 10}
    config({"g": {**GAUSSIAN, "source": source, "rows": size, "generations": 1, "regimes": ["replace"]}}, {"replace": {}})


def make_blocks(size: int, revision: str | None) -> None:
    """Write two files of rows of tokens, which Zipf's law draws; a tenth of the second's rows are others."""
    rng = Stream(("load",)).generator()
    weights_V = 1 / np.arange(1, VOCABULARY + 1)
    schema = pa.schema({"row": pa.int64(), "tokens": pa.list_(pa.int32())})
    with pq.ParquetWriter("a.parquet", schema) as first, pq.ParquetWriter("b.parquet", schema) as second:
        for start in range(0, size, BATCH):
            rows = min(BATCH, size - start)
            tokens_NT = rng.choice(VOCABULARY, (rows, ROW_TOKENS), p=weights_V / weights_V.sum()).astype(np.int32)
            others_NT = tokens_NT.copy()
            others_NT[::10] = rng.integers(VOCABULARY, size=others_NT[::10].shape)
            for writer, values_NT in ((first, tokens_NT), (second, others_NT)):
                lists = pa.FixedSizeListArray.from_arrays(values_NT.ravel(), ROW_TOKENS).cast(schema.field("tokens").type)
                writer.write_table(pa.table({"row": np.arange(start, start + rows), "tokens": lists}, schema))


def asking(generations: int) -> dict[str, Command]:
    """Return the commands that read a lineage's notes, after its record."""
    last, before = (f"long/replace/0/{generation}" for generation in (generations, generations - 1))
    commit = ["sh", "-c", "git add -A && git commit -q -m load"]
    return {
        "record": ["heirloom", "record", "--complete"],
        "commit": commit,
        "record, nothing new": ["heirloom", "record", "--complete"],
        "verify": ["heirloom", "verify"],
        "trace": ["heirloom", "trace", last],
        "trace of a row": ["heirloom", "trace", f"{last}#1"],
        "why-not": ["heirloom", "why-not", before, last],
        "diff": ["heirloom", "diff", before, last],
        "descendants": ["heirloom", "descendants", "long/real:train"],
        "prune": ["heirloom", "prune", "--config", "less.yaml"],
        "repair, nothing to do": ["heirloom", "repair", "--dry-run"],
    }


def make_generations(size: int, revision: str | None) -> None:
    """Write one long lineage, and a config that names half of it."""
    by_hand(1, size, revision)
    _write_half()


def make_jobs(size: int, revision: str | None) -> None:
    """Write many lineages, and a config that names half of their generations."""
    by_hand(size // JOBS_OF_A_LINEAGE, GENERATIONS_OF_MANY_JOBS, revision)
    _write_half()


def _write_half() -> None:
    content = yaml.safe_load(Path("config.yaml").read_text())
    for experiment in content["experiments"].values():
        experiment["generations"] //= 2
    Path("less.yaml").write_text(yaml.safe_dump(content))


def running(size: int) -> dict[str, Command]:
    """Return the commands of a run to its end."""
    snakemake = ["snakemake", "--quiet", "all"]
    return {
        "check": ["heirloom", "check"],
        "plan": ["heirloom", "plan"],
        "jobs": [*snakemake, "--executor", "inside", "--jobs", "1", "--omit-from", "summarise"],
        "tables and figures": snakemake,
        "nothing to do": [*snakemake, "--dry-run"],
        "record": ["heirloom", "record", "--complete"],
        "status": ["heirloom", "status"],
        "summary": ["heirloom", "summary"],
        "report": ["heirloom", "report"],
        "verify": ["heirloom", "verify"],
    }


def of_rows(size: int) -> dict[str, Command]:
    """Return the commands that read or write rows: the jobs one by one, then the questions."""
    jobs = {"real": "data/g/real/train.parquet"}
    jobs |= {"mix": "data/g/origin/seed=0/gen=0/train.parquet", "train": "data/g/origin/seed=0/gen=0/checkpoint"}
    jobs |= {"sample": "data/g/replace/seed=0/gen=1/synthetic.parquet"}
    commands: dict[str, Command] = {step: ["snakemake", "--quiet", "all", "--cores", "1", "--", target] for step, target in jobs.items()}
    return {**commands, "diff": ["heirloom", "diff", "g/replace/0/0", "g/replace/0/1"], "verify": ["heirloom", "verify", "--fast"]}


def of_blocks(size: int) -> dict[str, Command]:
    """Return the commands that compare rows of tokens."""
    return {"diff": ["heirloom", "diff", "a.parquet", "b.parquet"]}


LOADS = {
    "generations": Load(2_000, make_generations, asking),
    "jobs": Load(10_000, make_jobs, lambda _: asking(GENERATIONS_OF_MANY_JOBS)),
    "arms": Load(64, make_arms, running),
    "experiments": Load(500, make_experiments, running),
    "rows": Load(10_000_000, make_rows, of_rows),
    "blocks": Load(4_000_000, make_blocks, of_blocks),
}

if __name__ == "__main__":
    main()
