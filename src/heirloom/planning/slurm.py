"""What a job asks for, in the words of Snakemake's executor plugin for Slurm.

A job on several machines is one Slurm job. Its command runs on the first of them, and starts itself on all with ``srun``
(`processes.launch`).
"""

from __future__ import annotations

from heirloom.planning.estimate import Request

GROUP_SECONDS = "HEIRLOOM_GROUP_SECONDS"
"""Environment variable: a lineage that takes less is one job of a cluster, where every job costs seconds of start-up and of waiting."""
RESOURCES = ("mem_mb", "runtime", "nodes", "tasks", "mpi", "tasks_per_gpu", "slurm_extra", "gres")
"""Every resource that a rule may ask for."""


def resources(request: Request) -> dict[str, int | str]:
    """Return the resources of a job: some of `RESOURCES`, with their values."""
    values: dict[str, int | str] = {"mem_mb": request.mem_mb, "runtime": request.runtime}
    if request.nodes > 1:
        values |= {"nodes": request.nodes, "tasks": request.nodes, "mpi": "srun"}
        values |= {"tasks_per_gpu": 0, "slurm_extra": "--ntasks-per-node=1"}
    if request.gpus:
        values["gres"] = f"gpu:{request.gpus}"
    return values
