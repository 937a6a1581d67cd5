"""Attestations: what manifests say of each artefact, as in-toto statements, for tools that check supply chains.

A statement (in-toto Attestation Framework, Statement v1) names its subject by digest, and says in a predicate by which step, slice,
materials and environment it was made. It is derived on demand; nothing is added under ``data/``. The text is sorted JSON, and integers
stand as strings: the format's own library keeps numbers as floating point, which loses digits, and gives another text in each process.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heirloom.artefacts import kinds
from heirloom.artefacts.files import dumps
from heirloom.errors import HeirloomError
from heirloom.export import folder
from heirloom.lineage import foreign, references
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.project import Project, locate
from heirloom.lineage.recorded_jobs import in_order
from heirloom.runtime.headway import laps

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://pypi.org/project/heirloom-lineage/job/v1"
"""The type of the predicate: the name of a layout, which no one fetches."""
FILE_DIGEST, FOLDER_DIGEST = "sha256", "heirloomFolderSha256"
"""Names of digests: of a file's bytes, and of a folder's sorted lines (relative path, tab, sha256 of the file)."""
SUFFIX = ".intoto.json"


def export(reference: str, target: Path) -> int:
    """Write a statement for each artefact of an experiment, an arm, a lineage or a generation, or for one; return how many.

    Raises
    ------
    HeirloomError
        If nothing has that name, a manifest is not as it was recorded, or the folder is in use.
    """
    artefacts = _artefacts(reference)
    foreign.check_artefacts(artefacts)
    with folder.new(target) as temporary:
        for artefact in laps(artefacts):
            file = temporary / f"{artefact.path}{SUFFIX}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dumps(statement(artefact)), encoding="utf-8")
    return len(artefacts)


def statement(artefact: Artefact) -> dict[str, Any]:
    """Return the statement about an artefact, from its manifest alone."""
    materials = []
    for source in artefact.inputs:
        digest = {_algorithm(source.name): source.sha256}
        materials.append({"role": source.role, "name": source.name, "digest": digest})
    predicate = {
        "step": artefact.step,
        "slice": artefact.slice,
        "materials": materials,
        "environment": artefact.manifest.get("environment", {}),
    }
    subject = {"name": artefact.path, "digest": {_algorithm(artefact.path): artefact.sha256}}
    return {"_type": STATEMENT, "subject": [subject], "predicateType": PREDICATE, "predicate": _without_integers(predicate)}


def _artefacts(reference: str) -> list[Artefact]:
    name, _, revision = reference.partition(references.REVISION_MARK)
    if ":" in name or name.startswith("data/"):
        return [locate(reference)]
    found = [one for one in Project(revision=revision or None).artefacts_of(name) if one.slice and kinds.key_of(one.path)]
    if not found:
        raise HeirloomError(f"{reference}: no artefact there has a manifest; run snakemake, or fetch it with dvc pull")
    return in_order(found)


def _algorithm(path: str) -> str:
    """Return the name of the digest of what lies at a path: checkpoints are folders, all else are files."""
    is_folder = any(place.wildcards(path) is not None for place in (*kinds.MODELS, kinds.PRETRAINED))
    return FOLDER_DIGEST if is_folder else FILE_DIGEST


def _without_integers(value: Any) -> Any:
    """Return a value with its integers as strings."""
    if isinstance(value, Mapping):
        return {key: _without_integers(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_integers(inner) for inner in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
