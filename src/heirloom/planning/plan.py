"""A whole config's cost: jobs, hours, disk and the longest path, as totals and an experiment at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heirloom.artefacts.kinds import CHECKPOINT, ORIGIN, REAL
from heirloom.config import Config
from heirloom.planning.estimate import RATE, Calibration, Estimate, estimate
from heirloom.planning.file_counts import files
from heirloom.specs import pretrained_size
from heirloom.workflow.jobs import jobs
from heirloom.workflow.step import Job
from heirloom.workflow.steps import STEPS, position


@dataclass(frozen=True)
class Line:
    """What an experiment, all variants of its grid together, costs in one step."""

    experiment: str
    step: str
    jobs: int
    seconds: float
    longest: float
    memory_mb: float
    disk_bytes: float
    files: int
    is_calibrated: bool


@dataclass(frozen=True)
class Plan:
    """What a config costs.

    Parameters
    ----------
    lines
        One an experiment and step, in the order of the workflow.
    path
        Seconds of the longest chain of jobs of which each waits for the one before it: no number of machines is faster.
    """

    lines: tuple[Line, ...]
    path: float
    num_threads: int

    @property
    def jobs(self) -> int:
        """How many jobs there are, tables and figures left out."""
        return sum(line.jobs for line in self.lines)

    @property
    def seconds(self) -> float:
        """Seconds of all jobs together."""
        return sum(line.seconds for line in self.lines)

    @property
    def disk_bytes(self) -> float:
        """Bytes of all datasets and checkpoints; DVC's cache links to them where the file system can."""
        return sum(line.disk_bytes for line in self.lines)

    @property
    def files(self) -> int:
        """About how many files there are, logs and Snakemake's records among them (`file_counts.files`)."""
        return sum(line.files for line in self.lines)

    @property
    def checkpoints(self) -> float:
        """Bytes of the checkpoints alone."""
        return sum(line.disk_bytes for line in self.lines if CHECKPOINT in STEPS[line.step].makes.values())


def plan(config: Config, calibration: Calibration, rate: float = RATE) -> Plan:
    """Return what a config costs if nothing of it exists yet."""
    estimates = {job: estimate(config, job, calibration, rate) for job in jobs(config)}
    jobs_of: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in estimates:
        experiment = config.experiments[job.experiment]
        jobs_of[experiment.variant_of or job.experiment, job.step].append(job)
    names = list(dict.fromkeys(name for name, _ in jobs_of))
    ordered = sorted(jobs_of, key=lambda place: (names.index(place[0]), position(place[1])))
    lines = []
    for name, step in ordered:
        group = jobs_of[name, step]
        num_files = sum(files(config, job) for job in group)
        costs = _joined(config, {job: estimates[job] for job in group})
        lines.append(_line(name, step, [*costs.values()], num_files))
    return Plan(tuple(lines), _longest_path(_joined(config, estimates).items()), config.num_threads)


def guesses(config: Config) -> list[str]:
    """Return a line for each pretrained model whose size the plan guesses, because it is in no local folder of safetensors."""
    models = {experiment.pretrained for experiment in config.experiments.values() if experiment.pretrained is not None}
    names = sorted(model.name for model in models if pretrained_size.size_of(model) is None)
    size = f"{pretrained_size.GUESS.parameters / 1e6:.0f} million parameters, as OPT-125m has"
    return [f"family.model {name} is not here as a folder of safetensors: its size is a guess, {size}" for name in names]


def _joined(config: Config, estimates: Mapping[Job, Estimate]) -> dict[Job, Estimate]:
    """Return the estimates of the jobs that run: lineages of a population that one job makes are one job, named by the first member."""
    joined: dict[Job, Estimate] = {}
    for job, cost in estimates.items():
        membership = config.experiments[job.experiment].membership if STEPS[job.step].joins_members else None
        run_job = job._replace(experiment=membership.experiments[0]) if membership else job
        joined[run_job] = joined[run_job].followed_by(cost) if run_job in joined else cost
    return joined


def _line(experiment: str, step: str, costs: list[Estimate], num_files: int) -> Line:
    seconds = [cost.seconds for cost in costs]
    memory_mb = max(cost.memory_mb for cost in costs)
    disk_bytes = sum(cost.disk_bytes for cost in costs)
    return Line(
        experiment=experiment,
        step=step,
        jobs=len(costs),
        seconds=sum(seconds),
        longest=max(seconds),
        memory_mb=memory_mb,
        disk_bytes=disk_bytes,
        files=num_files,
        is_calibrated=all(cost.is_calibrated for cost in costs),
    )


def _longest_path(estimates: Iterable[tuple[Job, Estimate]]) -> float:
    """Return the longest path: real data, an origin, then one lineage, whose measures nothing but the last ones waits for."""
    real: dict[str, float] = {}
    origins: dict[tuple[str, int | None], float] = defaultdict(float)
    lineages: dict[tuple[str, str, int | None], float] = defaultdict(float)
    for job, cost in estimates:
        if not STEPS[job.step].priority:
            continue
        if job.regime == REAL:
            real[job.experiment] = max(cost.seconds, real.get(job.experiment, 0.0))
        elif job.regime == ORIGIN:
            origins[job.experiment, job.seed] += cost.seconds
        else:
            lineages[job.experiment, job.regime, job.seed] += cost.seconds
    paths = (real[name] + origins[name, seed] + seconds for (name, _, seed), seconds in lineages.items())
    return max(paths, default=0.0)
