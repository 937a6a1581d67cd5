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


def resources(asked: Request) -> dict[str, int | str]:
    """Return the resources of a job: some of `RESOURCES`, with their values."""
    found: dict[str, int | str] = {"mem_mb": asked.mem_mb, "runtime": asked.runtime}
    if asked.nodes > 1:
        found |= {"nodes": asked.nodes, "tasks": asked.nodes, "mpi": "srun", "tasks_per_gpu": 0, "slurm_extra": "--ntasks-per-node=1"}
    if asked.gpus:
        found |= {"gres": f"gpu:{asked.gpus}"}
    return found
