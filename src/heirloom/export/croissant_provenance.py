"""Where the datasets of a Croissant file came from, in terms of W3C PROV: sources, artefacts and jobs, as their manifests name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from heirloom.export.crate_files import hash_address
from heirloom.export.licences import Licence
from heirloom.lineage.artefact import Artefact, Input
from heirloom.lineage.recorded_jobs import in_order, outputs_by_job

Links = Mapping[str, str]
"""Path of an artefact inside the project → its ``@id``, of those that the folder holds."""


def activities(artefacts: Sequence[Artefact], links: Links) -> list[dict[str, Any]]:
    """Return the jobs that made some artefacts, in the order in which they ran, each with what it used and its settings."""
    return [_activity(outputs, links) for outputs in outputs_by_job(artefacts).values()]


def sources(artefacts: Iterable[Artefact], licence: Licence) -> list[dict[str, Any]]:
    """Return the files that the artefacts came from and that no job has made, by name and hash, with the licence of the real data."""
    entities: dict[str, dict[str, Any]] = {}
    for artefact in in_order(artefacts):
        for source in filter(lambda source: source.is_source, artefact.inputs):
            entity = {"@type": ["prov:Entity", "sc:CreativeWork"], "@id": address_of(source, {}), "name": source.name}
            entities[source.name] = {**entity, "sha256": source.sha256, "license": licence.tag}
    return list(entities.values())


def links_of(artefact: Artefact, links: Links) -> dict[str, Any]:
    """Return the links of a dataset to its job and to what it was derived from."""
    derived = _used(artefact, links)
    generated = {"prov:wasGeneratedBy": {"@id": _job_address(artefact)}}
    return {**generated, "prov:wasDerivedFrom": derived} if derived else generated


def address_of(source: Input, links: Links) -> str:
    """Return the ``@id`` of an input: of a dataset in the folder its path there, of anything else the name of its bytes by RFC 6920."""
    if source.path and source.path in links:
        return links[source.path]
    return hash_address(source.sha256) + (f"?path={quote(source.name)}" if source.name else "")


def _activity(outputs: Sequence[Artefact], links: Links) -> dict[str, Any]:
    artefact = outputs[0]
    environment = artefact.manifest.get("environment", {})
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(environment.get("libraries", {}).items()))
    made = ", ".join(output.name for output in outputs)
    activity: dict[str, Any] = {
        "@type": "prov:Activity",
        "@id": _job_address(artefact),
        "prov:label": f"{artefact.step} {artefact.job}",
        "sc:description": f"heirloom {artefact.step} made {made}",
        "prov:wasAssociatedWith": {
            "@type": "prov:SoftwareAgent",
            "prov:label": f"heirloom {artefact.step}, code {artefact.slice.get('code', 'unknown')}",
            "sc:description": libraries or "libraries not recorded",
        },
    }
    used = _used(artefact, links)
    return {**activity, "prov:used": used} if used else activity


def _used(artefact: Artefact, links: Links) -> list[dict[str, str]]:
    """Return a link to each input, once; what else is said of it stands where it is described."""
    addresses = dict.fromkeys(address_of(source, links) for source in artefact.inputs)
    return [{"@id": address} for address in addresses]


def _job_address(artefact: Artefact) -> str:
    return f"#job-{artefact.step}/{quote(artefact.job)}"
