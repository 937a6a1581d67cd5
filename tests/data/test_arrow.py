"""Between numpy or Python and Arrow."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heirloom.data.arrow import column, numbers, strings


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64, np.float32, np.float64])
def test_numbers_become_a_column_and_come_back_as_they_were(kind: type[np.number[Any]]) -> None:
    values = np.array([3, 1, 2], kind)
    array = column(values)
    assert array.equals(pa.array([3, 1, 2], array.type))
    assert numbers(array).dtype == kind
    assert numbers(array).tolist() == [3, 1, 2]
    assert numbers(array[1:]).tolist() == [1, 2]


def test_every_second_number_becomes_a_column_of_its_own() -> None:
    assert column(np.arange(6)[::2]).to_pylist() == [0, 2, 4]


def test_chunks_come_back_as_one_array_of_the_same_type() -> None:
    chunks = pa.chunked_array([pa.array([1, 2], pa.int32()), pa.array([3], pa.int32())])
    assert numbers(chunks).tolist() == [1, 2, 3]
    assert numbers(chunks).dtype == np.int32
    assert numbers(pa.chunked_array([], pa.int32())).dtype == np.int32


def test_texts_become_a_column() -> None:
    assert strings(["", "Ω and 雪", "\x00"]).equals(pa.array(["", "Ω and 雪", "\x00"]))
    assert strings([]).equals(pa.array([], pa.string()))


def test_a_missing_number_is_refused() -> None:
    with pytest.warns(DeprecationWarning, match="DLPack"), pytest.raises(pa.ArrowTypeError, match="no nulls"):
        numbers(pa.array([1, None]))


def test_a_step_that_trains_on_rows_and_writes_rows_imports_neither_pandas_nor_a_compiler() -> None:
    code = """
import sys
import numpy as np
from heirloom.data.dataset import Dataset
from heirloom.families import transformer
from heirloom.data.rows import text_table
from heirloom.runtime.streams import Stream

tokens = np.arange(32, dtype=np.int32).reshape(4, 8)
rows = Dataset.of(text_table(tokens, list("abcd"), first_row=0, parent=[4, 5, 6, 7]))
assert rows.tally.counts.sum() == 4
fit = transformer.Fit.model_validate({
    "architecture": {"hidden_size": 8, "num_layers": 1, "num_heads": 2, "intermediate_size": 16},
    "vocab_size": 32, "context_tokens": 8, "start": "scratch", "weight_decay": 0.0, "warmup_share": 0.0, "clip_norm": 1.0,
    "schedule": {"epochs": 1, "learning_rate": 1e-3, "batch_rows": 2},
})
transformer.train(rows, fit, None, Stream((0, "order")))
print(sorted({"pandas", "sympy", "torch._dynamo", "torch._inductor"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert done.stdout.strip() == "[]"
