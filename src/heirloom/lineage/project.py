"""A project: where artefacts are found, and from each all that it was made from, by manifests alone; no dataset is read.

A manifest names each input by role, path and fingerprint. An input whose place now holds other bytes is named and not followed. Manifests
of schema 1 lack the path: `schema1` says which artefact was meant, and an edge that could be another's is marked as inferred.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from heirloom import reading
from heirloom.artefacts import manifest as manifests
from heirloom.artefacts import paths
from heirloom.artefacts.files import repair
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.errors import HeirloomError
from heirloom.lineage import git, index, references, revisions, schema1
from heirloom.lineage.artefact import Artefact, Input
from heirloom.lineage.ledger import Entry
from heirloom.workflow import folders

_DIGITS = 10
"""Of a commit, in print."""


@dataclass(frozen=True)
class Project:
    """A project's folder as it is, or the project in the working folder as a commit recorded it.

    Only what is asked for is read, each fingerprint once.

    Attributes
    ----------
    root
        The project's top folder.
    revision
        The commit, as git knows it; None for what lies on disk.
    """

    root: Path = Path()
    revision: str | None = None

    @cached_property
    def commit(self) -> str | None:
        """The full hash of the commit; None for what lies on disk.

        Raises
        ------
        HeirloomError
            If there is no such commit.
        """
        return git.commit_of(self.revision) if self.revision else None

    @cached_property
    def index(self) -> index.Index:
        """What is known of all fingerprints there; manifests of schema 1 alone ask for it."""
        return index.build(self.commit, self.root)

    @cached_property
    def ledger(self) -> Mapping[str, Entry]:
        """What the ledger says there."""
        return index.read_ledger(self.commit, self.root)

    def name(self, path: str) -> str:
        """Return what an artefact is called, with its project or revision unless it is the one at hand."""
        if self.root != Path():
            return str(self.root / path)
        if self.revision is None:
            return references.name_of(path)
        revision = self.revision[:_DIGITS] if self.revision == self.commit else self.revision
        return f"{references.name_of(path)}{references.REVISION_MARK}{revision}"

    def sha256(self, path: str) -> str | None:
        """Return the fingerprint of the artefact at a path: the recorded one beside it, else the ledger's; None where neither knows it."""
        if path not in self._fingerprints:
            self._fingerprints[path] = self._fingerprint(path)
        return self._fingerprints[path]

    def has_manifest(self, path: str) -> bool:
        """Return whether the manifest of the artefact at a path is here; of a revision, whether it can be had."""
        try:
            return self.file(paths.manifest(path)).exists()
        except HeirloomError:  # of a revision: not recorded there, or neither in the cache nor on a remote
            return False

    def artefact(self, path: str) -> Artefact:
        """Return an artefact with its inputs; of a partial checkout, which lacks the manifest, as the ledger has it.

        Raises
        ------
        HeirloomError
            If nothing has that path (the nearest names are suggested), or its manifest is missing, records other bytes than its
            fingerprint, or belongs to another place.
        """
        if self.commit or self.has_manifest(path) or (self.root / path).exists():
            return self.recorded_artefact(path)
        entry = self.ledger.get(path)
        if entry is None:
            raise HeirloomError(references.no_such_artefact(self.name(path), path))
        return self._artefact(path, {"sha256": entry.sha256, "size": entry.size}, entry.inputs)

    def recorded_artefact(self, path: str) -> Artefact:
        """Return an artefact by its manifest; errors as for `artefact`, and if only the ledger names it."""
        file = self.file(paths.manifest(path))
        content = manifests.read(file)
        recorded_hash = self.sha256(path)
        if recorded_hash and recorded_hash != content["sha256"]:
            fault = f"records {content['sha256'][:12]}, but the artefact is recorded as {recorded_hash[:12]}"
            raise HeirloomError(f"{file}: {fault}; {repair(path)}")
        reason = manifests.misplacement(content, path)
        if reason:
            raise HeirloomError(f"{file}: {reason}; {repair(path)}")
        return self._artefact(path, content, manifests.inputs(content))

    def artefacts_of(self, reference: str) -> list[Artefact]:
        """Return the artefacts of an experiment, an arm, a lineage or a generation whose manifests can be had, sorted by path.

        Raises
        ------
        HeirloomError
            If nothing lies there, or a manifest is not as it was recorded.
        """
        artefacts = self.ledger if self.commit else {*index.artefacts_on_disk(self.root), *filter(self.has_manifest, self.ledger)}
        unit_of = {path: folders.unit_of(path) for path in sorted(artefacts)}
        units = set(references.units(reference, sorted(folders.units_of(artefacts))))
        return [self.recorded_artefact(path) for path, unit in unit_of.items() if unit in units]

    def ancestors(self, artefacts: Iterable[Artefact], depth: int | None = None) -> dict[str, Artefact]:
        """Return path → artefact, of some artefacts and of all that they were made from, nearest first.

        Parameters
        ----------
        depth
            How many steps up to go; all the way to the real data if None.
        """
        nodes = {artefact.path: artefact for artefact in artefacts}
        frontier = list(nodes.values())
        while frontier and depth != 0:
            nearest = dict.fromkeys(edge.path for artefact in frontier for edge in artefact.inputs if edge.path)
            frontier = [self.artefact(path) for path in nearest if path not in nodes]
            nodes |= {artefact.path: artefact for artefact in frontier}
            depth = None if depth is None else depth - 1
        return nodes

    def file(self, path: str) -> Path:
        """Return where a file or folder of the project lies; for a revision in a private folder that is never written to.

        Raises
        ------
        HeirloomError
            For a revision, if the commit has no record of it, or neither cache nor remote has its bytes.
        """
        return revisions.hold_alone(path, self.commit) if self.commit else self.root / path

    def data(self, path: str) -> Path:
        """Return where an artefact's bytes lie, which are the recorded ones.

        Raises
        ------
        HeirloomError
            If they are not here, or are others; for a revision, if neither cache nor remote has them.
        """
        if self.commit:
            return reading.artefact(revisions.hold(path, self.commit))
        if not (self.root / path).exists():
            raise HeirloomError(f"{self.name(path)}: recorded, but not here; fetch it with dvc pull {folders.lineage_of(path)}")
        return reading.artefact(self.root / path)

    @cached_property
    def _fingerprints(self) -> dict[str, str | None]:
        """Path → fingerprint, of those that were asked for."""
        return {}

    def _fingerprint(self, path: str) -> str | None:
        if self.commit is None and (self.root / paths.fingerprint(path)).exists():
            return recorded_sha256(self.root / path)
        return self.ledger[path].sha256 if path in self.ledger else None

    def _artefact(self, path: str, content: Mapping[str, Any], edges: Iterable[manifests.Input]) -> Artefact:
        inputs = [self._input(path, edge) for edge in edges]
        inputs.sort(key=lambda edge: folders.order(edge.path))
        return Artefact(self, path, content, tuple(inputs))

    def _input(self, by: str, edge: manifests.Input) -> Input:
        if not edge.path:
            path, is_inferred = schema1.likely_input(self.index, edge.sha256, edge.role, by)
            return Input(edge.role, edge.sha256, path, path or "", is_inferred)
        is_unchanged = folders.lineage_of(edge.path) is not None and self.sha256(edge.path) == edge.sha256
        return Input(edge.role, edge.sha256, edge.path if is_unchanged else None, edge.path)


def locate(text: str) -> Artefact:
    """Return the artefact that a reference, a path or the beginning of a fingerprint names.

    A path into another project (``../elsewhere/data/…``) is looked up in that project.

    Raises
    ------
    HeirloomError
        If it is no name (the nearest names are suggested), several fingerprints begin so, or it lies outside of ``data/``; and as
        `Project.artefact` does.
    """
    if Path(text).exists() and not references.is_reference(text):
        artefact = at(Path(text))
        if artefact is None:
            raise HeirloomError(f"{text}: no artefact; those lie under data/")
        return artefact
    reference, _, revision = text.partition(references.REVISION_MARK)
    path = references.find(reference, revision)
    if revision and folders.lineage_of(path) is None:
        raise HeirloomError(f"{text}: only what lies under data/ has revisions")
    return Project(revision=revision or None).artefact(path)


def at(path: Path) -> Artefact | None:
    """Return the artefact that lies at a path, in this project or in another; None for any other file.

    Raises
    ------
    HeirloomError
        As `Project.artefact` does.
    """
    place = reading.project_of(path)
    if place is None or Path(*place) != path:
        return None
    root, path_in_project = place
    return Project(Path() if root.resolve() == Path.cwd() else root).artefact(path_in_project)
