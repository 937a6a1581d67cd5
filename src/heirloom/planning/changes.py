"""Which jobs the next run does anew, and why: what the config says now beside what manifests say of the data that are here.

Snakemake compares the same slices, and says no more than that parameters have changed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from heirloom.artefacts import manifest, paths
from heirloom.artefacts.files import read_json
from heirloom.artefacts.kinds import ORIGIN
from heirloom.config import Config
from heirloom.errors import HeirloomError, short
from heirloom.lineage import provenance
from heirloom.lineage.settings import by_dotted_key
from heirloom.numerals import counted
from heirloom.planning import table_age
from heirloom.planning.estimate import calibration, estimate
from heirloom.planning.times import words
from heirloom.workflow.jobs import jobs
from heirloom.workflow.step import Job, Step
from heirloom.workflow.steps import STEPS

_LONGEST_VALUE = 24
_CODE, _FILES = "code", "files"
"""Fields of slices that no key of the config has: the hash of a step's code, and the files of a source."""
_DEFAULT = "default"
"""Stands for what a key was where the slice leaves it out."""


class Cause(NamedTuple):
    """A reason why jobs are done anew, how many they are, and the seconds that they are expected to take."""

    words: str
    jobs: int
    seconds: float

    @property
    def line(self) -> str:
        """The cause in one line."""
        return f"{self.words}: {counted(self.jobs, 'job')}, {words(self.seconds)}"


def pending(config: Config) -> dict[Job, tuple[str, ...]]:
    """Return each job that has to be done, with its causes: its own, and those of the jobs that make what it takes.

    Raises
    ------
    HeirloomError
        If a source cannot be read.
    """
    jobs_of_config = list(jobs(config))
    marked = provenance.marked_outputs()
    made = {job for job in jobs_of_config if _is_made(job, marked)}
    begun = {job.experiment for job in made}
    own = {job: _own_causes(config, job) if job in made else [_new(config, job, begun)] for job in jobs_of_config}
    makers = {path: job for job in jobs_of_config for path in _outputs(job)}
    causes = _spread(config, own, made)
    while needed := _missing_inputs(config, causes, makers):
        own |= needed
        causes = _spread(config, own, made)
    return causes


def changed_settings(config: Config) -> list[str]:
    """Return each setting that the config has otherwise than the manifests of the data that are here; code and source files are none."""
    marked = provenance.marked_outputs()
    changes: dict[str, None] = {}
    for job in jobs(config):
        if _is_made(job, marked):
            content = manifest.read(paths.manifest(STEPS[job.step].main.at(job.key)))
            changes |= dict.fromkeys(_changes(config, job, content, but=(_CODE, _FILES)))
    return [*changes]


def _spread(config: Config, own: Mapping[Job, list[str]], made: Collection[Job]) -> dict[Job, tuple[str, ...]]:
    """Return the causes of each job: its own, and if it was done before, those of the jobs that make what it takes."""
    causes: dict[Job, tuple[str, ...]] = {}
    of_path: dict[str, tuple[str, ...]] = {}
    size = -1
    while size < len(of_path):  # an experiment may be judged by a model of one that stands after it
        size = len(of_path)
        for job, names in own.items():
            inherited = _inherited(config, job, of_path) if job in made else []
            all_causes = tuple(dict.fromkeys([*names, *inherited]))
            if all_causes:
                causes[job] = all_causes
                of_path |= dict.fromkeys(_outputs(job), all_causes)
    return causes


def _missing_inputs(config: Config, jobs_to_do: Collection[Job], makers: Mapping[str, Job]) -> dict[Job, list[str]]:
    """Return the jobs that are to be done only because what they made is not here and another job takes it, with that cause."""
    needed: dict[Job, list[str]] = {}
    waiting = list(jobs_to_do)
    while waiting:
        job = waiting.pop()
        inputs = STEPS[job.step].inputs(config, job.key).values()
        for path in (path for group in inputs for path in group):
            maker = makers.get(path)
            if maker is None or maker in jobs_to_do or maker in needed or Path(path).exists():
                continue
            needed[maker] = [f"{path} is not here"]
            waiting.append(maker)
    return needed


def causes(config: Config, jobs_to_do: Mapping[Job, tuple[str, ...]]) -> list[Cause]:
    """Return the causes of some jobs, in the order of the jobs. A job that has two of them counts in both.

    Parameters
    ----------
    jobs_to_do
        As `pending` returns them.
    """
    seconds = expected_seconds(config, jobs_to_do)
    jobs_of: dict[str, list[Job]] = {}
    for job, names in jobs_to_do.items():
        for name in names:
            jobs_of.setdefault(name, []).append(job)
    return [Cause(name, len(group), sum(seconds[job] for job in group)) for name, group in jobs_of.items()]


def total(config: Config, jobs_to_do: Mapping[Job, tuple[str, ...]]) -> str:
    """Return in one line how many jobs of the config are to be done, and how long they take on one thread."""
    num_jobs = sum(1 for _ in jobs(config))
    if not jobs_to_do:
        nothing = f"nothing to do: what the {counted(num_jobs, 'job makes', 'jobs make')} is here, as the config says"
        return table_age.note(config) or nothing
    seconds = sum(expected_seconds(config, jobs_to_do).values())
    return f"to do: {len(jobs_to_do):,} of {counted(num_jobs, 'job')}, {words(seconds)} of one thread"


