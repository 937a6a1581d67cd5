"""A run of Snakemake from its start to its end: it checks the config, answers the rules and records the outcome."""

from __future__ import annotations

import atexit
import gc
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from heirloom import codehash, command_line, errors, failed_jobs, preflight, sealed_steps
from heirloom import config as configuration
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.kinds import Kind
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import ending, layout, replaced, running, unrecorded
from heirloom.lineage.restore import restore
from heirloom.planning import accounting, slurm
from heirloom.report import contents, diff_pages, expected_curves, page_age, run_settings
from heirloom.runtime import program, variables
from heirloom.snakefile import dry_run, private, stale_lock, worker
from heirloom.snakefile.population import PopulationRule, leaders
from heirloom.snakefile.rule import Groups, Rule, Wildcards, constraint, container_of_all_jobs
from heirloom.workflow.files import is_project_s
from heirloom.workflow.jobs import jobs, measure_files
from heirloom.workflow.steps import STEPS

_IMPORTED = (
    "this Snakefile is imported by another one (`module` or `include`), where its onstart, onsuccess and onerror"
    " do not run or can be replaced, so that nothing would be checked before the run or recorded after it; a config is one"
    " file, too, which git can keep: run `snakemake --snakefile` with this file itself, and `--configfile` with yours"
)
_WHOLE = ("all", "project")
"""The rules that ask for the whole workflow: ours, and that of a project outside a clone."""
_CHEAP_SECONDS = 1800
_DEEPEST = 60_000
"""Frames: building the DAG of a lineage recurses once per step. 1,000 generations need about 10,000, 13,000 with `select`."""
_COLLECTIONS = (50_000, 20, 100)
"""When Python looks for garbage in circles, of which a DAG holds little: a no-op of 183 jobs takes 2.07 CPU seconds, 2.45 by default."""


def start(workflow: Any) -> Run:
    """Return the run that Snakemake begins, its config checked; bad input ends the process with one line per fault and exit code 2."""
    try:
        return _started(workflow)
    except HeirloomError as error:
        print(*errors.printed(error), sep="\n", file=sys.stderr)
        sys.exit(errors.BAD_INPUT)


def _started(workflow: Any) -> Run:
    sys.setrecursionlimit(_DEEPEST)
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)
    private.check(workflow)
    if private.is_included(workflow) and not is_project_s(private.main_file(workflow)):
        raise HeirloomError(_IMPORTED)
    config_file = _config_file(workflow)
    config = configuration.load(config_file)  # not Snakemake's `config`, in which the last of two equal keys wins
    groups = Groups(config, variables.seconds(slurm.GROUP_SECONDS, _CHEAP_SECONDS))
    run = Run(workflow, config, config_file, groups)
    limits = {name: experiment.family.command_seconds for name, experiment in config.experiments.items()}
    program.limits_for_jobs({name: seconds for name, seconds in limits.items() if seconds is not None})
    preflight.guarded(preflight.cheap, config)
    if private.is_main(workflow):
        run.prepare()
    if private.is_submitted(workflow):
        os.environ[sealed_steps.SUBMITTED] = "1"
        atexit.register(run.drop_finished)
    return run


