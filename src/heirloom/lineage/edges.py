"""Edges: whether an artefact lies where its manifest says, and whether what it was made from still does.

Two artefacts that were exchanged with all their notes are found by the manifests' own paths. Where the notes were rewritten to fit, the
manifests of what was made from them still tell of the bytes that lay there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from heirloom import manifest, paths
from heirloom.errors import HeirloomError
from heirloom.manifest import Input
from heirloom.workflow import folders

_DIGITS = 12


def is_misplaced(artefact: str) -> bool:
    """Return whether an artefact's manifest can be read and belongs to another place."""
    try:
        return bool(manifest.misplaced(manifest.read(paths.manifest(artefact)), artefact))
    except HeirloomError:
        return False


def departed(artefact: str) -> list[str]:
    """Return the paths of an artefact's inputs where other bytes lie now than it was made from; none of a damaged manifest."""
    try:
        content = manifest.read(paths.manifest(artefact))
    except HeirloomError:
        return []
    return [one.path for one, _ in _departed(content)]


def contradictions(artefact: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what in an artefact's manifest disagrees with where the artefact and its inputs lie, each in a few words.

    Parameters
    ----------
    artefact
        Its path inside the project.
    content
        Its manifest.
    """
    if reason := manifest.misplaced(content, artefact):
        yield reason
    for one, present in _departed(content):
        yield f"made from {one.path} as {one.sha256[:_DIGITS]}, but {present[:_DIGITS]} lies there"


def _departed(content: Mapping[str, Any]) -> Iterator[tuple[Input, str]]:
    """Yield the inputs of a manifest where other bytes lie now, each with the fingerprint of these."""
    for one in manifest.inputs(content):
        present = _recorded(one.path) if folders.lineage_of(one.path) else None
        if present not in (None, one.sha256):
            yield one, present


def _recorded(path: str) -> str | None:
    """Return the fingerprint beside an artefact; None where there is none that can be read, which is named elsewhere."""
    if not Path(paths.fingerprint(path)).exists():
        return None
    try:
        return manifest.recorded_sha256(path)
    except HeirloomError:
        return None
