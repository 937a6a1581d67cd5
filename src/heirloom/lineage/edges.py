"""Edges: whether an artefact lies where its manifest says, and whether its inputs still lie where it says.

If two artefacts were exchanged together with their fingerprints and manifests, the paths in the manifests show it. If these
files were rewritten to fit, the manifests of what was made from the artefacts still name the bytes that lay there before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from heirloom.artefacts import manifest, paths
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.artefacts.manifest import Input
from heirloom.errors import HeirloomError
from heirloom.workflow import folders

_DIGITS = 12


def is_misplaced(artefact: str) -> bool:
    """Return whether an artefact's manifest can be read and belongs to another place."""
    try:
        return bool(manifest.misplacement(manifest.read(paths.manifest(artefact)), artefact))
    except HeirloomError:
        return False


def changed_inputs(artefact: str) -> list[str]:
    """Return the paths of the inputs that now have other bytes than the artefact was made from; none for a damaged manifest."""
    try:
        content = manifest.read(paths.manifest(artefact))
    except HeirloomError:
        return []
    return [edge.path for edge, _ in _changes(content)]


def contradictions(artefact: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield, in a few words each, what in a manifest disagrees with the places of the artefact and its inputs.

    Parameters
    ----------
    artefact
        Its path inside the project.
    content
        Its manifest.
    """
    reason = manifest.misplacement(content, artefact)
    if reason:
        yield reason
    for edge, sha256 in _changes(content):
        yield f"made from {edge.path} as {edge.sha256[:_DIGITS]}, but {sha256[:_DIGITS]} lies there"


def _changes(content: Mapping[str, Any]) -> Iterator[tuple[Input, str]]:
    """Yield the inputs of a manifest that have other bytes now, each with the fingerprint of these bytes."""
    for edge in manifest.inputs(content):
        sha256 = _recorded_sha256(edge.path) if folders.lineage_of(edge.path) else None
        if sha256 not in (None, edge.sha256):
            yield edge, sha256


def _recorded_sha256(path: str) -> str | None:
    """Return the fingerprint beside an artefact, or None if none can be read. Other checks name a missing fingerprint."""
    if not Path(paths.fingerprint(path)).exists():
        return None
    try:
        return recorded_sha256(path)
    except HeirloomError:
        return None
