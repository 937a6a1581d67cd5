"""Processes that work on one step together, started by ``torchrun``: who am I, of how many, and sums over all of us.

One process is the plain case of many: it is rank 0 of 1, its sums are what it has, and it never waits. Processes find one another by
the environment that ``torchrun`` sets, on one machine or several.

Launchers leave the same variables in shells, containers and Slurm jobs that have nothing to do with this one. So they count only beside
`LAUNCHED`, which `launch` sets, and this module alone reads them.
"""

from __future__ import annotations

import os
import socket
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


LAUNCHED = "HEIRLOOM_MACHINES"
"""Environment variable: on how many machines `launch` has started the processes that this one is of."""

_LAUNCHER_VARIABLES = (
    "RANK",
    "WORLD_SIZE",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "GROUP_RANK",
    "NODE_RANK",
    "MASTER_ADDR",
    "MASTER_PORT",
    "MPI_LOCALRANKID",
)
_LAUNCHER_PREFIXES = ("PET_", "TORCHELASTIC_", "ROLE_", "GROUP_WORLD_", "OMPI_", "PMI_", "PMIX_", "MV2_COMM_")


def is_launched() -> bool:
    """Return whether `launch` has started this process, as one of several."""
    return LAUNCHED in os.environ


def rank() -> int:
    """Return the number of this process, from 0."""
    return int(os.environ["RANK"]) if is_launched() else 0


def local_rank() -> int:
    """Return the number of this process among those of its machine, from 0."""
    return int(os.environ.get("LOCAL_RANK", "0")) if is_launched() else 0


def count() -> int:
    """Return how many processes there are."""
    return int(os.environ["WORLD_SIZE"]) if is_launched() else 1


def machine() -> int:
    """Return the number of this machine among those that `launch` has started processes on, from 0."""
    return int(os.environ.get("SLURM_NODEID", "0")) if int(os.environ.get(LAUNCHED, "1")) > 1 else 0


def forget_foreign_launchers() -> None:
    """Remove what other launchers have left in the environment, which libraries would take for ours."""
    if is_launched():
        return
    for name in list(os.environ):
        if name in _LAUNCHER_VARIABLES or name.startswith(_LAUNCHER_PREFIXES):
            del os.environ[name]


def share(items: int) -> slice:
    """Return this process's part of a number of items: parts follow one another and differ by one at most in length."""
    return slice(rank() * items // count(), (rank() + 1) * items // count())


def add_up(tensors: list[Tensor]) -> None:
    """Replace each tensor by its sum over all processes, the same bytes in each."""
    if count() > 1:
        group = _process_group()
        reductions = [group.all_reduce(tensor, async_op=True) for tensor in tensors]
        for reduction in reductions:  # one wait for all, not one for each
            reduction.wait()


def is_any(is_here: bool) -> bool:
    """Return whether something holds in any of the processes, the same answer in each."""
    if count() == 1:
        return is_here
    import torch

    places = torch.tensor([float(is_here)])
    add_up([places])
    return bool(places)


def wait_for_all() -> None:
    """Return when every process has come this far."""
    if count() > 1:
        _process_group().barrier()


def leave() -> None:
    """Close the connections to the other processes, once all have come this far.

    A process that ends with open connections may be aborted by gloo: it closes them while its threads still wait on those of a process
    that has ended already.
    """
    if not is_launched():
        return
    import torch.distributed as group

    if group.is_initialized():
        group.barrier()
        group.destroy_process_group()


def launch(num_processes: int, num_nodes: int = 1, num_threads: int = 1) -> None:
    """Become ``torchrun`` with this very command, unless one process is enough or the command runs under it already.

    Parameters
    ----------
    num_nodes
        Machines of this Slurm job that the processes are spread over. Without a Slurm job all run here, to the same bytes. The rules
        give 1 where Snakemake runs jobs on its own machine: a Slurm job that Snakemake itself was started in is not this job.
    num_threads
        Threads of a process.
    """
    if num_processes == 1 or is_launched():
        return
    num_local = num_processes
    starter, meeting = [sys.executable], ["--standalone"]
    job = os.environ.get("SLURM_JOB_ID")
    if num_nodes > 1 and job:
        num_local = num_processes // num_nodes
        starter = [*_srun(num_nodes, num_local * num_threads), *starter]
        meeting = [
            f"--nnodes={num_nodes}",
            "--rdzv-backend=c10d",
            f"--rdzv-endpoint={socket.gethostname()}:{_free_port()}",
            f"--rdzv-id={job}",
        ]
    torchrun = ["-m", "heirloom.torchrun", *meeting, f"--nproc-per-node={num_local}", "-m", "--", "heirloom"]
    os.environ[LAUNCHED] = str(num_processes // num_local)
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
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def _process_group() -> ModuleType:
    import torch
    import torch.distributed as group

    if not group.is_initialized():  # each tensor travels by the way of the device that it lives on
        group.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    return group
