"""What a rule asks of its step: inputs, outputs, log, slice, resources, group. Each is a function of a job's wildcards, or a value.

An artefact goes into a job twice: its fingerprint (small JSON, compared by checksum) is what the job depends on, and the artefact itself
is `ancient`, so that time stamps scrambled by git or DVC rerun nothing. See docs/design/0002-rerun.md.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, Protocol

from snakemake.io import ancient, directory, temp

from heirloom import slice_arguments
from heirloom.artefacts import paths
from heirloom.artefacts.kinds import REAL, Key
from heirloom.command_line import CONTAINER
from heirloom.config import Config
from heirloom.planning import estimate, slurm
from heirloom.specs.experiment import Experiment
from heirloom.workflow.step import Step


class Wildcards(Protocol):
    """A job's wildcards, as Snakemake gives them."""

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a wildcard, or the default where the rule has none of that name."""


@dataclass(frozen=True, eq=False)
class Rule:
    """A step as its rule sees it.

    Attributes
    ----------
    runs_here
        Whether this Snakemake runs the jobs itself, on this machine.
    groups
        Lineages that a scheduler is given as one job.
    """

    step: Step
    config: Config
    runs_here: bool
    groups: Groups

    def key(self, wildcards: Wildcards) -> Key:
        """Return the key of the job with these wildcards."""
        numbers = (wildcards.get(name) for name in ("seed", "generation"))
        seed, generation = (None if number is None else int(number) for number in numbers)
        return Key(wildcards.get("experiment") or "", wildcards.get("regime") or REAL, seed, generation)

    def inputs(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """Return role → artefacts, whose time stamps do not count, and their fingerprints, which do."""
        artefacts = self.step.inputs(self.config, self.key(wildcards))
        inputs = {role: list(map(ancient, role_paths)) for role, role_paths in artefacts.items()}
        fingerprints = [paths.fingerprint(path) for path in itertools.chain.from_iterable(artefacts.values())]
        return {**inputs, "fingerprints": fingerprints}

    def outputs(self, *roles: str, is_kept: bool = True, of_seed: bool = False) -> dict[str, Any]:
        """Return role → path of what the step makes, or of some roles alone, and the two notes beside each.

        Parameters
        ----------
        is_kept
            Whether it stays when the last job of a run that needs it has ended; the notes do.
        of_seed
            Whether it is the pool of real rows that one seed draws for itself.
        """
        makes = {role: kind for role, kind in self.step.makes.items() if not roles or role in roles}
        kinds = {role: kind.of_seed if of_seed else kind for role, kind in makes.items()}
        outputs = {role: directory(kind.pattern) if kind.is_folder else kind.pattern for role, kind in kinds.items()}
        notes = []
        for kind in kinds.values():
            notes += [paths.manifest(kind.pattern), paths.fingerprint(kind.pattern)]
        if not is_kept:
            outputs = {role: temp(output) for role, output in outputs.items()}
        return {**outputs, "notes": notes}

    @property
    def name(self) -> str:
        """The name of the rule, where that does not stand in it."""
        return self.step.name

    @property
    def log(self) -> str:
        """The log of a job."""
        return paths.log(self.step.name, self.step.main.pattern)

    @property
    def log_of_seed(self) -> str:
        """The log of a job that makes one seed's pool of real rows."""
        return paths.log(self.step.name, self.step.main.of_seed.pattern)

    @property
    def priority(self) -> int:
        """Snakemake's priority of its jobs."""
        return self.step.priority

    def slice(self, wildcards: Wildcards) -> str:
        """Return the slice of a job, as one argument of its command."""
        job_slice = self.step.slice(self.config, self.key(wildcards))
        return slice_arguments.write(job_slice.json_fields())

    @cached_property
    def resources(self) -> Mapping[str, Callable[..., Any]]:
        """What a job asks a scheduler for, one function per resource; a job on this machine asks for nothing."""
        return {name: partial(_resource, self, name) for name in slurm.RESOURCES}

    def group(self, wildcards: Wildcards) -> str | None:
        """Return the group that a scheduler runs as one job: a whole lineage if it is cheap. Local runs have no groups."""
        return self.groups.name(self.key(wildcards))

    def threads(self, wildcards: Wildcards) -> int:
        """Return the threads of a job's processes on one machine."""
        return self.config.num_threads * estimate.processes_on_a_machine(self._experiment(wildcards), self.step)

    def conda(self, wildcards: Wildcards) -> str | None:
        """Return the conda environment file of a job with commands of the user's, for Snakemake's ``--sdm conda``."""
        environment = self._experiment(wildcards).family.job_environment
        conda = None if environment is None else environment.conda
        return None if conda is None else str(Path(conda).absolute())

    def container(self, wildcards: Wildcards) -> str | None:
        """Return the container image of a job, for Snakemake's ``--sdm apptainer``: its programs' own, or that of all jobs."""
        environment = self._experiment(wildcards).family.job_environment
        own = None if environment is None else environment.container
        return own or container_of_all_jobs()

    def machines(self, wildcards: Wildcards) -> int:
        """Return how many machines share a job: one where Snakemake runs it itself, even inside a Slurm job of its user."""
        return 1 if self.runs_here else estimate.machines(self._experiment(wildcards), self.step)

    def processes(self, wildcards: Wildcards) -> int:
        """Return how many processes share a job, on all its machines."""
        return self._experiment(wildcards).num_processes

    def gatherers(self, wildcards: Wildcards) -> int:
        """Return how many processes share a job that leaves the whole artefact; one gathers it where jobs of shards did the work."""
        return self.processes(wildcards) if self.num_shards(wildcards) == 1 else 1

    def num_shards(self, wildcards: Wildcards) -> int:
        """Return how many jobs share the work."""
        return self._experiment(wildcards).shards

    def shards(self, wildcards: Wildcards) -> list[str]:
        """Return the files that the jobs of the shards leave; none where one job does all the work."""
        key = self.key(wildcards)
        return paths.shards(key.experiment, key.regime, key.seed or 0, key.generation or 0, self.num_shards(wildcards))

    def main_output(self, wildcards: Wildcards) -> str:
        """Return the path of the artefact that the jobs of the shards make together."""
        return self.step.main.at(self.key(wildcards))

    @property
    def experiments(self) -> str:
        """A wildcard constraint: the experiments that have such jobs."""
        return constraint(name for name in self.config.experiments if self._runs_in(name))

    def _runs_in(self, name: str) -> bool:
        """Return whether an experiment has jobs of this step by this rule: those that populations have in common are made by others."""
        if self.step.joins_members and self.config.experiments[name].membership:
            return False
        regimes = (REAL, *self.config.experiments[name].regimes)
        return any(self.step.runs(self.config, Key(name, regime, 0, 1)) for regime in regimes)

    def _experiment(self, wildcards: Wildcards) -> Experiment:
        return self.config.experiments[self.key(wildcards).experiment]


