"""Where models live: one device a process, chosen by the config or found, the same for every engine.

The choice comes by the environment, as the number of threads does, because it belongs to a process and not to a model: `cli.steps` sets it
from the step's slice. Processes that ``torchrun`` starts on one machine take one GPU each.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from heirloom.errors import HeirloomError
from heirloom.runtime import processes

if TYPE_CHECKING:
    import torch

Choice = Literal["auto", "cpu", "cuda"]

VARIABLE = "HEIRLOOM_DEVICE"
"""Environment variable: the device of this process's models, as in the config."""
GPU_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/kfd"))
"""One of these is there where a process can reach a GPU."""


def current() -> torch.device:
    """Return where this process's models live, and make it torch's current device.

    Raises
    ------
    HeirloomError
        As `pick` does.
    """
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it, cuBLAS refuses to repeat itself
    choice = os.environ.get(VARIABLE, "auto")
    num_gpus = 0 if choice == "cpu" else torch.cuda.device_count()
    gpu = pick(choice, num_gpus, processes.local_rank())
    if gpu is None:
        return torch.device("cpu")
    torch.cuda.set_device(gpu)
    torch.set_float32_matmul_precision("highest")  # the default, unless a container's environment says otherwise
    return torch.device("cuda", gpu)


def pick(choice: str, num_gpus: int, local_rank: int) -> int | None:
    """Return the number of a process's GPU, or None for the CPU.

    Parameters
    ----------
    choice
        ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
    num_gpus
        GPUs that this machine lets the process see.
    local_rank
        Number of the process among those of this machine, from 0.

    Raises
    ------
    HeirloomError
        If a GPU is asked for and there is none, or there are fewer than processes that share the job.
    """
    if choice == "cpu" or (choice == "auto" and not num_gpus):
        return None
    if not num_gpus:
        raise HeirloomError("device is cuda, but torch sees no GPU here: allowed are auto and cpu")
    if local_rank >= num_gpus:
        raise HeirloomError(
            f"process {local_rank} of this machine has no GPU of its own, torch sees {num_gpus}: "
            "num_gpus must be at least num_processes / num_nodes, or device: cpu"
        )
    return local_rank
