"""Time and memory of `heirloom diff` as datasets grow: ``python benchmarks/diff.py [--vectors] [--against SRC] [rows …]`` prints a table.

``--against SRC`` measures another version's ``src`` in turns, ``--vectors`` compares rows of two numbers. Of three runs of each command the
one with the fewest CPU seconds counts, because others use the machine, too. Each size is two Parquet files of 64 tokens and 40 words a row,
Zipf-distributed over 30,000 types, half of the rows shared.
Every comparison is a process of its own, so that start-up counts and the peak is its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from measured import measured

from heirloom.runtime.streams import Stream

SIZES = (38_000, 250_000, 1_000_000)
TOKENS, WORDS, TYPES, BATCH = 64, 40, 30_000, 8192
RUNS = 3
HELP = "rows\tMB of a side\tcommand\tCPU seconds\tpeak MB"


def main() -> None:
    """Print one line a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", action="store_true")
    parser.add_argument("--against")
    parser.add_argument("rows", nargs="*", type=int, default=SIZES)
    asked = parser.parse_args()
    print(HELP)
    for rows in asked.rows:
        with tempfile.TemporaryDirectory() as folder:
            a, b = Path(folder, "a.parquet"), Path(folder, "b.parquet")
            write(a, vectors(rows, "a") if asked.vectors else batches(rows, "a"))
            write(b, vectors(rows, "b") if asked.vectors else batches(rows, "b"))
            whole, counts = ("diff", str(a), str(b), "--format", "json"), ("diff", str(a), str(b), "--counts")
            commands = {"whole": (whole, ""), "counts": (counts, "")}
            if asked.against:
                commands["whole, the other version"] = (whole, asked.against)
            runs = [(name, measure(*command)) for _ in range(RUNS) for name, command in commands.items()]
            for name in commands:
                seconds, memory = min(figures for one, figures in runs if one == name)
                print(rows, a.stat().st_size // 1_000_000, name, f"{seconds:.2f}", f"{memory:.0f}", sep="\t", flush=True)


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


def measure(arguments: tuple[str, ...], source: str) -> tuple[float, float]:
    """Return CPU seconds and peak memory in MB of one command, of another version if its source is given."""
    usage = measured([sys.executable, "-m", "heirloom", *arguments], variables={"PYTHONPATH": source} if source else {})
    if usage.status != 1:
        raise SystemExit(f"heirloom {' '.join(arguments)}: exit status {usage.status}")
    return usage.seconds, usage.memory


if __name__ == "__main__":
    main()
