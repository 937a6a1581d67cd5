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


def departed(artefact: str) -> list[str]:
    """Return the paths of the inputs that now have other bytes than the artefact was made from; none for a damaged manifest."""
    try:
        content = manifest.read(paths.manifest(artefact))
    except HeirloomError:
        return []
    return [one.path for one, _ in _departed(content)]


def contradictions(artefact: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield, in a few words each, what in a manifest disagrees with the places of the artefact and its inputs.

    Parameters
    ----------
    artefact
        Its path inside the project.
    content
        Its manifest.
    """
    if reason := manifest.misplacement(content, artefact):
        yield reason
    for one, present in _departed(content):
        yield f"made from {one.path} as {one.sha256[:_DIGITS]}, but {present[:_DIGITS]} lies there"


def _departed(content: Mapping[str, Any]) -> Iterator[tuple[Input, str]]:
    """Yield the inputs of a manifest that have other bytes now, each with the fingerprint of these bytes."""
    for one in manifest.inputs(content):
        present = _recorded(one.path) if folders.lineage_of(one.path) else None
        if present not in (None, one.sha256):
            yield one, present


def _recorded(path: str) -> str | None:
    """Return the fingerprint beside an artefact, or None if none can be read. Other checks name a missing fingerprint."""
    if not Path(paths.fingerprint(path)).exists():
        return None
    try:
        return recorded_sha256(path)
    except HeirloomError:
        return None