def expected_seconds(config: Config, some_jobs: Mapping[Job, Any]) -> dict[Job, float]:
    """Return the seconds that each of some jobs is expected to take, corrected by earlier runs."""
    factors = calibration(config)
    return {job: estimate(config, job, factors).seconds for job in some_jobs}


def _inherited(config: Config, job: Job, of_path: Mapping[str, tuple[str, ...]]) -> list[str]:
    inputs = STEPS[job.step].inputs(config, job.key).values()
    return [name for group in inputs for path in group for name in of_path.get(path, ())]


def _outputs(job: Job) -> list[str]:
    step = STEPS[job.step]
    return [kind.at(job.key) for kind in (*step.makes.values(), *step.leaves)]


def _own_causes(config: Config, job: Job) -> list[str]:
    """Return why a job that was done is to be done again, whatever the jobs before it do: its settings differ, or it took other bytes."""
    step = STEPS[job.step]
    try:
        content = manifest.read(paths.manifest(step.main.at(job.key)))
    except HeirloomError:
        return [f"the manifest of {step.main.at(job.key)} cannot be read"]
    return _changes(config, job, content) or list(_other_inputs(content))


def _changes(config: Config, job: Job, content: Mapping[str, Any], but: Collection[str] = ()) -> list[str]:
    """Return what the config says otherwise than a job's manifest does, without the fields of slices that are named."""
    step = STEPS[job.step]
    recorded = by_dotted_key(content["slice"])
    planned = by_dotted_key(json.loads(json.dumps(step.slice(config, job.key).json_fields())))
    differing = [key for key in (*planned, *recorded) if planned.get(key) != recorded.get(key) and key.rpartition(".")[2] not in but]
    return [_setting(config, job, step, key, recorded, planned) for key in dict.fromkeys(differing)]


def _is_made(job: Job, marked: Collection[str]) -> bool:
    """Return whether a job was done, by its notes: what it made need not be here as long as nobody takes it.

    Parameters
    ----------
    marked
        Outputs of jobs that are running or were interrupted.
    """
    artefact = STEPS[job.step].main.at(job.key)
    notes = paths.manifest(artefact), paths.fingerprint(artefact)
    return artefact not in marked and all(Path(note).is_file() for note in notes)


def _other_inputs(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield a cause for each artefact that is here with other bytes than a job took."""
    for entry in manifest.inputs(content):
        note = Path(paths.fingerprint(entry.path))
        if not note.is_file():
            continue
        if read_json(note).get("sha256") != entry.sha256:
            yield f"{entry.path} has changed"


def _new(config: Config, job: Job, begun: Collection[str]) -> str:
    """Return that a job was not done: in an experiment of which something is made, with its arm."""
    experiment = config.experiments[job.experiment].variant_of or job.experiment
    return f"not made yet: {experiment}/{job.regime}" if job.experiment in begun else f"not made yet: {experiment}"


def _setting(config: Config, job: Job, step: Step, key: str, recorded: Mapping[str, Any], planned: Mapping[str, Any]) -> str:
    """Return a change of a slice as a change of the config: its key there, what it was and what it is."""
    last = key.rpartition(".")[2]
    if last == _CODE:
        return f"the code of {step.name}"
    experiment = config.experiments[job.experiment]
    name = experiment.variant_of or job.experiment
    if last == _FILES:
        return f"the files of {name}"
    documents: dict[str, dict[str, Any]] = {name: experiment.model_dump(mode="json")}
    if job.regime in config.regimes:
        documents[job.regime] = config.regimes[job.regime].model_dump(mode="json")
    values = {"num_threads": config.num_threads, **by_dotted_key(documents)}
    place = max(values, key=lambda path: _likeness(key, path, values[path] == planned.get(key), job))
    if not _shared_end(key, place):
        return f"{name}, {step.name} {key} {_shown(recorded.get(key, _DEFAULT))} → {_shown(planned.get(key, _DEFAULT))}"
    return f"{place} {_shown(recorded.get(key, _DEFAULT))} → {_shown(planned.get(key, values[place]))}"


def _likeness(key: str, path: str, is_equal: bool, job: Job) -> tuple[int, bool, bool]:
    """Return how well a key of a slice fits a key of the config: by its last parts, its value, and whether it is the origin's."""
    return _shared_end(key, path), is_equal, (ORIGIN in path.split(".")) == (job.regime == ORIGIN)


def _shared_end(key: str, path: str) -> int:
    """Return how many of the last parts of two dotted keys are equal."""
    number = 0
    for one, other in zip(reversed(key.split(".")), reversed(path.split(".")), strict=False):
        if one != other:
            break
        number += 1
    return number


def _shown(value: Any) -> str:
    return short(value if value == _DEFAULT else json.dumps(value, ensure_ascii=False), _LONGEST_VALUE)
