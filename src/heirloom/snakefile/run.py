"""A run of Snakemake from its start to its end: the config is checked, the rules are answered, what came of it is recorded."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from heirloom import command_line, errors, failed_jobs, preflight, sealed_steps
from heirloom import config as configuration
from heirloom.artefacts import kinds, paths
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import ending, layout, unrecorded
from heirloom.lineage.restore import restore
from heirloom.planning import accounting, slurm
from heirloom.report import contents, diff_pages
from heirloom.runtime import variables
from heirloom.snakefile import private, worker
from heirloom.snakefile.rule import Groups, Rule, Wildcards, constraint
from heirloom.workflow.jobs import jobs, measure_files
from heirloom.workflow.steps import STEPS

_IMPORTED = (
    "this Snakefile is imported by another one (`module` or `include`), where its onstart, onsuccess and onerror"
    " do not run or can be replaced, so that nothing would be checked before the run or recorded after it; a config is one"
    " file, too, which git can keep: run `snakemake --snakefile` with this file itself, and `--configfile` with yours"
)
_CHEAP_SECONDS = 1800
_DEEPEST = 60_000
"""Frames: building the DAG of a lineage recurses once a step. 1,000 generations need about 10,000, 13,000 with `select`."""


def start(workflow: Any) -> Run:
    """Return the run that Snakemake begins, its config checked; bad input ends the process with a line a fault and exit code 2."""
    try:
        return _started(workflow)
    except HeirloomError as error:
        print(*errors.printed(error), sep="\n", file=sys.stderr)
        sys.exit(errors.BAD_INPUT)


def _started(workflow: Any) -> Run:
    sys.setrecursionlimit(_DEEPEST)
    private.check(workflow)
    if private.is_included(workflow):
        raise HeirloomError(_IMPORTED)
    files = private.config_files(workflow, paths.CONFIG)
    if private.config_values(workflow) or len(files) != 1:
        raise HeirloomError(command_line.ONE_FILE)
    config = configuration.load(files[0])  # not Snakemake's `config`, in which the last of two equal keys wins
    groups = Groups(config, variables.seconds(slurm.GROUP_SECONDS, _CHEAP_SECONDS))
    run = Run(workflow, config, files[0], groups)
    preflight.cheap(config)
    if private.is_main(workflow):
        layout.check(config)
        for line in preflight.notes(config):
            print(errors.line(line), file=sys.stderr)
        restore()  # Snakemake's records follow the data that git and DVC have brought
        # the last to be called, because the first to be registered: nothing comes after the cause of a failure
        atexit.register(failed_jobs.tell, failed_jobs.listen(workflow))
        atexit.register(ending.after_nothing, workflow, config, files[0])
    if private.is_submitted(workflow):
        os.environ[sealed_steps.SUBMITTED] = "1"
        atexit.register(run.drop_finished)
    return run


@dataclass(frozen=True)
class Run:
    """A run of Snakemake.

    Attributes
    ----------
    workflow
        Snakemake's workflow object.
    """

    workflow: Any
    config: Config
    config_file: str
    groups: Groups

    def rule(self, name: str) -> Rule:
        """Return a step as its rule sees it."""
        runs_here = private.is_main(self.workflow) and private.runs_jobs_here(self.workflow)
        return Rule(STEPS[name], self.config, runs_here, self.groups)

    @property
    def steps(self) -> list[str]:
        """The names of the steps, in their order."""
        return [*STEPS]

    @property
    def text_experiments(self) -> str:
        """A wildcard constraint: experiments whose rows are tokens."""
        return constraint(name for name, experiment in self.config.experiments.items() if experiment.is_text)

    @property
    def vector_experiments(self) -> str:
        """A wildcard constraint: experiments whose rows are vectors."""
        return constraint(name for name, experiment in self.config.experiments.items() if not experiment.is_text)

    @property
    def pool_experiments(self) -> str:
        """A wildcard constraint: experiments in which each seed draws its own pool of real rows."""
        return constraint(name for name, experiment in self.config.experiments.items() if experiment.has_pools)

    @property
    def dropped_checkpoints(self) -> str:
        """A constraint of the wildcard ``experiment`` in a checkpoint's path: experiments followed by a generation whose does not stay."""
        rest = kinds.CHECKPOINT.pattern.partition("{experiment}")[2]
        found = []
        for name, experiment in self.config.experiments.items():
            dropped = [str(g) for g in range(experiment.generations + 1) if not experiment.keeps_checkpoint(g)]
            if dropped:
                path = rest.format(regime=kinds.NAME, seed=kinds.NUMBER, generation=f"(?:{'|'.join(dropped)})")
                found.append(f"{name}(?={path})")
        return constraint(found)

    @cached_property
    def asked(self) -> list[str]:
        """The artefacts that the config asks for, because no step takes them: measures of every generation or lineage."""
        listed = ((STEPS[job.step], job.key) for job in jobs(self.config))
        return [kind.at(key) for step, key in listed if step.is_asked for kind in step.makes.values()]

    def every_measure(self, wildcards: Wildcards) -> list[str]:
        """Return the fingerprints of all that the config asks for."""
        return [paths.fingerprint(path) for path in self.asked]

    def measure_files(self, wildcards: Wildcards) -> list[str]:
        """Return every file of measures."""
        return [path for _, path in measure_files(self.config)]

    def every_page(self, wildcards: Wildcards) -> list[str]:
        """Return the pages that are made from the data again at any time."""
        return [self.config.results.page, *diff_pages.files(self.config)]

    def compared(self, wildcards: Wildcards) -> list[str]:
        """Return the first and the last synthetic set of an arm's first seed."""
        name = wildcards.get("experiment") or ""
        experiment = self.config.experiments[name]
        place = (name, wildcards.get("regime") or "", experiment.seeds[0])
        return [kinds.SYNTHETIC.path(*place, generation) for generation in (1, experiment.generations)]

    def compared_fingerprints(self, wildcards: Wildcards) -> list[str]:
        """Return the fingerprints of the two sets that are compared."""
        return [paths.fingerprint(path) for path in self.compared(wildcards)]

    def on_start(self) -> None:
        """Check the config and the cluster thoroughly, before the first job."""
        atexit.unregister(ending.after_nothing)
        unrecorded.mark()
        private.lift_rate(self.workflow)
        if private.is_forced(self.workflow):
            sealed_steps.empty()
        if (settings := private.slurm_settings(self.workflow)) is not None:
            accounting.check(settings)
        ending.check(self.config_file)
        if private.runs_jobs_here(self.workflow) and (fault := worker.start()):
            print(errors.line(fault), file=sys.stderr)

    def on_success(self) -> None:
        """Record a run that has come to its end."""
        sealed_steps.empty()
        contents.write()
        ending.record_complete(self.config_file)
        atexit.register(ending.name_missing, self.config)

    def on_error(self) -> None:
        """Record what a failed run has carried through, and cancel its jobs.

        Interrupted while it asks after its jobs, Slurm's plugin (2.8) cancels none of them; all bear the name of this run.
        """
        if name := private.run_name(self.workflow):
            with suppress(FileNotFoundError):  # no cluster
                subprocess.run(["scancel", "--name", name], check=False)
        ending.record(self.config_file)

    def drop_finished(self) -> None:
        """Drop what the steps of a submitted job have left for a later attempt, if all are done: none follows."""
        for path in private.finished_outputs(self.workflow):
            sealed_steps.drop(path)
