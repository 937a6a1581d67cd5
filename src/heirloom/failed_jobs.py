"""The last words of a failed `snakemake`: a line for each job that has failed, wherever the output goes.

Snakemake says what has failed in the middle of its output, or, under `quiet: rules`, not at all. So a handler of its
logger keeps what it says of failed jobs, and `tell` prints a line for each when the process ends.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heirloom import causes, errors
from heirloom.artefacts import paths

MOST = 10
"""Failed jobs that are named; of others only the number is said."""

_TAIL_BYTES = 2**18
_FAILED_LOG = re.compile(r"^ {4}log: (.+?) \(check log file", re.MULTILINE)  # of a job itself; those of its whole group stand further in
_UNTOLD = "its executor has not taken it; HEIRLOOM_GROUP_SECONDS=0 shows why, because Snakemake keeps a group's message to itself"
_CLOCK_SECONDS = 60.0  # by which the clock of the machine that has written a log may be behind


@dataclass
class Report:
    """What Snakemake has said of a failed job or group."""

    message: str = ""
    """The exception's text of a job on this machine, or the executor's words."""
    logs: list[str] = field(default_factory=list)
    """Files that the executor has left of the job: Slurm's."""


class Listener(logging.Handler):
    """Keeps what Snakemake says of failed jobs, and lets no job with bad input be tried again.

    A job of Snakemake has no way to say that another attempt is of no use: `retries` is a number for all causes. A job
    that has ended in a `HeirloomError` is therefore counted as one that has used up its attempts.

    Parameters
    ----------
    workflow
        Snakemake's workflow object.
    """

    def __init__(self, workflow: Any) -> None:
        super().__init__(logging.ERROR)
        self.workflow = workflow
        self.reports: dict[object, Report] = {}
        """A job's number, or a group's name → what was said of it."""
        self._last_exceptions: dict[int | None, str] = {}
        """Thread → the last exception that it has told; the job that it ended is named right after."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record of an exception, a failed job or a failed group."""
        try:
            self._keep(record)
        except Exception:  # noqa: BLE001
            self.handleError(record)

    def _keep(self, record: logging.LogRecord) -> None:
        from snakemake.logging import LogEvent, get_event

        event, facts = get_event(record), record.__dict__
        if event == LogEvent.ERROR:
            text = record.getMessage()
            self._last_exceptions[record.thread] = text
            for number in causes.LEFT_OUT.findall(text):
                self.reports[int(number)] = Report(text)
        elif event == LogEvent.JOB_ERROR and not facts["indent"]:
            exception = self._last_exceptions.pop(record.thread, "")
            self._note(facts["jobid"], f"{exception}\n{facts['rule_msg'] or ''}", facts["log"])
        elif event == LogEvent.GROUP_ERROR:
            self._note(facts["groupid"], "", facts["aux_logs"])

    def _note(self, name: object, message: str, logs: list[str]) -> None:
        self.reports[name] = Report(message, list(map(str, logs)))
        since = began(self.workflow)
        running_jobs = list(self.workflow.scheduler.running)
        for job in running_jobs:
            if _name(job) == name and any(causes.bad_input(_text(log, since)) for log in _logs(job)):
                job.attempt = job.restart_times + 1


def listen(workflow: Any) -> Listener:
    """Return a handler of Snakemake's logger that keeps what it says of failed jobs from now on."""
    from snakemake.logging import logger

    listener = Listener(workflow)
    logger.addHandler(listener)
    return listener


def tell(listener: Listener) -> None:
    """Print a line for each job that has failed in this run, of `MOST` at most."""
    scheduler = listener.workflow.scheduler
    if scheduler is None or not scheduler.failed:
        return
    lines = [line for job in sorted(scheduler.failed, key=_order) for line in _lines(job, listener)]
    remainder = len(lines) - MOST
    if remainder > 0:
        lines = [*lines[:MOST], f"{remainder} more job{'s' if remainder > 1 else ''} failed; the logs lie under logs/"]
    for line in lines:
        print(errors.line(line), file=sys.stderr)
    sys.stderr.flush()


