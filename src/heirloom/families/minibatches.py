"""What training loops over torch share: rows at random access, the order they are read in, kernels that repeat, when to save."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from heirloom.dataset import Dataset
from heirloom.streams import Stream

SAVE_SECONDS = "HEIRLOOM_SAVE_SECONDS"
"""Environment variable: seconds between two saves of a training, 60 by default. A fact of the machine: it changes no result."""


def pace() -> Callable[[], bool]:
    """Return a function that says, after each step, whether it is time to save what has been done."""
    seconds, last = float(os.environ.get(SAVE_SECONDS, "60")), time.monotonic()

    def due() -> bool:
        nonlocal last
        if time.monotonic() - last < seconds:
            return False
        last = time.monotonic()
        return True

    return due


@contextmanager
def memory_mapped(rows: Dataset, column: str, dtype: DTypeLike) -> Iterator[NDArray[Any]]:
    """Yield a list column as an array of shape (N, W) in a temporary file: random access without holding the rows."""
    with tempfile.TemporaryFile() as file:
        width = 0
        for values_BW in rows.matrices(column):
            width = values_BW.shape[1]
            file.write(np.ascontiguousarray(values_BW, dtype=dtype).tobytes())
        file.flush()
        yield np.memmap(file, dtype=dtype, mode="r", shape=(rows.num_rows, width))


def batches(num_rows: int, epochs: int, batch_rows: int, stream: Stream) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each step; epoch e reads them in the order of a permutation drawn from ``stream.child("order", e)``.

    The last step of an epoch takes what is left.
    """
    for epoch in range(epochs):
        permuted = stream.child("order", epoch).generator().permutation(num_rows)
        for start in range(0, num_rows, batch_rows):
            yield permuted[start : start + batch_rows]


def use_deterministic_kernels() -> None:
    """Make torch use kernels that give equal bytes for equal inputs, at one thread count."""
    import torch

    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory before it is written, and filling it would cost a tenth of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
