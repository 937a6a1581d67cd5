"""How far a run has come, by the files that it leaves: true while it runs, after it, and where its jobs are on other machines.

A job that Snakemake has running or has given to a scheduler has a mark. One that is done has a manifest. The time left is that of the
jobs to do, at the speed at which this run has done the others.
"""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from heirloom.artefacts import paths
from heirloom.artefacts.kinds import LINEAGE, ORIGIN, REAL
from heirloom.config import Config
from heirloom.lineage import provenance, running
from heirloom.lineage.running import Run
from heirloom.numerals import counted
from heirloom.planning import changes
from heirloom.planning.times import words
from heirloom.workflow.jobs import jobs
from heirloom.workflow.step import Job
from heirloom.workflow.steps import STEPS

_LOGS = Path(".snakemake/log")
_MOST_JOBS = 12
"""Running jobs that are listed."""


class Running(NamedTuple):
    """A job that is running or waits in a queue, and the seconds since it was started."""

    job: Job
    seconds: float


def lines(config: Config) -> list[str]:
    """Return what a config's run is doing, how many generations of each experiment are done, and where its log is."""
    run = running.read()
    pending = changes.pending(config)
    now = time.time()
    if run is None or run.has_ended:
        first = ["no run is under way", *(["the last one was killed"] if run else [])]
        report = ["; ".join(first), changes.total(config, pending)]
    else:
        report = [_headline(config, run, pending, now), *_running_lines(config, now)]
    logs = sorted(_LOGS.glob("*.log"))
    return [*report, *_generation_lines(config, pending), *([f"log: {logs[-1]}"] if logs else [])]


def seconds_left(config: Config, pending: Mapping[Job, object], since: float, now: float) -> float | None:
    """Return the seconds that a run still takes; None before it has done a job.

    Parameters
    ----------
    pending
        The jobs to do (`changes.pending`).
    since, now
        When it began and what time it is, in seconds of the epoch.
    """
    done = done_since(config, pending, since)
    if not done:
        return None
    speed = sum(changes.expected_seconds(config, done).values()) / (now - since)
    return sum(changes.expected_seconds(config, pending).values()) / speed


def done_since(config: Config, pending: Mapping[Job, object], since: float) -> dict[Job, None]:
    """Return the jobs that a run has done since it began, by the times of their manifests."""
    done: dict[Job, None] = {}
    for job in jobs(config):
        manifest = Path(paths.manifest(STEPS[job.step].main.at(job.key)))
        if job not in pending and (_time_of(manifest) or 0.0) >= since:
            done[job] = None
    return done


def running_jobs(config: Config, now: float) -> Iterator[Running]:
    """Yield the jobs that have a mark of Snakemake's."""
    marks = provenance.marked_outputs()
    for job in jobs(config):
        output = STEPS[job.step].main.at(job.key)
        if output in marks:
            yield Running(job, max(0.0, now - _marked_at(output, now)))


def _marked_at(output: str, now: float) -> float:
    return _time_of(provenance.INCOMPLETE / base64.urlsafe_b64encode(output.encode()).decode()) or now


def _time_of(file: Path) -> float | None:
    """Return when a file was last written; None if it has gone meanwhile."""
    try:
        return file.stat().st_mtime
    except OSError:
        return None


def _headline(config: Config, run: Run, pending: Mapping[Job, object], now: float) -> str:
    done = done_since(config, pending, run.since)
    left = seconds_left(config, pending, run.since, now)
    rest = f"about {words(left)} left" if left is not None else "how long it takes is not known before a job has ended"
    place = "" if run.is_here else f" on {run.host}, if it still runs there"
    return f"running{place} for {words(now - run.since)}: {counted(len(done), 'job')} done, {len(pending):,} to do, {rest}"


def _running_lines(config: Config, now: float) -> list[str]:
    rows = [f"  {_name(entry.job)}, for {words(entry.seconds)}" for entry in running_jobs(config, now)]
    hidden = len(rows) - _MOST_JOBS
    return rows if hidden <= 0 else [*rows[:_MOST_JOBS], f"  and {hidden} more"]


def _name(job: Job) -> str:
    parts = [job.experiment, job.regime, *(str(number) for number in (job.seed, job.generation) if number is not None)]
    return f"{job.step} of {'/'.join(parts)}"


def _generation_lines(config: Config, pending: Mapping[Job, object]) -> list[str]:
    """Return for each experiment how many generations of all its lineages have their measures."""
    done: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for job in jobs(config):
        step, experiment = STEPS[job.step], config.experiments[job.experiment]
        if not step.is_asked or job.regime in {REAL, ORIGIN} or step.main.form != "measures":
            continue
        number = experiment.generations if step.place == LINEAGE else 1
        totals[job.experiment] += number
        done[job.experiment] += 0 if job in pending else number
    return [f"{name}: {done[name]:,} of {counted(total, 'generation')}" for name, total in totals.items()]
