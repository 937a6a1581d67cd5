"""`heirloom diff` beside its peers on six pairs of tables: what each says, its CPU seconds and its memory.

``python benchmarks/diff_peers.py PYTHON [pair …]``: PYTHON is the interpreter of an environment of its own with datacompy, daff,
duckdb, polars and pandas < 3.1 (``python -m venv peers; peers/bin/pip install polars duckdb datacompy daff "pandas<3.1" pyarrow``).
Every tool is a process of its own, start-up included. `dvc diff` runs in a repository of two commits.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measured import measured

from heirloom.runtime.streams import Stream

ROWS = 10_000
PLACES = ("office", "library", "school", "harbour", "market", "museum", "station", "garden")
Tables = tuple[pa.Table, pa.Table]

TOOLS: Mapping[str, str] = {
    "datacompy": """
import datacompy, pandas as pd
a, b = pd.read_parquet("a.parquet"), pd.read_parquet("b.parquet")
keys = ["id"] if "id" in a else list(a.columns)
found = datacompy.PandasCompare(a, b, join_columns=keys) if hasattr(datacompy, "PandasCompare") else datacompy.Compare(a, b, keys)
found.report()
pairs = found.intersect_rows
changed = int((~pairs.filter(like="_match").all(axis=1)).sum()) if len(pairs) and pairs.filter(like="_match").shape[1] else 0
answer = "same" if found.matches() else "differ"
print(f"{answer}: {len(found.df1_unq_rows)} only in A, {len(found.df2_unq_rows)} only in B, {changed} changed")
""",
    "daff": """
import daff, pandas as pd
from collections import Counter
sides = [pd.read_parquet(f"{side}.parquet") for side in "ab"]
tables = [daff.PythonTableView([list(side.columns), *side.astype(str).values.tolist()]) for side in sides]
flags = daff.CompareFlags()
if "id" in sides[0]: flags.ids = ["id"]
alignment = daff.Coopy.compareTables(*tables, flags).align()
output = []
daff.TableDiff(alignment, flags).hilite(daff.PythonTableView(output))
marks = {"->": "changed", "+++": "added", "---": "removed"}
print(dict(Counter(marks[row[0]] for row in output if row[0] in marks)))
""",
    "duckdb": """
import duckdb
duckdb.execute("set threads = 1")
count = "select count(*) from (select * from '{}.parquet' except all select * from '{}.parquet')"
print(*(f"{duckdb.sql(count.format(*pair)).fetchall()[0][0]} only in {pair[0].upper()}" for pair in ("ab", "ba")), sep=", ")
""",
    "polars": """
