"""False alarms of the whole `heirloom.diff` on small files of one law: ``python benchmarks/diff_alarms.py 200``.

`diff_calibration.py` measures the tests alone; here rows are matched, sampled and keyed as a user's are.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent))

import diff_laws

import heirloom
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.runtime.streams import Stream

Pair = tuple[pa.Table, pa.Table]


def texts(generator: np.random.Generator, rows: int) -> list[str]:
    """Return rows of 12 words by Zipf's law."""
    drawn = generator.zipf(1.5, (rows, 12)) % 400
    return [" ".join(f"w{chr(97 + word // 26)}{chr(97 + word % 26)}" for word in row) for row in drawn.tolist()]


def free_text(generator: np.random.Generator) -> Pair:
    """Return two texts that share nothing."""
    return pa.table({"text": texts(generator, 60)}), pa.table({"text": texts(generator, 60)})


def shared_text(generator: np.random.Generator) -> Pair:
    """Return two texts of 150 rows that share half, of which the tests see 100."""
    same = texts(generator, 75)
    return pa.table({"text": same + texts(generator, 75)}), pa.table({"text": same + texts(generator, 75)})


def grown_text(generator: np.random.Generator) -> Pair:
    """Return answers to 60 prompts, and the same with a second answer to each."""
    old, prompts = texts(generator, 60), list(range(60))
    return pa.table({"text": old, "parent": prompts}), pa.table({"text": old + texts(generator, 60), "parent": prompts * 2})


def replicas(generator: np.random.Generator) -> Pair:
    """Return twice 40 replicas of 5 numbers, each around a mean of its own."""
    a, b = (generator.standard_normal((40, 5, 1)) + generator.standard_normal((40, 1, 1)) for _ in "ab")
    return vector_table(a), vector_table(b)


def grown_replicas(generator: np.random.Generator) -> Pair:
    """Return 40 replicas of 5 numbers, and the same with 5 more each."""
    x = generator.standard_normal((40, 10, 1)) + generator.standard_normal((40, 1, 1))
    return vector_table(x[:, :5]), vector_table(x)


CASES: dict[str, tuple[Callable[[np.random.Generator], Any], int]] = {
    "text": (free_text, 10_000),
    "text, half shared, a sample": (shared_text, 100),
    "text that only grew": (grown_text, 10_000),
    "vectors of replicas": (replicas, 10_000),
    "vectors of replicas that only grew": (grown_replicas, 10_000),
}


def main(pairs: int) -> None:
    """Print a row for each case."""
    for name, (draw, sample) in CASES.items():
        alarms = 0
        for pair in range(pairs):
            with tempfile.TemporaryDirectory() as folder:
                files = Path(folder, "a.parquet"), Path(folder, "b.parquet")
                for file, table in zip(files, draw(Stream((name, pair)).generator()), strict=True):
                    if name.startswith("text"):
                        pq.write_table(table, file)
                    else:
                        Dataset.of(table).write(file)
                found = heirloom.diff(*files, seed=pair, sample=sample, max_examples=0)
            alarms += found.verdict.answer in diff_laws.SHIFTED
        low, high = diff_laws.binom_interval(alarms, pairs)
        print(f"| {name} | {alarms} of {pairs} | {100 * low:.0f} to {100 * high:.0f} % |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
