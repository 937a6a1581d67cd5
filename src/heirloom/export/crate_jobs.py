"""The actions of a crate: each job with its inputs, its outputs, the software that it used, and its cost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heirloom.artefacts.files import dumps
from heirloom.export.crate_files import Files, single
from heirloom.lineage import cost_table
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.costs import COSTS, KEY
from heirloom.workflow.steps import job_of, position

COMPLETED = "http://schema.org/CompletedActionStatus"
_UNITS = {"seconds": "SEC", "cpu_seconds": "SEC", "peak_memory_mb": "E63", "read_mb": "E63", "written_mb": "E63"}
"""Columns of the cost table and their units, as UN/CEFACT codes: second, mebibyte."""

Cost = Mapping[str, Any]


@dataclass
class Jobs:
    """The entities that the workflow is linked with: programs, steps, what orders a job, and the jobs."""

    tools: list[Any] = field(default_factory=list)
    steps: list[Any] = field(default_factory=list)
    controls: list[Any] = field(default_factory=list)
    actions: list[Any] = field(default_factory=list)


def add(crate: Any, artefacts: Sequence[Artefact], files: Files, *, with_costs: bool) -> Jobs:
    """Add the jobs that made some artefacts, and link each artefact with its job and with what it came from.

    Parameters
    ----------
    with_costs
        Whether the cost table on disk is about these artefacts. It is not in git, so it says nothing about another revision.
    """
    jobs = Jobs()
    spent = _costs() if with_costs else {}
    grouped: dict[tuple[str, str], list[Artefact]] = {}
    for artefact in artefacts:
        grouped.setdefault((artefact.step, artefact.job), []).append(artefact)
    for (step, place), made in sorted(grouped.items(), key=lambda job: (job[0][1], position(job[0][0]))):
        tool = _tool(crate, jobs, made[0])
        action = _add(crate, f"#job-{step}/{place}", "CreateAction", name=f"{step} {place}", actionStatus=COMPLETED)
        action["description"] = f"heirloom {step} made {', '.join(artefact.name for artefact in made)}"
        inputs = [files.of[one.path] if one.path in files.of else files.elsewhere(one) for one in made[0].inputs]
        action["instrument"] = tool
        action["object"] = single([*inputs, _settings(crate, step, place, made[0])])
        action["result"] = single([files.of[artefact.path] for artefact in made])
        _link(action, made, inputs, tool, files)
        if cost := spent.get(job_of(step, place)):
            _cost(crate, action, step, place, cost)
        control = _add(crate, f"#control-{step}/{place}", "ControlAction", name=f"Snakemake's order of {step} {place}")
        control["instrument"] = _step(crate, jobs, step, tool)
        control["object"] = action
        jobs.controls.append(control)
        jobs.actions.append(action)
    return jobs


def sha256_text(text: str) -> str:
    """Return the sha256 of a text as it is written to a file."""
    return hashlib.sha256(text.encode()).hexdigest()


def _link(action: Any, made: Sequence[Artefact], inputs: Sequence[Any], tool: Any, files: Files) -> None:
    """Add W3C PROV's links: from each output to its inputs, its job and the software."""
    for artefact in made:
        entity = files.of[artefact.path]
        entity["wasGeneratedBy"] = action
        entity["wasAttributedTo"] = tool
        if inputs:
            entity["wasDerivedFrom"] = single(inputs)


def _settings(crate: Any, step: str, place: str, artefact: Artefact) -> Any:
    """Return the entity of a job's slice of the config."""
    value = dumps(artefact.slice)
    return _add(crate, f"#settings-{step}/{place}", "PropertyValue", name=f"settings of {step} {place}", value=value)


def _tool(crate: Any, jobs: Jobs, artefact: Artefact) -> Any:
    """Return the entity of a step's program: one per version of its code and per environment in which it ran."""
    environment = artefact.manifest.get("environment", {})
    told = dumps({"code": artefact.slice.get("code"), "environment": environment})
    address = f"#heirloom-{artefact.step}-{sha256_text(told)[:12]}"
    if present := crate.dereference(address):
        return present
    tool = _add(crate, address, "SoftwareApplication", name=f"heirloom {artefact.step}", url="https://pypi.org/project/heirloom/")
    tool["softwareVersion"] = f"code {artefact.manifest['slice'].get('code', 'unknown')}"
    tool["processorRequirements"] = f"{environment.get('machine', '')} {' '.join(environment.get('instruction_set', []))}".strip()
    versions = {**environment.get("libraries", {}), **({"python": environment["python"]} if "python" in environment else {})}
    tool["softwareRequirements"] = [_library(crate, name, version) for name, version in sorted(versions.items())]
    jobs.tools.append(tool)
    return tool


def _library(crate: Any, name: str, version: str) -> Any:
    address = f"https://pypi.org/project/{name}/{version}/" if name != "python" else f"https://www.python.org/#{version}"
    return _add(crate, address, "SoftwareApplication", name=name, softwareVersion=version, url=address)


def _step(crate: Any, jobs: Jobs, step: str, tool: Any) -> Any:
    """Return the entity of a workflow's step: one per program that ran it."""
    address = tool.id.replace("#heirloom-", "#step-")
    if present := crate.dereference(address):
        return present
    entity = _add(crate, address, "HowToStep", name=step, position=str(position(step) + 1))
    entity["workExample"] = tool
    jobs.steps.append(entity)
    return entity


def _cost(crate: Any, action: Any, step: str, place: str, cost: Cost) -> None:
    """Add what is known about a job's cost. Its start time is not known."""
    action["resourceUsage"] = [
        _add(crate, f"#cost-{name}-{step}/{place}", "PropertyValue", name=name, propertyID=name, value=str(cost[name]), unitCode=unit)
        for name, unit in _UNITS.items()
        if cost.get(name) is not None
    ]
    changes = f", with changes not committed ({cost['changes']})" if cost.get("changes") else ""
    if cost.get("commit"):
        action["description"] = f"{action['description']}; recorded at commit {cost['commit']}{changes}"


def _costs() -> dict[tuple[Any, ...], Cost]:
    return {tuple(row[name] for name in KEY): row for row in cost_table.read(COSTS)}


def _add(crate: Any, address: str, kind: str, **properties: str) -> Any:
    from rocrate.model.contextentity import ContextEntity

    return crate.add(ContextEntity(crate, address, properties={"@type": kind, **properties}))
