"""What `verify` says of sources: files that are no longer what real data and models were made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from heirloom import sources
from heirloom.artefacts import manifest, paths
from heirloom.artefacts.manifest import Input
from heirloom.errors import HeirloomError
from heirloom.lineage.verify_records import Mismatch
from heirloom.sources import Change
from heirloom.sources.input_files import HUB_FILE, ROLES
from heirloom.workflow import folders

ChangesOf = Callable[[tuple[Input, ...]], tuple[Change, ...]]
"""Inputs of a manifest → what became of those that are files (`changes`, remembered: a job's artefacts share them)."""


def source_mismatches(unit: str, changes_of: ChangesOf, *, hubs: bool) -> Iterator[Mismatch]:
    """Yield each source once that a manifest of a unit names and that has other bytes now, or of which some files are missing.

    Where none is on this machine, as in a clone without the corpus, that is no mismatch: `absent` counts them.

    Parameters
    ----------
    hubs
        Ask hubs, too, whether they are still at the recorded commit.
    """
    reported_sources = set()
    for artefact, content in _manifests(unit):
        inputs = tuple(manifest.inputs(content))
        changes = changes_of(inputs)
        words = {"changed": f"changed since {artefact} was made from it; snakemake makes it again"}
        if not _is_absent(inputs, changes):
            words["absent"] = f"missing, though {artefact} was made from it; snakemake makes it again from what is here"
        faults = {change.path: words[change.what] for change in changes if change.what in words}
        if hubs:
            faults |= {path: f"{artefact} was made from it, but {note}" for path, note in sources.moved_revisions(content)}
        for path, fault in faults.items():
            if path not in reported_sources:
                reported_sources.add(path)
                yield Mismatch(path, fault)


def absent(unit: str, changes_of: ChangesOf) -> frozenset[str]:
    """Return the sources of a unit if none of them is on this machine, so that they cannot be compared."""
    paths: set[str] = set()
    for _, content in _manifests(unit):
        inputs = tuple(manifest.inputs(content))
        changes = changes_of(inputs)
        if _is_absent(inputs, changes):
            paths |= {change.path for change in changes}
    return frozenset(paths)


def changes(inputs: tuple[Input, ...]) -> tuple[Change, ...]:
    """Read the files among some inputs, and return what has become of them."""
    return tuple(sources.changed_files(inputs))


def _is_absent(inputs: tuple[Input, ...], changes: Sequence[Change]) -> bool:
    """Return whether a job has read files of this machine, and none of them is on it now."""
    local = [edge for edge in inputs if edge.role in ROLES and not HUB_FILE.fullmatch(edge.path)]
    return bool(local) and [change.what for change in changes] == ["absent"] * len(local)


def _manifests(unit: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for artefact in map(str, folders.sealed_artefacts(unit)):
        try:
            yield artefact, manifest.read(paths.manifest(artefact))
        except HeirloomError:  # a manifest that is damaged is named by itself
            continue
