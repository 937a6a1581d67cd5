"""Processes that work on one step together, started by ``torchrun``: who am I, of how many, and sums over all of us.

One process is the plain case of many: it is rank 0 of 1, its sums are what it has, and it never waits. Processes find one another by
the environment that ``torchrun`` sets, on one machine or several.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    from torch import Tensor


def rank() -> int:
    """Return the number of this process, from 0."""
    return int(os.environ.get("RANK", "0"))


def count() -> int:
    """Return how many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def share(items: int) -> slice:
    """Return this process's part of a number of items: parts follow one another and differ by one at most in length."""
    return slice(rank() * items // count(), (rank() + 1) * items // count())


def add_up(tensors: list[Tensor]) -> None:
    """Replace each tensor by its sum over all processes, the same bytes in each."""
    if count() > 1:
        group = _joined()
        for tensor in tensors:
            group.all_reduce(tensor)


def wait_for_all() -> None:
    """Return when every process has come this far."""
    if count() > 1:
        _joined().barrier()


def launch(num_processes: int) -> None:
    """Become ``torchrun`` with this very command, unless one process is enough or the command runs under ``torchrun`` already.

    Raises
    ------
    HeirloomError
        If it runs under a ``torchrun`` of another number of processes.
    """
    if "RANK" in os.environ and count() != num_processes:
        raise HeirloomError(f"torchrun has started {count()} processes, but num_processes is {num_processes}")
    if num_processes > 1 and "RANK" not in os.environ:
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={num_processes}", "-m", "heirloom"]
        os.execv(sys.executable, [sys.executable, *torchrun, *sys.argv[1:]])  # noqa: S606


def _joined() -> ModuleType:
    import torch.distributed as group

    if not group.is_initialized():
        group.init_process_group("gloo")
    return group
