"""The jobs of a config in the order of their generations, as Snakemake would make them from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

from heirloom.artefacts.kinds import GENERATION, LINEAGE, ORIGIN, REAL_FOLDER, Key, Place, key_of
from heirloom.workflow.step import Job, Step
from heirloom.workflow.steps import STEPS

if TYPE_CHECKING:
    from heirloom.config import Config


def jobs(config: Config) -> Iterator[Job]:
    """Yield every job but the tables and figures at the end, an experiment after the other: real data, origins, then lineage by lineage."""
    for name, experiment in config.experiments.items():
        for pool in experiment.pools:
            yield from _jobs(config, REAL_FOLDER, Key(name, seed=pool or None))
        for seed in experiment.seeds:
            yield from lineage(config, name, ORIGIN, seed)
        for regime, seed in product(experiment.regimes, experiment.seeds):
            yield from lineage(config, name, regime, seed)


def lineage(config: Config, experiment: str, regime: str, seed: int) -> Iterator[Job]:
    """Yield the jobs of one lineage after its origin, or those of an origin."""
    if regime == ORIGIN:
        yield from _jobs(config, GENERATION, Key(experiment, ORIGIN, seed, 0))
        return
    yield from _jobs(config, LINEAGE, Key(experiment, regime, seed))
    for generation in range(1, config.experiments[experiment].generations + 1):
        yield from _jobs(config, GENERATION, Key(experiment, regime, seed, generation))


def measure_files(config: Config) -> list[tuple[Key, str]]:
    """Return every file of measures that a config asks for, with its key, in the order of the jobs.

    The origin's come first, once per seed; then one file per generation, or one per lineage, whose key has no generation, where the
    granularity is ``chain``.
    """
    kinds_by_job = [(job.key, kind) for job in jobs(config) for kind in STEPS[job.step].makes.values()]
    return [(key, kind.at(key)) for key, kind in kinds_by_job if kind.form == "measures"]


def target(config: Config, path: str) -> str:
    """Return what Snakemake is asked for to make an artefact: its path, or what the job makes that only leaves it, such as a snapshot."""
    key = key_of(path)
    if key is None:
        return path
    for step in STEPS.values():
        if step.runs(config, key) and any(kind.at(key) == path for kind in step.leaves):
            return step.main.at(key)
    return path


def _jobs(config: Config, place: Place, key: Key) -> Iterator[Job]:
    yield from (step.job(key) for step in _steps_at(place) if step.runs(config, key))


@cache
def _steps_at(place: Place) -> list[Step]:
    return [step for step in STEPS.values() if step.place == place]
