"""A Workflow Run RO-Crate, profile Provenance Run Crate 0.5: what ran, with which software, on what, and what came out.

Everything in it is read from manifests, the cost table and git. What they do not say is left out: who ran a job, and when it
began. Equal artefacts give equal crates, because the one date that the specification demands is the commit's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from heirloom.artefacts import kinds
from heirloom.errors import HeirloomError
from heirloom.export import crate_jobs, folder, licences
from heirloom.export.crate_files import Files, format_of, single
from heirloom.export.people import author
from heirloom.lineage import foreign, git, references
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.project import Project
from heirloom.runtime.headway import laps

SMALL = 1 << 16
"""Size in bytes up to which an artefact is copied into a crate that is not asked for the data."""

ROOT_PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
TERMS = {
    "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
    "resourceUsage": "https://w3id.org/ro/terms/workflow-run#resourceUsage",
    "wasDerivedFrom": "http://www.w3.org/ns/prov#wasDerivedFrom",
    "wasGeneratedBy": "http://www.w3.org/ns/prov#wasGeneratedBy",
    "wasAttributedTo": "http://www.w3.org/ns/prov#wasAttributedTo",
}
"""Terms that RO-Crate 1.1 lacks: two of the profile's own context, and W3C PROV's links between entities."""

WORKFLOW = "Snakefile"
_CODE = (WORKFLOW, "rules", "dvc.yaml")


class CrateCounts(NamedTuple):
    """What a crate holds: artefacts, the jobs that made them, and how many artefacts have their bytes in it."""

    artefacts: int
    jobs: int
    copied: int


def export(reference: str, target: Path, *, config: Path, authors: Sequence[str] = (), limit: int | None = SMALL) -> CrateCounts:
    """Write the crate of an experiment, a lineage or a generation, with all that it came from.

    Parameters
    ----------
    reference
        What it covers, with ``@revision`` for what a commit recorded.
    target
        A folder that does not exist yet, or is empty.
    config
        The config file. It has the licence of the real data, and the crate holds it as it stands in the commit.
    authors
        ``Name`` or ``Name <URL>`` of each author.
    limit
        Size in bytes up to which an artefact is copied; None copies all.

    Raises
    ------
    HeirloomError
        If nothing has that name, if there is no commit whose date to take, if bytes to be copied are not the recorded ones, or if
        the folder is in use.
    """
    from rocrate.rocrate import ROCrate

    name, _, revision = reference.partition(references.REVISION_MARK)
    project = Project(revision=revision or None)
    commit = project.commit or git.commit_of("HEAD")
    results = project.artefacts_of(name)
    ancestors = project.ancestors(results)
    artefacts = [ancestors[path] for path in sorted(ancestors) if ancestors[path].slice]  # the ledger alone tells too little
    foreign.check_artefacts(artefacts)
    with folder.new(target) as temporary:
        crate = ROCrate(version="1.1")
        crate.metadata.extra_terms.update(TERMS)
        files = Files(crate, limit)
        for artefact in laps(artefacts):
            files.add(artefact)
        workflow = _workflow(crate, project, commit, config)
        jobs = crate_jobs.add(crate, artefacts, files, with_costs=not revision)
        result_entities = [files.entities[artefact.path] for artefact in results]
        _link_run(crate, workflow, jobs, result_entities, config)
        _describe(crate, reference, git.date_of(commit), _licence(artefacts, config), authors)
        crate.write(temporary)
        copied = files.finish(temporary)
    return CrateCounts(len(artefacts), len(jobs.actions), copied)


def _describe(crate: Any, reference: str, date: str, licence: licences.Licence, authors: Sequence[str]) -> None:
    """Fill in the root: names, date, licence, authors, profiles."""
    from rocrate.model.contextentity import ContextEntity
    from rocrate.model.person import Person

    crate.name = f"Heirloom: {reference}"
    crate.description = (
        f"Models trained generation after generation on their own output: datasets and checkpoints of {reference}, how each was made and "
        f"what from. Rows marked synthetic were written by models. {licence.sentence}"
    )
    crate.datePublished = date
    crate.license = licence.tag
    if licence.tag.startswith("cc-"):
        address = f"https://spdx.org/licenses/{licence.tag.upper()}"
        properties = {"@type": "CreativeWork", "name": licence.tag.upper(), "description": licence.sentence}
        crate.license = crate.add(ContextEntity(crate, address, properties=properties))
    profiles = []
    for address, name, version in ROOT_PROFILES:
        properties = {"@type": "CreativeWork", "name": name, "version": version}
        profiles.append(crate.add(ContextEntity(crate, address, properties=properties)))
    crate.root_dataset["conformsTo"] = profiles
    if authors:
        names_and_addresses = [author(text) for text in authors]
        people = [crate.add(Person(crate, address, properties={"name": name})) for name, address in names_and_addresses]
        crate.root_dataset["author"] = single(people)


def _workflow(crate: Any, project: Project, commit: str, config: Path) -> Any:
    """Add the workflow's files, and return the entity of the Snakefile."""
    contents: dict[str, bytes] = {}
    for name in (*_CODE, config.as_posix()):
        contents.update(_contents(name, project.commit))
    if WORKFLOW not in contents:
        where = f" in {project.revision}" if project.revision else ""
        raise HeirloomError(f"{WORKFLOW}: missing{where}; run heirloom in the project's top folder")
    for path, content in contents.items():
        if path != WORKFLOW:
            crate.add_file(BytesIO(content), path, properties=_file_properties(path, content))
    properties = {
        **_file_properties(WORKFLOW, contents[WORKFLOW]),
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "version": commit,
        "description": "sample, mix, train, evaluate; generation after generation",
        "name": "Heirloom's workflow",
    }
    return crate.add_workflow(BytesIO(contents[WORKFLOW]), WORKFLOW, properties=properties, main=True, lang="snakemake")


