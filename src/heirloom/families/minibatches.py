"""What training loops over torch share: rows at random access, the order they are read in, kernels that repeat."""

from __future__ import annotations

import logging
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from heirloom.data.dataset import Dataset
from heirloom.runtime import meter, processes
from heirloom.runtime.streams import Stream

log = logging.getLogger(__name__)

SAVE_SECONDS = "HEIRLOOM_SAVE_SECONDS"
"""Environment variable: seconds between two saves of a training (`meter.timer`). A fact of the machine: it changes no result."""


@contextmanager
def saving(state: Path | None, save: Callable[[Path], None], together: bool = False) -> Iterator[Callable[[], None]]:
    """Yield a function to be called after each step: now and then it saves what has been done in the folder ``state``, if there is one.

    The first process alone saves, unless each holds a part of what is saved: then all save ``together`` when the first wants it.

    A scheduler whose time is up, or that wants its machine back, sends SIGTERM some seconds before it kills: the step in hand is ended,
    saved, and the process exits with status 143. Processes other than the first leave it to that one, which needs them for its step.
    """
    is_due = meter.timer(SAVE_SECONDS)
    stop_request = threading.Event()

    def step_done() -> None:
        if state is None:  # nothing to save, and so no reason to outlive a SIGTERM
            return
        is_wanted = processes.rank() == 0 and (stop_request.is_set() or is_due())
        if not (processes.is_any(is_wanted) if together else is_wanted):
            return
        save(state)
        if stop_request.is_set() and processes.rank() == 0:
            log.info("asked to stop: what is done so far is saved")
            raise SystemExit(128 + signal.SIGTERM)

    if state is None:
        yield step_done
        return
    previous_handler = signal.signal(signal.SIGTERM, lambda *_: stop_request.set())
    try:
        yield step_done
    finally:
        signal.signal(signal.SIGTERM, previous_handler)


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
        yield from one_epoch(num_rows, epoch, batch_rows, stream)


def one_epoch(num_rows: int, epoch: int, batch_rows: int, stream: Stream) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each step of one epoch, as `batches` does."""
    order = stream.child("order", epoch).generator().permutation(num_rows)
    for start in range(0, num_rows, batch_rows):
        yield order[start : start + batch_rows]


def use_deterministic_kernels() -> None:
    """Make torch use kernels that give equal bytes for equal inputs, at one thread count."""
    import torch

    torch.set_deterministic_debug_mode("error")  # as use_deterministic_algorithms(True), which imports a compiler: two seconds in every job
    # Nothing here reads memory before it is written, and filling it would cost a tenth of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