def began(workflow: Any) -> float:
    """Return since when a log belongs to this run, in seconds of the epoch."""
    return workflow.start_time.timestamp() - _CLOCK_SECONDS


def _lines(job: Any, listener: Listener) -> Iterator[str]:
    """Yield a line for a job, or for each job of a group that has failed itself; for the whole group if none says so."""
    report = listener.reports.get(_name(job), Report())
    since = began(listener.workflow)
    if not job.is_group():
        yield _job_line(job, report, since)
        return
    logs = {log for file in report.logs for log in _failed_logs(_text(file, since))}
    failed_members = [member for member in job.jobs if logs.intersection(_logs(member))]
    for member in sorted(failed_members, key=_order):
        yield _job_line(member, report, since)
    if not failed_members:
        first = min(job.jobs, key=_order)
        subject = f"a group of {len(job.jobs)} jobs, of them {place(first.rule.name, first.wildcards_dict)}"
        yield _line(subject, _cause(None, report, since) if report.logs else _UNTOLD, report.logs)


def _failed_logs(text: str) -> Iterator[str]:
    """Yield the logs of the jobs of a group that have failed themselves, by the group's log."""
    for names in _FAILED_LOG.findall(text):
        yield from names.split(", ")


def _job_line(job: Any, report: Report, since: float) -> str:
    return _line(place(job.rule.name, job.wildcards_dict), _cause(job, report, since), [*_logs(job), *report.logs])


def place(rule: str, wildcards: Mapping[str, Any]) -> str:
    """Return which job it is, in words: its rule, experiment, regime, seed and generation."""
    words = [f"{name} {value}" for name, value in wildcards.items()]
    return f"{rule} of {', '.join(words)}," if words else rule


def _line(subject: str, cause: str, logs: list[str]) -> str:
    files = [paths.project_path(log) for log in dict.fromkeys(logs) if Path(log).exists()]
    note = f" (log: {', '.join(files)})" if files else " (it has left no log)"
    return f"{subject} failed: {cause}{note}"


def _cause(job: Any, report: Report, since: float) -> str:
    """Return why a job failed: its own message first, then a signal, a bug's exception, and what Snakemake and Slurm say.

    Parameters
    ----------
    job
        None for a group none of whose jobs says that it has failed.
    """
    job_logs = _logs(job) if job else []
    log = "\n".join(_text(file, since) for file in job_logs)
    executor_logs = [_text(file, since) for file in report.logs if file not in job_logs]
    executor_text = "\n".join([report.message, *executor_logs])
    last_line = next((line for line in reversed(log.splitlines()) if line.strip()), "")
    status = causes.exit_status(executor_text)
    return (
        causes.left_out(report.message)
        or causes.bad_input(log)
        or causes.signal_of_kill(f"{report.message}\n{log}")
        or causes.exception(log)
        or causes.signal_of_kill(executor_text)
        or causes.one_line(", ".join(filter(None, [status, last_line])))
        or causes.one_line(_executor_words(report.message))
        or "without a word"
    )


def _executor_words(message: str) -> str:
    """Return what an executor says, without the command and the script that it adds."""
    return message.strip().partition("\n    sbatch call:")[0].partition("For further error details")[0]


def _name(job: Any) -> object:
    return job.groupid if job.is_group() else job.jobid


def _order(job: Any) -> tuple[str, ...]:
    """Return what jobs are sorted by: their logs' paths, numbers as numbers."""
    members = sorted(job.jobs, key=lambda member: member.jobid) if job.is_group() else [job]
    return tuple(re.sub(r"\d+", lambda match: match[0].zfill(12), log) for log in _logs(members[0]))


def _logs(job: Any) -> list[str]:
    members = job.jobs if job.is_group() else [job]
    return [str(log) for member in members for log in member.log]


def _text(file: str, since: float) -> str:
    """Return the end of a log that this run has written; an empty string of an older one, or where there is none."""
    path = Path(file)
    try:
        if path.stat().st_mtime < since:
            return ""
        with path.open("rb") as stream:
            stream.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            return stream.read().decode(errors="replace")
    except OSError:
        return ""