import polars as pl
a, b = pl.read_parquet("a.parquet"), pl.read_parquet("b.parquet")
keys = a.columns
left, right = (one.join(other, on=keys, how="anti", nulls_equal=True) for one, other in ((a, b), (b, a)))
print(f"{left.height} only in A, {right.height} only in B")
""",
}


def main() -> None:
    """Print one line a tool and pair."""
    peers, *names = sys.argv[1:]
    print("pair\ttool\tCPU seconds\tpeak MB\tsays")
    for name in names or PAIRS:
        with tempfile.TemporaryDirectory() as folder:
            a, b = PAIRS[name]()
            pq.write_table(a, Path(folder, "a.parquet"))
            pq.write_table(b, Path(folder, "b.parquet"))
            keys = ["--on", "id"] if "id" in a.column_names else []
            tolerance = ["--tolerance", "1e-6"] if name == "noise" else []
            heirloom = [sys.executable, "-m", "heirloom", "diff", "a.parquet", "b.parquet", *keys, *tolerance]
            commands = {"heirloom": heirloom, "heirloom --counts": [*heirloom[:6], "--counts"]}
            commands |= {tool: [peers, "-c", code] for tool, code in TOOLS.items()}
            for tool, command in commands.items():
                print(name, tool, *figures(command, folder), sep="\t", flush=True)
            print(name, "dvc diff", *dvc_diff(folder), sep="\t", flush=True)


def figures(command: list[str], folder: str) -> tuple[str, str, str]:
    """Return CPU seconds, peak memory in MB and the first lines of what a command prints."""
    usage = measured(command, folder, {"POLARS_MAX_THREADS": "1", "COLUMNS": "400"})
    lines = [line.strip() for line in usage.printed.splitlines() if line.strip()]
    shown = lines[1:3] if "heirloom" in command and "--counts" not in command else lines[-1:]
    return f"{usage.seconds:.2f}", f"{usage.memory:.0f}", " | ".join(shown)[:400]


def dvc_diff(folder: str) -> tuple[str, str, str]:
    """Return what `dvc diff` says of the two tables as two versions of one file."""
    repository = Path(folder, "repository")
    repository.mkdir()
    git = ["git", "-c", "user.name=n", "-c", "user.email=n@n"]
    dvc = [sys.executable, "-m", "dvc"]
    for command in (["git", "init", "-q"], [*dvc, "init", "-q"]):
        subprocess.run(command, cwd=repository, check=True, capture_output=True)
    for side in "ab":
        Path(repository, "data.parquet").unlink(missing_ok=True)
        Path(repository, "data.parquet").write_bytes(Path(folder, f"{side}.parquet").read_bytes())
        for command in ([*dvc, "add", "-q", "data.parquet"], ["git", "add", "-A"], [*git, "commit", "-qm", side]):
            subprocess.run(command, cwd=repository, check=True, capture_output=True)
    seconds, memory, _ = figures([*dvc, "diff", "HEAD~1"], str(repository))
    said = subprocess.run([*dvc, "diff", "HEAD~1"], cwd=repository, capture_output=True, text=True, check=True).stdout
    return seconds, memory, " | ".join(line.strip() for line in said.splitlines() if line.strip())[:200]


def cells() -> Tables:
    """Return 25 changed cells under a key, rows shuffled."""
    generator = Stream(("peers", "cells")).generator()
    a = pa.table({"id": np.arange(ROWS), "price": generator.random(ROWS), "label": generator.integers(0, 5, ROWS)})
    labels = a["label"].to_numpy().copy()
    labels[:25] += 1
    return a, a.set_column(2, "label", pa.array(labels)).take(pa.array(generator.permutation(ROWS)))


def shuffled() -> Tables:
    """Return the same rows in another order."""
    generator = Stream(("peers", "shuffled")).generator()
    a = pa.table({"text": texts(generator, ROWS), "label": generator.integers(0, 5, ROWS)})
    return a, a.take(pa.array(generator.permutation(ROWS)))


def edited() -> Tables:
    """Return 20 one-word edits among 500 rows of one template, 20 removed and 20 unrelated rows, shuffled."""
    generator = Stream(("peers", "edited")).generator()
    rows = [
        f"The Licence {n} lets every visitor of the {PLACES[n % 8]} read, copy and share this work in part {n % 7} at no cost."
        for n in range(500)
    ]
    words = [row.split() for row in rows[20:40]]
    for row in words:
        row[int(generator.integers(len(row)))] = "PLANTED"
    unrelated = [f"Sheep number {n} crossed quietly before dawn, unseen by any of us." for n in range(20)]
    after = [*rows[40:], *(" ".join(row) for row in words), *unrelated]
    return pa.table({"text": rows}), pa.table({"text": [after[n] for n in generator.permutation(len(after))]})


def types() -> Tables:
    """Return equal values in other types."""
    generator = Stream(("peers", "types")).generator()
    numbers = generator.integers(0, 100, ROWS)
    a = pa.table({"id": np.arange(ROWS), "n": pa.array(numbers, pa.int32()), "city": [PLACES[n % 8] for n in numbers.tolist()]})
    return a, a.set_column(1, "n", a["n"].cast(pa.float64())).set_column(2, "city", a["city"].dictionary_encode())


def noise() -> Tables:
    """Return numbers that differ by less than 1e-6, and ten that differ by more, under a key."""
    generator = Stream(("peers", "noise")).generator()
    values = generator.random(ROWS)
    changed = values + generator.uniform(-1e-9, 1e-9, ROWS)
    changed[:10] += 1
    return pa.table({"id": np.arange(ROWS), "x": values}), pa.table({"id": np.arange(ROWS), "x": changed})


def resampled() -> Tables:
    """Return two samples of one law of words: no row is equal, and nothing has shifted."""
    return tuple(pa.table({"text": texts(Stream(("peers", "law", side)).generator(), ROWS)}) for side in "ab")  # type: ignore[return-value]


def texts(generator: np.random.Generator, rows: int) -> list[str]:
    """Return rows of 12 words, Zipf-distributed."""
    drawn = np.minimum(generator.zipf(1.3, (rows, 12)), 5000).tolist()
    return [" ".join(f"w{spelled(n)}" for n in row) for row in drawn]


def spelled(number: int) -> str:
    """Return a number in letters."""
    return "".join(chr(97 + int(digit)) for digit in str(number))


PAIRS: Mapping[str, Callable[[], Tables]] = {
    "cells": cells,
    "shuffled": shuffled,
    "edited": edited,
    "types": types,
    "noise": noise,
    "resampled": resampled,
}

if __name__ == "__main__":
    main()