def _file_properties(path: str, content: bytes) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    return {"name": path, "sha256": sha256, "contentSize": str(len(content)), "encodingFormat": format_of(path)}


def _contents(name: str, commit: str | None) -> list[tuple[str, bytes]]:
    """Return path and bytes of a file, or of the files in a folder; none if there is no such file."""
    if commit:
        return [(path, git.show(commit, path) or b"") for path in git.files_of(commit, name)]
    return [(file.as_posix(), file.read_bytes()) for file in folder.files(Path(name))]


def _link_run(crate: Any, workflow: Any, jobs: crate_jobs.Jobs, results: Sequence[Any], config: Path) -> None:
    """Say that the workflow's engine ran the jobs, and that the run gave the results."""
    from rocrate.model.contextentity import ContextEntity

    workflow["hasPart"] = single(jobs.tools)
    workflow["step"] = single(jobs.steps)
    run_properties = {
        "@type": "CreateAction",
        "name": "the workflow's run",
        "description": "All jobs that the artefacts in this crate came from.",
        "actionStatus": crate_jobs.COMPLETED,
    }
    run = crate.add(ContextEntity(crate, "#run", properties=run_properties))
    run["instrument"] = workflow
    run["result"] = single(results)
    config_entity = crate.dereference(config.as_posix())
    if config_entity:
        run["object"] = config_entity
    engine_properties = {"@type": "SoftwareApplication", "name": "Snakemake", "url": "https://snakemake.readthedocs.io"}
    engine_run_properties = {"@type": "OrganizeAction", "name": "Snakemake's run of the jobs"}
    engine_run = crate.add(ContextEntity(crate, "#engine-run", properties=engine_run_properties))
    engine_run["instrument"] = crate.add(ContextEntity(crate, "https://snakemake.github.io", properties=engine_properties))
    engine_run["object"] = single(jobs.controls)
    engine_run["result"] = run
    crate.root_dataset["mentions"] = [run, engine_run, *jobs.actions]


def _licence(artefacts: Sequence[Artefact], config: Path) -> licences.Licence:
    """Return the licence of the real data that everything came from; one experiment's crate has one source."""
    real = [artefact for artefact in artefacts if "source" in artefact.slice]
    if not real:
        raise HeirloomError(f"{artefacts[0].path}: the real data that it came from have no manifest here; fetch them with dvc pull")
    experiment = (kinds.REAL_FOLDER.wildcards(real[0].path) or {})["experiment"]
    return licences.of(experiment, real[0].slice["source"], config)
