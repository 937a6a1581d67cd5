"""Processes that work on one step together, started by ``torchrun``: who am I, of how many, and sums over all of us.

One process is the plain case of many: it is rank 0 of 1, its sums are what it has, and it never waits. Processes find one another by
the environment that ``torchrun`` sets, on one machine or several.
"""

from __future__ import annotations

import os
import socket
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
        for sent in [group.all_reduce(tensor, async_op=True) for tensor in tensors]:  # one wait for all, not one for each
            sent.wait()


def wait_for_all() -> None:
    """Return when every process has come this far."""
    if count() > 1:
        _joined().barrier()


def launch(num_processes: int, num_nodes: int = 1, num_threads: int = 1) -> None:
    """Become ``torchrun`` with this very command, unless one process is enough or the command runs under ``torchrun`` already.

    Parameters
    ----------
    num_nodes
        Machines that the processes are spread over, where Slurm has given this job so many; elsewhere all run here, to the same bytes.
    num_threads
        Threads of a process.

    Raises
    ------
    HeirloomError
        If it runs under a ``torchrun`` of another number of processes.
    """
    if "RANK" in os.environ and count() != num_processes:
        raise HeirloomError(f"torchrun has started {count()} processes, but num_processes is {num_processes}")
    if num_processes == 1 or "RANK" in os.environ:
        return
    here = num_processes
    starter, meeting = [sys.executable], ["--standalone"]
    if num_nodes > 1 and (job := os.environ.get("SLURM_JOB_ID")):
        here = num_processes // num_nodes
        starter = [*_srun(num_nodes, here * num_threads), *starter]
        meeting = [
            f"--nnodes={num_nodes}",
            "--rdzv-backend=c10d",
            f"--rdzv-endpoint={socket.gethostname()}:{_free_port()}",
            f"--rdzv-id={job}",
        ]
    torchrun = ["-m", "heirloom.torchrun", *meeting, f"--nproc-per-node={here}", "-m", "--", "heirloom"]
    os.execvp(starter[0], [*starter, *torchrun, *sys.argv[1:]])  # noqa: S606


def _srun(num_nodes: int, num_cpus: int) -> list[str]:
    """Return what starts a command once on each machine of this job; if one ends badly, so do the others."""
    return [
        "srun",
        f"--nodes={num_nodes}",
        f"--ntasks={num_nodes}",
        "--ntasks-per-node=1",
        f"--cpus-per-task={num_cpus}",
        "--kill-on-bad-exit=1",
    ]


def _free_port() -> int:
    """Return a port of this machine on which the processes can meet."""
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])


def _joined() -> ModuleType:
    import torch
    import torch.distributed as group

    if not group.is_initialized():  # each tensor travels by the way of the device that it lives on
        group.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    return group