def _config_file(workflow: Any) -> str:
    """Return the one config file of the command line."""
    files = private.config_files(workflow, paths.CONFIG)
    if private.config_values(workflow) or len(files) != 1:
        raise HeirloomError(command_line.ONE_FILE)
    return files[0]


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

    def prepare(self) -> None:
        """Check the layout, print the notes on the config, restore Snakemake's records, and register what the end does.

        The lock of a run that was killed is taken away.
        """
        layout.check(self.config)
        for note in preflight.notes(self.config):
            print(errors.line(note), file=sys.stderr)
        stale_lock.hold(runs_jobs_here=private.runs_jobs_here(self.workflow))
        restore()  # Snakemake's records follow the data that git and DVC have brought
        # the last to be called, because the first to be registered: nothing comes after the cause of a failure
        atexit.register(failed_jobs.tell, failed_jobs.listen(self.workflow))
        atexit.register(self._after_nothing)
        atexit.register(self._name_page)
        atexit.register(dry_run.tell, self.workflow, self.config, _WHOLE)

    def rule(self, name: str) -> Rule:
        """Return a step as its rule sees it."""
        runs_here = private.is_main(self.workflow) and private.runs_jobs_here(self.workflow)
        return Rule(STEPS[name], self.config, runs_here, self.groups)

    def rules(self, name: str) -> list[Rule]:
        """Return a step as its rules see it: one for lineages, and one for each population whose lineages a job makes together."""
        rule = self.rule(name)
        populations = leaders(self.config)
        return [rule, *(PopulationRule(rule.step, self.config, rule.runs_here, self.groups, membership) for membership in populations)]

    @property
    def container(self) -> str | None:
        """The image in which the commands of all jobs run; None where they run as they are."""
        return container_of_all_jobs()

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

    def dropped_models(self, kind: Kind) -> str:
        """Return a constraint of the wildcard ``experiment`` in the path of a kind of models: the generation that follows drops its own."""
        path_end = kind.pattern.partition("{experiment}")[2]
        constraints = []
        for name, experiment in self.config.experiments.items():
            generations = [str(g) for g in range(experiment.generations + 1) if not experiment.keeps_checkpoint(g)]
            if generations:
                any_generation = f"(?:{'|'.join(generations)})"
                lookahead = path_end.format(regime=kinds.NAME, seed=kinds.NUMBER, generation=any_generation)
                constraints.append(f"{name}(?={lookahead})")
        return constraint(constraints)

    @cached_property
    def final_artefacts(self) -> list[str]:
        """The artefacts that the config asks for, because no step takes them: measures of every generation or lineage."""
        artefacts = []
        for job in jobs(self.config):
            step = STEPS[job.step]
            if step.is_asked:
                artefacts += [kind.at(job.key) for kind in step.makes.values()]
        return artefacts

    def every_measure(self, wildcards: Wildcards) -> list[str]:
        """Return the fingerprints of the artefacts that the config asks for."""
        return [paths.fingerprint(path) for path in self.final_artefacts]

    def measure_files(self, wildcards: Wildcards) -> list[str]:
        """Return every file of measures."""
        return [path for _, path in measure_files(self.config)]

    def every_page(self, wildcards: Wildcards) -> list[str]:
        """Return the pages, which can be made from the data again at any time."""
        return [self.config.results.page, *self.every_comparison(wildcards)]

    def every_comparison(self, wildcards: Wildcards) -> list[str]:
        """Return the pages that compare the first with the last generation of an arm of text."""
        return diff_pages.files(self.config)

    def page_code(self, entry: str) -> str:
        """Return the digest of the code that a table, a figure or a page is made by, and of the theory beside it."""
        return codehash.digest(entry, *expected_curves.entries(self.config))

    @property
    def settings_digest(self) -> str:
        """The digest of the settings that the tables are said to be of."""
        return run_settings.digest(self.config)

    @property
    def diff_code(self) -> str:
        """The digest of the code that a page of a comparison is made by."""
        return codehash.digest("heirloom.diffs.engine:diff", "heirloom.diffs.render.html:write")

    def compared_sets(self, wildcards: Wildcards) -> list[str]:
        """Return the first and the last synthetic set of an arm's first seed."""
        name = wildcards.get("experiment") or ""
        regime = wildcards.get("regime") or ""
        experiment = self.config.experiments[name]
        first_seed = experiment.seeds[0]
        return [kinds.SYNTHETIC.path(name, regime, first_seed, generation) for generation in (1, experiment.generations)]

    def compared_fingerprints(self, wildcards: Wildcards) -> list[str]:
        """Return the fingerprints of the two sets that are compared."""
        return [paths.fingerprint(path) for path in self.compared_sets(wildcards)]

    def on_start(self) -> None:
        """Check the config and the cluster thoroughly, before the first job."""
        atexit.unregister(self._after_nothing)
        atexit.unregister(self._name_page)
        unrecorded.mark()
        running.begin()
        private.ease_scheduler(self.workflow)
        if private.is_forced(self.workflow):
            sealed_steps.empty()
        settings = private.slurm_settings(self.workflow)
        if settings is not None:
            accounting.check(settings)
        ending.check(self.config_file)
        self._warn_of_replacement()
        fault = worker.start(self.config.num_threads) if private.runs_jobs_here(self.workflow) else ""
        if fault:
            print(errors.line(fault), file=sys.stderr)

    def _after_nothing(self) -> None:
        """Record what an earlier run left unrecorded, where there was nothing to do; `on_start` takes this back."""
        settings = self.workflow.execution_settings
        if self.workflow.scheduler is not None and not self.workflow.dryrun and not settings.no_hooks:
            ending.after_nothing(self.config, self.config_file, is_whole=private.is_whole(self.workflow, _WHOLE))

    def _name_page(self) -> None:
        """Say that the page is to be renewed, at the end of a run of all that went well. `make` names its targets, and the page later."""
        is_run = self.workflow.scheduler is not None and not self.workflow.dryrun
        note = page_age.note(self.config.results) if is_run and not private.has_targets(self.workflow) else ""
        if note and Path(self.config.results.metrics).is_file():
            commands = page_age.commands(self.config.results)
            print(errors.line(f"{note}; {commands}"), file=sys.stderr, flush=True)

    def _warn_of_replacement(self) -> None:
        """Print a line on data that this run replaces and that cannot be brought back; equal bytes, by force, replace nothing."""
        if private.is_forced(self.workflow):
            return
        try:
            warning = replaced.warning(private.planned_outputs(self.workflow))
        except HeirloomError as error:  # record says so, too, when the run ends
            warning = str(error)
        if warning:
            print(errors.line(warning), file=sys.stderr, flush=True)

    def on_success(self) -> None:
        """Record a run that has come to its end."""
        sealed_steps.empty()
        contents.write()
        ending.record_run(self.config_file, is_whole=private.is_whole(self.workflow, _WHOLE))
        self._name_page()
        atexit.register(ending.name_missing, self.config)

    def on_error(self) -> None:
        """Record what a failed run has carried through, and cancel its jobs.

        Slurm's plugin (2.8) cancels no job if it is interrupted while it asks after its jobs. All jobs bear the name of this run.
        """
        name = private.run_name(self.workflow)
        if name:
            with suppress(FileNotFoundError):  # no cluster
                subprocess.run(["scancel", "--name", name], check=False)
        ending.record(self.config_file)

    def drop_finished(self) -> None:
        """Drop what the steps of a submitted job have left for a later attempt, if all are done and no attempt follows."""
        for path in private.finished_outputs(self.workflow):
            sealed_steps.drop(path)
