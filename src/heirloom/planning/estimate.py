"""Work as time and memory: what a scheduler is asked for, and what a job is expected to take.

Earlier runs correct both: `calibration` compares what the cost table says with what was expected, family by family and step by step.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from heirloom.config import Config
from heirloom.lineage import cost_table
from heirloom.lineage.costs import COSTS, KEY
from heirloom.planning.work import Work
from heirloom.specs.experiment import Experiment
from heirloom.workflow.jobs import jobs, lineage
from heirloom.workflow.step import Job, Step
from heirloom.workflow.steps import STEPS

RATE = 1.5e10
"""Operations a second of one thread: what the default transformer reaches on an ordinary core (docs/log.md)."""

MEGABYTE = 1e6
"""Bytes of a megabyte of expected memory."""
_START_SECONDS, _BASE_MEMORY = 1.5, 200.0
_TORCH_SECONDS, _TORCH_MEMORY = 4.0, 500.0
_SLACK_SECONDS, _SLACK_MEMORY = 4.0, 1.5
_LEAST_MINUTES = 5
_RUNNER_MEMORY = 300
"""Megabytes of the two Snakemakes inside a job, by which the plugin for Slurm starts its command (measured: 125 to 150 each)."""
_MOST_ATTEMPTS = 5

Calibration = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Estimate:
    """A job's expected time and memory."""

    seconds: float
    memory_mb: float
    disk_bytes: float
    is_calibrated: bool

    def followed_by(self, other: Estimate) -> Estimate:
        """Return what one job takes that does this one's work, and then another's."""
        return Estimate(
            seconds=self.seconds + other.seconds,
            memory_mb=max(self.memory_mb, other.memory_mb),
            disk_bytes=self.disk_bytes + other.disk_bytes,
            is_calibrated=self.is_calibrated and other.is_calibrated,
        )


@dataclass(frozen=True)
class Request:
    """What a scheduler is asked for."""

    mem_mb: int
    """Megabytes on each machine."""
    runtime: int
    """Minutes."""
    nodes: int = 1
    gpus: int = 0
    """Accelerators on each machine."""


def estimate(config: Config, job: Job, calibration: Calibration, rate: float = RATE) -> Estimate:
    """Return what a job is expected to take.

    Parameters
    ----------
    rate
        Operations a second of one thread, or of the accelerator that the job has.
    """
    experiment = config.experiments[job.experiment]
    family, step = experiment.family, STEPS[job.step]
    work, factor = step.expect(config, job), calibration.get((family.name, job.step))
    imports_torch = family.needs_torch and step.opens_model
    num_processes = processes_on_a_machine(experiment, step)
    num_threads = config.num_threads * num_processes * machines(experiment, step)
    seconds = _seconds(imports_torch, work, rate * num_threads) * (factor or 1.0)
    memory = num_processes * _memory(imports_torch, work)
    return Estimate(seconds, memory, work.disk_bytes, factor is not None)


def machines(experiment: Experiment, step: Step) -> int:
    """Return how many machines share a job of a step; one where the step is shared out to jobs of their own."""
    is_sharded = "shards" in step.spread and experiment.shards > 1
    return experiment.num_nodes if "machines" in step.spread and not is_sharded else 1


def processes_on_a_machine(experiment: Experiment, step: Step) -> int:
    """Return how many processes of a job run side by side on each of its machines."""
    if not step.spread & {"batches", "processes"}:
        return 1
    return experiment.num_processes // machines(experiment, step)


def lineage_seconds(config: Config, experiment: str, regime: str, seed: int) -> float:
    """Return what all jobs of a lineage together are expected to take, by the config alone."""
    return sum(estimate(config, job, {}).seconds for job in lineage(config, experiment, regime, seed))


def request(config: Config, job: Job, attempt: int = 1) -> Request:
    """Return what to ask a scheduler for: the expectation with slack, and that many times more at each new attempt.

    It follows from the config alone, never from a machine's earlier runs: memory is 1.5 times the expected, and 300 MB for Snakemake
    inside the job; time is 4 times the expected, at least 5 minutes. A second attempt (after running out of either) gets twice that, a
    third three times. Machines and accelerators are as many as the config says.
    """
    experiment = config.experiments[job.experiment]
    uncorrected = estimate(config, job, {})
    times = min(attempt, _MOST_ATTEMPTS)
    memory = _RUNNER_MEMORY + math.ceil(_SLACK_MEMORY * uncorrected.memory_mb)
    minutes = max(_LEAST_MINUTES, math.ceil(_SLACK_SECONDS * uncorrected.seconds / 60))
    step = STEPS[job.step]
    gpus = experiment.num_gpus if step.is_accelerated else 0
    return Request(times * memory, times * minutes, machines(experiment, step), gpus)


def calibration(config: Config, costs: Path = COSTS) -> dict[tuple[str, str], float]:
    """Return (family, step) → measured seconds / expected seconds, the median of the jobs of this config that the cost table has."""
    seconds_of = {}
    for row in cost_table.read(costs, [*KEY, "seconds"]):
        seconds = row.pop("seconds")
        if seconds:
            seconds_of[Job(*row.values())] = seconds
    ratios = defaultdict(list)
    for job in jobs(config):
        seconds = seconds_of.get(job)
        if seconds is not None:
            family = config.experiments[job.experiment].family.name
            ratios[family, job.step].append(seconds / estimate(config, job, {}).seconds)
    return {key: median(values) for key, values in ratios.items()}


def _seconds(imports_torch: bool, work: Work, rate: float) -> float:
    start = _TORCH_SECONDS if imports_torch else _START_SECONDS
    return start + work.operations / rate


def _memory(imports_torch: bool, work: Work) -> float:
    base = _TORCH_MEMORY if imports_torch else _BASE_MEMORY
    return base + work.memory / MEGABYTE
