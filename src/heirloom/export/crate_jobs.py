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
from heirloom.lineage.recorded_jobs import outputs_by_job
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
    costs = _costs() if with_costs else {}
    for (step, place), outputs in outputs_by_job(artefacts).items():
        tool = _tool(crate, jobs, outputs[0])
        action = _action(crate, step, place, outputs, tool, files)
        cost = costs.get(job_of(step, place))
        if cost:
            _cost(crate, action, step, place, cost)
        control = _add(crate, f"#control-{step}/{place}", "ControlAction", name=f"Snakemake's order of {step} {place}")
        control["instrument"] = _step(crate, jobs, step, tool)
        control["object"] = action
        jobs.controls.append(control)
        jobs.actions.append(action)
    return jobs


def _action(crate: Any, step: str, place: str, outputs: Sequence[Artefact], tool: Any, files: Files) -> Any:
    """Return the entity of a job, linked with its inputs, its settings and its outputs."""
    action = _add(crate, f"#job-{step}/{place}", "CreateAction", name=f"{step} {place}", actionStatus=COMPLETED)
    names = ", ".join(artefact.name for artefact in outputs)
    action["description"] = f"heirloom {step} made {names}"
    inputs = [files.input_entity(source) for source in outputs[0].inputs]
    action["instrument"] = tool
    action["object"] = single([*inputs, _settings(crate, step, place, outputs[0])])
    action["result"] = single([files.entities[artefact.path] for artefact in outputs])
    _link(action, outputs, inputs, tool, files)
    return action


def sha256_text(text: str) -> str:
    """Return the sha256 of a text as it is written to a file."""
    return hashlib.sha256(text.encode()).hexdigest()


def _link(action: Any, outputs: Sequence[Artefact], inputs: Sequence[Any], tool: Any, files: Files) -> None:
    """Add W3C PROV's links: from each output to its inputs, its job and the software."""
    for artefact in outputs:
        entity = files.entities[artefact.path]
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
    version = dumps({"code": artefact.slice.get("code"), "environment": environment})
    address = f"#heirloom-{artefact.step}-{sha256_text(version)[:12]}"
    known_tool = crate.dereference(address)
    if known_tool:
        return known_tool
    tool = _add(crate, address, "SoftwareApplication", name=f"heirloom {artefact.step}", url="https://pypi.org/project/heirloom-lineage/")
    tool["softwareVersion"] = f"code {artefact.manifest['slice'].get('code', 'unknown')}"
    instruction_sets = " ".join(environment.get("instruction_set", []))
    tool["processorRequirements"] = f"{environment.get('machine', '')} {instruction_sets}".strip()
    versions = dict(environment.get("libraries", {}))
    if "python" in environment:
        versions["python"] = environment["python"]
    tool["softwareRequirements"] = [_library(crate, name, version) for name, version in sorted(versions.items())]
    jobs.tools.append(tool)
    return tool


def _library(crate: Any, name: str, version: str) -> Any:
    address = f"https://pypi.org/project/{name}/{version}/" if name != "python" else f"https://www.python.org/#{version}"
    return _add(crate, address, "SoftwareApplication", name=name, softwareVersion=version, url=address)


def _step(crate: Any, jobs: Jobs, step: str, tool: Any) -> Any:
    """Return the entity of a workflow's step: one per program that ran it."""
    address = tool.id.replace("#heirloom-", "#step-")
    known_step = crate.dereference(address)
    if known_step:
        return known_step
    entity = _add(crate, address, "HowToStep", name=step, position=str(position(step) + 1))
    entity["workExample"] = tool
    jobs.steps.append(entity)
    return entity


def _cost(crate: Any, action: Any, step: str, place: str, cost: Cost) -> None:
    """Add what is known about a job's cost. Its start time is not known."""
    usage = []
    for name, unit in _UNITS.items():
        if cost.get(name) is not None:
            properties = {"name": name, "propertyID": name, "value": str(cost[name]), "unitCode": unit}
            usage.append(_add(crate, f"#cost-{name}-{step}/{place}", "PropertyValue", **properties))
    action["resourceUsage"] = usage
    changes = f", with changes not committed ({cost['changes']})" if cost.get("changes") else ""
    if cost.get("commit"):
        action["description"] = f"{action['description']}; recorded at commit {cost['commit']}{changes}"


def _costs() -> dict[tuple[Any, ...], Cost]:
    costs: dict[tuple[Any, ...], Cost] = {}
    for row in cost_table.read(COSTS):
        job = tuple(row[name] for name in KEY)
        costs[job] = row
    return costs


def _add(crate: Any, address: str, kind: str, **properties: str) -> Any:
    from rocrate.model.contextentity import ContextEntity

    return crate.add(ContextEntity(crate, address, properties={"@type": kind, **properties}))