class Groups:
    """Which lineages are so cheap that a scheduler is given all of their jobs as one.

    All of a lineage or nothing: a costly step between grouped ones would make the group wait for itself.
    """

    def __init__(self, config: Config, seconds: float) -> None:
        self._config = config
        self._seconds = seconds
        self._cheap: dict[Key, bool] = {}

    def name(self, key: Key) -> str | None:
        """Return the name of a lineage's group; None where its jobs are jobs of their own."""
        lineage = key._replace(generation=None)
        if lineage not in self._cheap:
            self._cheap[lineage] = self._is_cheap(lineage)
        return f"{key.experiment}_{key.regime}_{key.seed}" if self._cheap[lineage] else None

    def _is_cheap(self, key: Key) -> bool:
        experiment = self._config.experiments[key.experiment]
        if experiment.shards > 1 or experiment.num_nodes > 1 or experiment.membership:  # members wait for each other's rows
            return False
        return estimate.lineage_seconds(self._config, key.experiment, key.regime, key.seed or 0) < self._seconds


def constraint(names: Iterable[str]) -> str:
    """Return a wildcard constraint: some names, or what nothing matches."""
    return "|".join(dict.fromkeys(names)) or "(?!)"


def _resource(rule: Rule, name: str, wildcards: Wildcards, attempt: int) -> int | str | None:
    return _request(rule, rule.key(wildcards), attempt).get(name)


@cache
def _request(rule: Rule, key: Key, attempt: int) -> dict[str, int | str]:
    return slurm.resources(estimate.request(rule.config, rule.step.job(key), attempt))


def container_of_all_jobs() -> str | None:
    """Return the image that a profile names for all jobs (`command_line.container_of_all_jobs`); None without one."""
    return os.environ.get(CONTAINER) or None
