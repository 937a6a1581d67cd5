"""What an export is made from: artefacts with their manifests, on disk or as a commit recorded them, and their ancestors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heirloom import manifest, paths, reading
from heirloom.artefacts import kinds
from heirloom.errors import HeirloomError
from heirloom.lineage import index, references, revisions, schema1
from heirloom.manifest import Input
from heirloom.workflow import folders
from heirloom.workflow.steps import STEPS


@dataclass(frozen=True)
class Artefact:
    """A file or folder that a job has made.

    Attributes
    ----------
    recorded
        Its path inside the project.
    place
        Where its bytes lie: the same path, or for a revision a private folder that is never written to.
    manifest
        What stands beside it.
    """

    recorded: str
    place: Path
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its reference."""
        return references.name_of(self.recorded)

    @property
    def sha256(self) -> str:
        """Its recorded fingerprint."""
        return str(self.manifest["sha256"])

    @property
    def size(self) -> int:
        """Its recorded size in bytes."""
        return int(self.manifest["size"])

    @property
    def step(self) -> str:
        """The step that made it."""
        return str(self.manifest["slice"]["step"])

    @property
    def job(self) -> str:
        """The folder that the job which made it worked in: a lineage's for a chain, else that of its generation or real data."""
        key, step = kinds.key_of(self.recorded), STEPS.get(self.step)
        return step.place.at(key) if key and step else folders.unit_of(self.recorded) or self.recorded

    @property
    def inputs(self) -> list[Input]:
        """What went in, by role in alphabetical order."""
        return sorted(manifest.inputs(self.manifest), key=lambda one: one.role)

    def parent(self, one: Input, known: index.Index) -> str | None:
        """Return the path of the artefact that played a role, None where it is not known here or the input is no artefact."""
        if not one.path:
            return schema1.meant(known, one.sha256, one.role, self.recorded)[0]
        return one.path if known.sha256.get(one.path) == one.sha256 else None


def opened(path: str, revision: str | None = None) -> Artefact:
    """Return the artefact at a path inside the project.

    Raises
    ------
    HeirloomError
        If it has no manifest here, or one that does not agree with the fingerprint beside it or belongs to another
        place, or the revision's data cannot be had.
    """
    place = revisions.hold(path, revision) if revision else Path(path)
    return Artefact(path, place, manifest.check_notes(place))


def checked(artefact: Artefact) -> Artefact:
    """Return the artefact if its bytes are here and are the recorded ones.

    Raises
    ------
    HeirloomError
        If they are not.
    """
    if not artefact.place.exists():
        raise HeirloomError(f"{artefact.recorded}: not here; fetch it with dvc pull {folders.lineage_of(artefact.recorded)}")
    reading.artefact(artefact.place)
    return artefact


def covered(text: str) -> tuple[list[Artefact], index.Index]:
    """Return the artefacts that a reference covers (an experiment, an arm, a lineage or a generation), sorted, and the index.

    Parameters
    ----------
    text
        A reference, with ``@revision`` for what a commit recorded.

    Raises
    ------
    HeirloomError
        If nothing lies there.
    """
    bare, _, revision = text.partition(references.REVISION_MARK)
    known = index.build(revision or None)
    here = [path for path in known.sha256 if revision or Path(paths.manifest(path)).exists()]
    units = set(references.units(bare, sorted({unit for path in here if (unit := folders.unit_of(path))})))
    return [opened(path, revision or None) for path in sorted(here) if folders.unit_of(path) in units], known


def with_ancestors(artefacts: Iterable[Artefact], known: index.Index, revision: str | None) -> list[Artefact]:
    """Return artefacts and all that they came from, as far as there are manifests, sorted by path."""
    found = {artefact.recorded: artefact for artefact in artefacts}
    pending = list(found.values())
    while pending:
        for path in _parents(pending.pop(), known):
            if path not in found and (revision or Path(paths.manifest(path)).exists()):
                found[path] = opened(path, revision)
                pending.append(found[path])
    return [found[path] for path in sorted(found)]


def _parents(artefact: Artefact, known: index.Index) -> Iterator[str]:
    for one in artefact.inputs:
        if path := artefact.parent(one, known):
            yield path
