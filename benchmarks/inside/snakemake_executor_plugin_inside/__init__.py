"""An executor of Snakemake's that does the jobs of steps inside Snakemake's process: a job costs what its step does, and no start."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from snakemake_interface_executor_plugins.executors.base import AbstractExecutor, SubmittedJobInfo
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(non_local_exec=True, implies_no_shared_fs=False, job_deploy_sources=False)
_LOG = re.compile(r" 2> \S+$")


class Executor(AbstractExecutor):
    """The executor that ``snakemake --executor inside`` takes, where this folder's parent is on the path."""

    def run_job(self, job: JobExecutorInterface) -> None:
        """Do a job, or the jobs of a group one after the other."""
        info = SubmittedJobInfo(job)
        self.report_job_submission(info)
        members = [member for level in job.toposorted for member in level] if job.is_group() else [job]
        if all(_is_done(member.shellcmd) for member in members):
            self.report_job_success(info)
        else:
            self.report_job_error(info)

    def cancel(self) -> None:
        """Nothing runs that could be cancelled: a job has ended before `run_job` returns."""

    def shutdown(self) -> None:
        """Nothing is left to end."""

    @property
    def cores(self) -> int:
        """Return how many cores there are: one job runs at a time, whatever the number."""
        return 1

    def handle_job_success(self, job: JobExecutorInterface) -> None:
        """Leave what a job has written as it is: its files are here already."""

    def handle_job_error(self, job: JobExecutorInterface) -> None:
        """Leave what a failed job has written to Snakemake."""


def _is_done(command: str) -> bool:
    """Do a job's command, and return whether it succeeded: that of a step in this process, another in one of its own."""
    words = shlex.split(_LOG.sub("", command).removeprefix("exec "))
    if "--slice" not in words:
        return subprocess.run(["bash", "-c", command], check=False).returncode == 0
    Path(words[-1]).parent.mkdir(parents=True, exist_ok=True)
    return _status(_main(), words) == 0


def _main() -> Callable[[], None]:
    from heirloom.cli import main

    return main


def _status(main: Callable[[], None], words: list[str]) -> int:
    """Return the exit status of a program that reads ``sys.argv``."""
    before, sys.argv = sys.argv, words
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = before
    return 0
