"""Audit by re-execution: some recorded jobs, chosen at random or by what a number depends on, are done again and compared by bytes.

Hashes alone cannot tell a record that was forged consistently from one that was made. Doing a job again can, with a probability that is
stated (`chances`). Verdicts are remembered by what the manifests and the code say, so that an audit that was stopped goes on.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import dumps
from heirloom.artefacts.manifest import Input
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import cost_table, dvc, foreign, named_programs, redone_job, verify_sources
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.costs import COSTS, KEY
from heirloom.lineage.project import Project
from heirloom.lineage.recorded_jobs import outputs_by_job
from heirloom.lineage.redone_job import Verdict
from heirloom.runtime.streams import Stream
from heirloom.workflow import folders
from heirloom.workflow.steps import STEPS, job_of

MEMORY = Path(".heirloom/audit.jsonl")
"""Verdicts of earlier audits. Private memory: it may be deleted at any moment, and an auditor who trusts nobody does."""


ABSENT = "not on this machine"


@dataclass(frozen=True)
class AuditedJob:
    """A recorded job.

    Attributes
    ----------
    outputs
        The artefacts that it made.
    """

    outputs: tuple[Artefact, ...]

    @property
    def name(self) -> str:
        """Its step and the folder that it worked in."""
        return f"{self.outputs[0].step} {self.outputs[0].job}"

    def digest(self, code: str) -> str:
        """Return a hash of all that its manifests say, and of the code that would redo it."""
        return hashlib.sha256("".join([code, *(dumps(one.manifest) for one in self.outputs)]).encode()).hexdigest()


class Outcome(NamedTuple):
    """A job that was redone, and what came of it; ``is_remembered`` where an earlier audit has done so."""

    job: AuditedJob
    verdict: Verdict
    is_remembered: bool


def recorded_jobs(project: Project, references: Sequence[str] = ()) -> list[AuditedJob]:
    """Return the jobs whose manifests are here, of some experiments, arms or lineages, or all, in the order in which they ran.

    Raises
    ------
    HeirloomError
        If nothing has one of these names, or nothing is recorded at all.
    """
    names = references or experiments(project)
    artefacts = {artefact.path: artefact for name in names for artefact in project.artefacts_of(name)}
    made = [artefact for artefact in artefacts.values() if artefact.slice and kinds.key_of(artefact.path)]
    found = [AuditedJob(tuple(outputs)) for outputs in outputs_by_job(made).values()]
    if not found:
        raise HeirloomError("nothing to audit: no job has a manifest here; run snakemake, or fetch manifests with dvc pull")
    return found


def check_versions(all_jobs: Sequence[AuditedJob], config: Config) -> None:
    """Refuse jobs that another commit has recorded, and this one has not: a verdict on them would be said of this commit.

    Raises
    ------
    HeirloomError
        The message names the first artefact.
    """
    units = (folders.unit_of(artefact.path) for job in all_jobs for artefact in job.outputs)
    foreign.check(dict.fromkeys(filter(None, units)), config)


def fetch_manifests(project: Project) -> None:
    """Bring the manifests of all recorded artefacts that are not here: small files, by which jobs are known."""
    missing = [path for path in project.ledger if folders.lineage_of(path) and not project.has_manifest(path)]
    _pull([note for path in missing for note in (paths.manifest(path), paths.fingerprint(path))])


def fetch_inputs(chosen: Sequence[AuditedJob]) -> None:
    """Bring the inputs of some jobs that are not here, with their notes; nothing else."""
    edges = [edge for job in chosen for edge in job.outputs[0].inputs if not edge.is_source]
    names = [name for edge in edges for name in (edge.name, paths.manifest(edge.name), paths.fingerprint(edge.name))]
    _pull([name for name in dict.fromkeys(names) if not Path(name).exists()])


def _pull(names: Sequence[str]) -> None:
    if names:
        dvc.pull(names)


def experiments(project: Project) -> list[str]:
    """Return the experiments that have a recorded artefact on disk or in the ledger."""
    from heirloom.lineage import index

    artefacts = {*index.artefacts_on_disk(project.root), *project.ledger}
    return sorted({Path(path).parts[1] for path in artefacts if folders.lineage_of(path)})


def sample(all_jobs: Sequence[AuditedJob], *, number: int | None, share: float | None, seed: int) -> list[AuditedJob]:
    """Return a random sample of jobs without replacement: so many, or a share of them rounded up.

    Raises
    ------
    HeirloomError
        If neither or both are given, or there are not so many.
    """
    if (number is None) == (share is None):
        raise HeirloomError("audit takes --jobs K or --share P, one of the two")
    if share is not None and not 0 < share <= 1:
        raise HeirloomError(f"--share {share:g}: a share of the jobs, above 0 and at most 1")
    count = math.ceil(share * len(all_jobs)) if share is not None else number
    assert count is not None
    if not 0 < count <= len(all_jobs):
        raise HeirloomError(f"--jobs {count}: there are {len(all_jobs)} jobs")
    chosen = Stream(("audit", seed)).generator().choice(len(all_jobs), size=count, replace=False)
    return [all_jobs[place] for place in sorted(map(int, chosen))]


def behind(project: Project, artefacts: Iterable[str]) -> list[AuditedJob]:
    """Return the jobs that some artefacts depend on, the dearest first, by CPU seconds of the cost table, then by size."""
    ancestors = project.ancestors([project.artefact(path) for path in artefacts])
    made = [artefact for artefact in ancestors.values() if artefact.slice]
    found = [AuditedJob(tuple(outputs)) for outputs in outputs_by_job(made).values()]
    costs = _costs()
    return sorted(found, key=lambda job: (-costs.get(job_of(job.outputs[0].step, job.outputs[0].job), 0.0), -_size(job)))


def redo(chosen: Sequence[AuditedJob], config: Config | None, *, afresh: bool = False) -> Iterator[Outcome]:
    """Yield what comes of redoing each job; verdicts that are remembered are not asked for again.

    A job is not redone whose manifest names a program or a server that the config does not name for it: an audit starts nothing else.

    Parameters
    ----------
    config
        Says what code a job would have today, and what it may start; None if it is not known.
    afresh
        Whether to forget what is remembered.
    """
    if afresh:
        MEMORY.unlink(missing_ok=True)
    memory = _memory()
    for job in chosen:
        planned = _planned(job, config)
        code = str(planned.get("code", ""))
        digest = job.digest(code)
        remembered = memory.get(digest)
        strange_program = named_programs.undeclared(job.outputs[0].slice, planned)
        if strange_program and remembered is None:
            reason = f"its manifest names {strange_program}, which the config does not name for this job, so it was not started"
            yield Outcome(job, Verdict("not comparable here", reason), is_remembered=False)
            continue
        verdict = remembered or redone_job.redo(job.outputs, code)
        if remembered is None and verdict.answer != "not redone":
            _remember(digest, verdict)
        yield Outcome(job, verdict, remembered is not None)


def changed_sources(project: Project, references: Sequence[str] = ()) -> list[str]:
    """Return lines about the source files that are no longer what real data and models were made from, having read every byte of them."""
    lines: dict[str, None] = {}
    for name in references or experiments(project):
        for artefact in project.artefacts_of(name):
            inputs = tuple(Input(edge.role, edge.name, edge.sha256) for edge in artefact.inputs if edge.is_source)
            for change in verify_sources.changes(inputs):
                lines[f"{change.path}: {'not on this machine' if change.what == 'absent' else 'changed'}, {artefact.name} came from it"] = (
                    None
                )
    return [*lines]


def _planned(job: AuditedJob, config: Config | None) -> Mapping[str, Any]:
    """Return the slice of the config's job, with the hash of the code that it would run today; empty where the config does not name it."""
    artefact = job.outputs[0]
    key = job_of(artefact.step, artefact.job).key
    if config is None or artefact.step not in STEPS or key.experiment not in config.experiments:
        return {}
    try:
        return STEPS[artefact.step].slice(config, key).json_fields()
    except (HeirloomError, KeyError):  # a regime that the config does not name, a source that is not here
        return {}


def _memory() -> dict[str, Verdict]:
    if not MEMORY.is_file():
        return {}
    entries = [json.loads(line) for line in MEMORY.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return {entry["job"]: Verdict(entry["answer"], entry["reason"]) for entry in entries}


def _remember(digest: str, verdict: Verdict) -> None:
    MEMORY.parent.mkdir(exist_ok=True)
    with MEMORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"job": digest, "answer": verdict.answer, "reason": verdict.reason}) + "\n")


def _costs() -> Mapping[tuple[Any, ...], float]:
    rows = cost_table.read(COSTS)
    return {tuple(row[name] for name in KEY): float(row.get("cpu_seconds") or row.get("seconds") or 0) for row in rows}


def _size(job: AuditedJob) -> int:
    return sum(artefact.size for artefact in job.outputs)
