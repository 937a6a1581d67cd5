"""Time and memory of `heirloom diff` as datasets grow: ``python benchmarks/diff.py [rows …]`` prints a table.

Each size is two Parquet files of 64 tokens and 40 words a row, Zipf-distributed over 30,000 types, half of the rows shared.
Every comparison is a process of its own, so that start-up counts and the peak is its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heirloom.runtime.streams import Stream

SIZES = (38_000, 250_000, 1_000_000)
TOKENS, WORDS, TYPES, BATCH = 64, 40, 30_000, 8192
HELP = "rows\tMB of a side\tseconds\tCPU seconds\tpeak MB"


def main() -> None:
    """Print one line a size."""
    print(HELP)
    for rows in [int(one) for one in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            a, b = Path(folder, "a.parquet"), Path(folder, "b.parquet")
            write(a, rows, "a")
            write(b, rows, "b")
            print(rows, a.stat().st_size // 1_000_000, *measure("diff", str(a), str(b), "--format", "json"), sep="\t", flush=True)


def write(path: Path, rows: int, side: str) -> None:
    """Write a side; every other batch is the same on both sides."""
    made = batches(rows, side)
    first = next(made)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_batch(first)
        for batch in made:
            writer.write_batch(batch)


def batches(rows: int, side: str) -> Iterator[pa.RecordBatch]:
    """Yield batches of rows."""
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


def every(rows: int, width: int) -> pa.Array:
    """Return offsets of rows of one width."""
    return pa.array(np.arange(0, rows * width + 1, width, dtype=np.int32))


def spelled(number: int) -> str:
    """Return a number in letters."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def measure(*arguments: str) -> tuple[str, str, str]:
    """Return seconds, CPU seconds and peak memory in MB of one command."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "heirloom", *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 1:
        raise SystemExit(f"heirloom {' '.join(arguments)}: exit status {child.returncode}")
    return f"{time.perf_counter() - began:.1f}", f"{used.ru_utime + used.ru_stime:.1f}", f"{used.ru_maxrss / 1000:.0f}"


if __name__ == "__main__":
    main()
