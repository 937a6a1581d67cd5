"""Whether two sets of rows seem drawn from one law: for jobs whose manifests say that they repeat in distribution, not in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heirloom.runtime.streams import Stream
from heirloom.stats.permutation import TestResult
from heirloom.stats.samples import TextSample, VectorSample
from heirloom.stats.step_down import adjusted_p
from heirloom.stats.text_tests import text_tests
from heirloom.stats.vector_tests import vector_tests

LEVEL = 0.001
"""How often a job that repeats in distribution is said to have another one, at most."""
_NUM_PERMUTATIONS = 1999
"""The smallest p is then half of `LEVEL`."""


def difference(first: Path, second: Path) -> str:
    """Return in what two Parquet files of rows differ beyond chance, in a few words; empty if no test finds anything.

    The n-th row of one is the counterpart of the n-th row of the other: both continue the same prompt, or belong to the same replica. So
    these trade places in the tests, which are corrected for their number (`stats.step_down`).
    """
    one, other = pq.read_table(first), pq.read_table(second)
    if one.column_names != other.column_names or one.num_rows != other.num_rows:
        return f"{one.num_rows} rows of {_names(one)}, redone {other.num_rows} of {_names(other)}"
    results = _tests(one, other)
    if not results:
        return f"no column of {_names(one)} can be tested"
    adjusted = adjusted_p(results).tolist()
    chances = {result.name: chance for result, chance in zip(results, adjusted, strict=True) if chance <= LEVEL}
    return ", ".join(f"{name} (p {chance:.2g})" for name, chance in chances.items())


def _tests(one: pa.Table, other: pa.Table) -> Sequence[TestResult]:
    stream = Stream(("audit", "laws"))
    if "tokens" in one.column_names:
        return text_tests(_text(one), _text(other), stream, _NUM_PERMUTATIONS).results
    if "x" in one.column_names:
        return vector_tests(_vectors(one), _vectors(other), stream, _NUM_PERMUTATIONS)
    return ()


def _text(rows: pa.Table) -> TextSample:
    tokens = rows["tokens"].combine_chunks()
    lengths = pc.list_value_length(tokens).to_numpy(zero_copy_only=False).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    features = {"row length": lengths.astype(np.float64)}
    return TextSample(tokens.flatten().to_numpy(zero_copy_only=False), offsets, np.arange(rows.num_rows), features=features)


def _vectors(rows: pa.Table) -> VectorSample:
    x = np.array(rows["x"].to_pylist(), np.float64)
    return VectorSample(x.reshape(rows.num_rows, -1), np.arange(rows.num_rows))


def _names(rows: pa.Table) -> str:
    return ", ".join(rows.column_names)
