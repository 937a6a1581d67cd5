"""A population's jobs by hand, in one process and without Snakemake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.steps import real
from heirloom.workflow.jobs import jobs
from heirloom.workflow.steps import STEPS


def run(config: Config) -> None:
    """Do every job of a config in this process, a job when all that it takes is there."""
    waiting = list(jobs(config))
    while waiting:
        later = []
        for job in waiting:
            step = STEPS[job.step]
            inputs = step.inputs(config, job.key)
            if not all(Path(path).exists() for role_paths in inputs.values() for path in role_paths):
                later.append(job)
                continue
            outputs = {role: kind.at(job.key) for role, kind in step.makes.items()}
            membership = config.experiments[job.experiment].membership
            if step.joins_members and membership:
                if job.experiment != membership.experiments[0]:
                    continue  # made by the job of the first member
                members = [job.key._replace(experiment=name) for name in membership.experiments]
                outputs = {"trajectory": " ".join(map(kinds.TRAJECTORY.at, members))}
            slice_: Any = step.slice(config, job.key)
            if job.step == "real":
                real.run_vectors(slice_, {role: outputs[role] for role in ("train", "test")})
            else:
                step.load().run(slice_, {role: " ".join(role_paths) for role, role_paths in inputs.items()}, outputs)
        assert len(later) < len(waiting), f"nothing can be done of {later}"
        waiting = later
