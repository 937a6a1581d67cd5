"""An executor of Snakemake's that does no work: it writes something where a job's outputs belong, and calls the job done."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from snakemake_interface_executor_plugins.executors.base import AbstractExecutor, SubmittedJobInfo
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(non_local_exec=True, implies_no_shared_fs=False, job_deploy_sources=False)


class Executor(AbstractExecutor):
    """The executor that ``snakemake --executor noop`` takes, where this folder's parent is on the path."""

    def run_job(self, job: JobExecutorInterface) -> None:
        """Write a job's outputs."""
        info = SubmittedJobInfo(job)
        self.report_job_submission(info)
        for output in map(Path, job.output):
            if output.name == "checkpoint":
                output.mkdir(parents=True, exist_ok=True)
                continue
            output.parent.mkdir(parents=True, exist_ok=True)
            sha256 = hashlib.sha256(str(output).encode()).hexdigest()
            output.write_text(json.dumps({"schema_version": 1, "sha256": sha256, "size": 0}))
        self.report_job_success(info)

    def cancel(self) -> None:
        """Nothing runs that could be cancelled."""

    def shutdown(self) -> None:
        """Nothing is left to end."""

    @property
    def cores(self) -> int:
        """Return how many cores there are: as many as anybody asks for."""
        return 1_000_000

    def handle_job_success(self, job: JobExecutorInterface) -> None:
        """There are no files to wait for."""

    def handle_job_error(self, job: JobExecutorInterface) -> None:
        """No job fails."""
