"""Time and memory of `heirloom diff` as datasets grow: ``python benchmarks/diff.py [--vectors] [--against SRC …] [rows …]`` prints a table.

``--against SRC`` measures another version's ``src`` in turns (it may be given more than once), ``--peers PYTHON`` polars' anti-joins in an
environment that has it, ``--vectors`` compares rows of two numbers. Printed are medians of five runs of each command, after one that does
not count. Each size is two Parquet files of 64 tokens and 40 words a row, Zipf-distributed over 30,000 types, half of the rows shared.
Every comparison is a process of its own, so that start-up counts and the peak is its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from measured import measured

from heirloom.runtime.streams import Stream

SIZES = (38_000, 250_000, 1_000_000)
TOKENS, WORDS, TYPES, BATCH = 64, 40, 30_000, 8192
RUNS = 5
POLARS = """
import sys, polars as pl
a, b = (pl.read_parquet(f"{side}.parquet", columns=sys.argv[1:] or None) for side in "ab")
pairs = ((a, b), (b, a))
print([one.join(other, on=one.columns, how="anti", nulls_equal=True).height for one, other in pairs])
"""
HELP = "rows\tMB of a side\tcommand\tCPU seconds\tpeak MB"


def main() -> None:
    """Print one line a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", action="store_true")
    parser.add_argument("--against", action="append", default=[])
    parser.add_argument("--peers", help="a Python that has polars")
    parser.add_argument("rows", nargs="*", type=int, default=SIZES)
    asked = parser.parse_args()
    print(HELP)
    for rows in asked.rows:
        with tempfile.TemporaryDirectory() as folder:
            for side in "ab":
                write(Path(folder, f"{side}.parquet"), vectors(rows, side) if asked.vectors else batches(rows, side))
            megabytes = Path(folder, "a.parquet").stat().st_size // 1_000_000
            chosen = dict(commands(asked))
            turns = [(name, measure(command, folder)) for _ in range(RUNS + 1) for name, command in chosen.items()]
            for name in chosen:
                seconds, memory = np.median([figures for one, figures in turns if one == name][1:], axis=0)
                print(rows, megabytes, name, f"{seconds:.3f}", f"{memory:.0f}", sep="\t", flush=True)


class Command(NamedTuple):
    """A command, its environment variables beside the usual ones, and the exit status that it must have."""

    arguments: list[str]
    variables: dict[str, str]
    status: int


def commands(asked: argparse.Namespace) -> Iterator[tuple[str, Command]]:
    """Yield the commands to be measured, by name."""
    diff = [sys.executable, "-m", "heirloom", "diff", "a.parquet", "b.parquet"]
    whole, counts = [*diff, "--format", "json"], [*diff, "--counts"]
    yield "whole", Command(whole, {}, 1)
    for source in asked.against:
        yield f"whole, {source}", Command(whole, {"PYTHONPATH": source}, 1)
    yield "counts", Command(counts, {}, 1)
    if not asked.vectors:
        yield "counts of text", Command([*counts, "--ignore", "tokens,parent"], {}, 1)
    for column in ([], ["text"]) if asked.peers else ():
        yield " ".join(["polars", *column]), Command([asked.peers, "-c", POLARS, *column], {"POLARS_MAX_THREADS": "1"}, 0)


def write(path: Path, made: Iterator[pa.RecordBatch]) -> None:
    """Write a side."""
    first = next(made)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_batch(first)
        for batch in made:
            writer.write_batch(batch)


def batches(rows: int, side: str) -> Iterator[pa.RecordBatch]:
    """Yield batches of rows; every other batch is the same on both sides."""
    shares = 1 / np.arange(1, TYPES + 1)
    edges = np.cumsum(shares / shares.sum())
    words = pa.array([spelled(number) for number in range(TYPES)])
    for number, start in enumerate(range(0, rows, BATCH)):
        size = min(BATCH, rows - start)
        drawn = Stream((number, side if number % 2 else "both")).generator().random((size, TOKENS))
        ids = np.minimum(np.searchsorted(edges, drawn), TYPES - 1).astype(np.int32)
        spoken = pa.ListArray.from_arrays(every(size, WORDS), words.take(pa.array(ids[:, :WORDS].reshape(-1))))
        tokens = pa.ListArray.from_arrays(every(size, TOKENS), pa.array(ids.reshape(-1)))
        parent = pa.array(np.arange(start, start + size))
        yield pa.RecordBatch.from_arrays([tokens, pc.binary_join(spoken, " "), parent], ["tokens", "text", "parent"])


def vectors(rows: int, side: str) -> Iterator[pa.RecordBatch]:
    """Yield batches of rows of two numbers; every other batch is the same on both sides."""
    for number, start in enumerate(range(0, rows, BATCH)):
        size = min(BATCH, rows - start)
        drawn = Stream((number, side if number % 2 else "both")).generator().standard_normal(2 * size)
        yield pa.RecordBatch.from_arrays([pa.ListArray.from_arrays(every(size, 2), pa.array(drawn))], ["x"])


def every(rows: int, width: int) -> pa.Array:
    """Return offsets of rows of one width."""
    return pa.array(np.arange(0, rows * width + 1, width, dtype=np.int32))


def spelled(number: int) -> str:
    """Return a number in letters."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def measure(command: Command, folder: str) -> tuple[float, float]:
    """Return CPU seconds and peak memory in MB of one command that runs in a folder."""
    usage = measured(command.arguments, folder, command.variables)
    if usage.status != command.status:
        raise SystemExit(f"{' '.join(command.arguments)}: exit status {usage.status}: {usage.printed}")
    return usage.seconds, usage.memory


if __name__ == "__main__":
    main()
