"""The jobs of a config in the order of their generations, as Snakemake would make them from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from heirloom.config import Config
from heirloom.paths import ORIGIN


class Job(NamedTuple):
    """One job by its wildcards; what a step's path lacks is None."""

    step: str
    experiment: str
    regime: str | None = None
    seed: int | None = None
    generation: int | None = None


def jobs(config: Config) -> Iterator[Job]:
    """Yield every job but the tables and figures at the end: real data, origins, then lineage by lineage."""
    for name, experiment in config.experiments.items():
        yield from (Job("real", name, seed=pool or None) for pool in experiment.pools)
        if experiment.pretrained is not None:
            yield Job("pretrained", name)
        for seed in experiment.seeds:
            yield from lineage(config, name, ORIGIN, seed)
    for name, regime, seed in config.lineages():
        yield from lineage(config, name, regime, seed)


def lineage(config: Config, experiment: str, regime: str, seed: int) -> Iterator[Job]:
    """Yield the jobs of one lineage after its origin, or those of an origin."""
    chosen = config.experiments[experiment]
    if regime == ORIGIN:
        yield from (Job(step, experiment, ORIGIN, seed, 0) for step in ("mix", "train", "evaluate"))
        return
    if chosen.granularity == "chain":
        yield Job("chain", experiment, regime, seed)
        return
    steps = ("sample", *(("select",) if config.regimes[regime].select else ()), "mix", "train", "evaluate")
    for generation in range(1, chosen.generations + 1):
        yield from (Job(step, experiment, regime, seed, generation) for step in steps)
