"""How fast are verify and the trace of a row? Bars: 60 % of sha256 and md5 run in turn; 2 s through ten generations of 38,000 rows.

    python benchmarks/lineage_tools.py

Makes a project in a temporary folder with text rows of 64 tokens in an arm that accumulates, the hardest for a trace (training sets grow to
380,000 rows), each file with fingerprint and manifest as the workflow writes them. Needs about 1 GB of disk, and git and DVC for recording.
Prints a line a figure. Files are read once before anything is timed, so that both sides find them in memory.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from heirloom.artefacts import kinds
from heirloom.artefacts.files import replacing
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.artefacts.manifest import Input, seal
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table
from heirloom.lineage import verify
from heirloom.runtime.streams import Stream

WIDTH = 64
KEY = ("text", "accumulate", 0)


def main() -> None:
    """Build the project, and time both tools beside what they are measured against."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=38_000, help="rows of a generation")
    parser.add_argument("--generations", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        build(given.rows, given.generations)
        record()
        files = [path for path in Path("data").rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
        in_turn = best(lambda: one_after_the_other(files))
        whole = best(lambda: all_right(fast=False))
        fast = best(lambda: all_right(fast=True))
        print(f"{len(files)} files, {size:.0f} MB; wall seconds, least of three, and CPU seconds of commands")
        print(f"sha256 and md5 in turn, one thread   {in_turn:6.2f} s  {size / in_turn:5.0f} MB/s")
        print(f"heirloom verify, in process          {whole:6.2f} s  {size / whole:5.0f} MB/s  ratio {in_turn / whole:.2f} (bar: 0.60)")
        print(f"heirloom verify --fast, in process   {fast:6.2f} s  {size / fast:5.0f} MB/s")
        row = f"{'/'.join(map(str, KEY))}/{given.generations}#17"
        for arguments, bar in ((("trace", row), " (bar: 2)"), (("trace", row.partition("#")[0]), ""), (("--help",), "")):
            before = cpu()
            wall = best(lambda arguments=arguments: command(*arguments))
            print(f"heirloom {' '.join(arguments)}, as a command: {wall:.2f} s, {(cpu() - before) / 3:.2f} CPU-s{bar}")


def build(rows: int, generations: int) -> None:
    """Write real rows and an accumulating lineage: every training set is a real set and all synthetic ones since."""
    stream = Stream(("benchmark",))
    pool, original = kinds.REAL_TRAIN.path("text"), kinds.TRAIN.path(*KEY, 0)
    real = table(stream, rows, 0)
    write(pool, Dataset.of(real), {}, "real")
    write(original, Dataset.of(real), {"pool": [pool]}, "mix")
    checkpoint(0, original)
    parts = [Dataset.of(real)]
    for generation in range(1, generations + 1):
        parent = kinds.CHECKPOINT.path(*KEY, generation - 1)
        synthetic, train = (kind.path(*KEY, generation) for kind in (kinds.SYNTHETIC, kinds.TRAIN))
        writer = Dataset.open(kinds.TRAIN.path(*KEY, generation - 1)).tally.writer(recorded_sha256(parent))
        fresh = table(stream, rows, generation, writer)
        write(synthetic, Dataset.of(fresh), {"checkpoint": [parent], "prompts": [original]}, "sample")
        parts.append(Dataset.open(synthetic))
        written = [kinds.SYNTHETIC.path(*KEY, number) for number in range(1, generation + 1)]
        joined = Dataset([piece for part in parts for piece in part.pieces])
        write(train, joined, {"pool": [pool], "original": [original], "synthetic": written}, "mix")
        checkpoint(generation, train)


def table(stream: Stream, rows: int, born: int, writer: object = None) -> pa.Table:
    """Return rows of random tokens with a text of ordinary length."""
    generator = stream.child(born).generator()
    tokens = generator.integers(0, 2048, (rows, WIDTH), dtype=np.int32)
    text = [" ".join(map(str, line)) for line in tokens[:, ::2]]
    parents = np.sort(generator.integers(0, rows, rows)).tolist()
    return text_table(tokens, text, first_row=0, born=born, parent=parents if writer else None, writer=writer)  # type: ignore[arg-type]


def checkpoint(generation: int, train: str) -> None:
    """Write a stand-in for a checkpoint of 20 MB."""
    path = kinds.CHECKPOINT.path(*KEY, generation)
    with replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "model.safetensors").write_bytes(Stream(("weights", generation)).generator().bytes(20_000_000))
    told(path, {"train": [train]}, "train")


def write(path: str, rows: Dataset, inputs: dict[str, list[str]], step: str) -> None:
    """Write a dataset and say what it was made from."""
    rows.write(path)
    told(path, inputs, step)


def told(path: str, inputs: dict[str, list[str]], step: str) -> None:
    """Write an artefact's fingerprint and manifest, given the paths of its inputs by role."""
    edges = [Input(role, name, recorded_sha256(name)) for role, names in inputs.items() for name in names]
    seal([path], {"slice": {"step": step, "source": {"name": "made"}}, "inputs": edges, "environment": {}})


def record() -> None:
    """Give everything to DVC."""
    for line in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(line, check=True)
    lineages = sorted(str(path) for pattern in ("data/*/*/seed=*", "data/*/real") for path in Path().glob(pattern))
    subprocess.run([sys.executable, "-m", "dvc", "add", "-q", *lineages], check=True, stdout=subprocess.DEVNULL)


def one_after_the_other(files: list[Path]) -> None:
    """Read every file twice, once for each digest."""
    for path in files:
        for name in ("sha256", "md5"):
            with path.open("rb") as file:
                hashlib.file_digest(file, name)


def all_right(*, fast: bool) -> None:
    """Verify everything, and see that nothing is found wrong."""
    assert not [mismatch for unit in verify.verify(fast=fast) for mismatch in unit.mismatches]


def command(*arguments: str) -> None:
    """Run a command of Heirloom's, from its start to its end."""
    subprocess.run([sys.executable, "-m", "heirloom", *arguments], check=True, stdout=subprocess.DEVNULL)


def cpu() -> float:
    """Return the CPU seconds of all commands so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def best(work: Callable[[], None], times: int = 3) -> float:
    """Return the least seconds that a piece of work took."""
    return min(_seconds(work) for _ in range(times))


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
