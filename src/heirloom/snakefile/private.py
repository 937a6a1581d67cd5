"""All that Heirloom uses of Snakemake and that Snakemake does not document, checked with 9.27.

What a run needs is refused with the version that has it; what only makes it better is left out where it is not there. A test asks the
installed Snakemake for each of them. What `.snakemake/metadata` holds is in `lineage.provenance`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from heirloom.artefacts import paths
from heirloom.errors import HeirloomError

NEEDED = (
    "config_settings",
    "configfiles",
    "dag_settings",
    "executor_settings",
    "included_stack",
    "is_main_process",
    "local_exec",
    "main_snakefile",
    "remote_exec",
)
"""Attributes of Snakemake's workflow object, without which a run would be checked or recorded wrongly."""
_FEWEST_LOOKED_AT, _LOOKED_AT_PER_CORE = 200, 4
"""Ready jobs among which the scheduler chooses the next."""


def check(workflow: Any) -> None:
    """Refuse a Snakemake that lacks what a run needs.

    Raises
    ------
    HeirloomError
        If an attribute is missing; the message names it.
    """
    for name in NEEDED:
        if not hasattr(workflow, name):
            raise HeirloomError(f"this Snakemake has no workflow.{name}; install snakemake>=9.27,<10")


def is_included(workflow: Any) -> bool:
    """Return whether another Snakefile imports ours; to be asked from a file that ours includes."""
    return len(workflow.included_stack) > 2


def main_file(workflow: Any) -> Path:
    """Return the Snakefile that the command line names, or that Snakemake has chosen."""
    return Path(workflow.main_snakefile)


def config_files(workflow: Any, default: str) -> Sequence[str]:
    """Return the configs of the command line, or else the default, which Snakemake then lists and does not read.

    Their paths are relative to the project's folder, and not absolute as Snakemake has them, so that a clone elsewhere has the same jobs.

    Its own statement `configfile:` would read the default before us and end in a traceback on YAML that PyYAML refuses. What --configfile
    names is read by Snakemake before this: the profiles look at it first (`command_line`).
    """
    if not workflow.configfiles:
        workflow.configfiles.append(default)
    return [paths.project_path(str(file)) for file in workflow.configfiles]


def config_values(workflow: Any) -> Mapping[str, Any]:
    """Return the values of ``--config``."""
    values: Mapping[str, Any] = workflow.config_settings.config
    return values


def is_main(workflow: Any) -> bool:
    """Return whether this is the Snakemake that its user has called, and not one inside a job."""
    return bool(workflow.is_main_process)


def runs_jobs_here(workflow: Any) -> bool:
    """Return whether jobs run on this machine, by this Snakemake."""
    return bool(workflow.local_exec)


def is_submitted(workflow: Any) -> bool:
    """Return whether this Snakemake is a job that was submitted to a scheduler."""
    return bool(workflow.remote_exec)


def is_dry_run(workflow: Any) -> bool:
    """Return whether jobs are listed and not run; a call that does neither, such as ``--lint``, is no dry run."""
    return workflow.scheduler is not None and bool(workflow.dryrun)


def has_targets(workflow: Any) -> bool:
    """Return whether the command line names what is to be made."""
    return bool(workflow.dag_settings.targets)


def is_whole(workflow: Any, targets: Collection[str]) -> bool:
    """Return whether the command line asks for the whole workflow: it names no target, or a rule among ``targets``, and narrows nothing."""
    settings = workflow.dag_settings
    is_narrowed = bool(settings.until or settings.omit_from or settings.batch)
    return not is_narrowed and (not settings.targets or any(name in settings.targets for name in targets))


def is_forced(workflow: Any) -> bool:
    """Return whether a run makes existing files anew (``--force`` and its like)."""
    settings = workflow.dag_settings
    return bool(settings.forceall or settings.forcetargets or settings.forcerun)


def slurm_settings(workflow: Any) -> Any:
    """Return the settings of the executor plugin for Slurm; None where another plugin runs the jobs, or none is known."""
    try:
        return workflow.executor_settings if workflow.executor_plugin.name == "slurm" else None
    except AttributeError:
        return None


def ease_scheduler(workflow: Any) -> None:
    """Let jobs on this machine be started as fast as they can.

    Snakemake 9.27 looks at the whole queue again a second after each finished job, and from then on every second: 40 % of a core
    after a hundred jobs. At each look it asks the disk for every input of every job that is ready: 0.3 CPU seconds a job where thousands
    are. So a look is at some of them, drawn at random, unless ``--scheduler-subsample`` says at how many (docs/log.md).
    """
    if runs_jobs_here(workflow) and workflow.scheduler is not None:
        workflow.scheduler.job_rate_limiter = None
        workflow.scheduler.subsample = workflow.scheduler.subsample or max(_FEWEST_LOOKED_AT, _LOOKED_AT_PER_CORE * workflow.cores)


def run_name(workflow: Any) -> str:
    """Return the name that all jobs of this run bear in Slurm's queue; an empty string where it is not known."""
    try:
        return str(workflow.scheduler._executor.run_uuid)  # noqa: SLF001
    except AttributeError:
        return ""


def planned_outputs(workflow: Any) -> list[str]:
    """Return what the jobs of a run that is about to begin make."""
    return [str(path) for job in workflow.dag.needrun_jobs() for path in job.output]


def finished_outputs(workflow: Any) -> list[str]:
    """Return the outputs of a submitted job's steps, if all of them are done; none while one is not."""
    dag = workflow.dag
    if dag is None or any(True for _ in dag.needrun_jobs()):
        return []
    jobs = dag.needrun_jobs(exclude_finished=False)
    return [str(path) for job in jobs for path in job.output]
