"""A project: where artefacts are found, and from each all that it was made from, by manifests alone; no dataset is read.

A manifest names each input by role, path and fingerprint. An input whose place now holds other bytes is named and not followed. Manifests
of schema 1 lack the path: `schema1` says which artefact was meant, and an edge that could be another's is marked as inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from heirloom import manifest as manifests
from heirloom import paths, reading
from heirloom.errors import HeirloomError
from heirloom.lineage import git, index, references, revisions, schema1
from heirloom.lineage.ledger import Entry
from heirloom.workflow import folders


class Input(NamedTuple):
    """What went into an artefact.

    Attributes
    ----------
    path
        The artefact that holds these bytes; None where none is known to, and for a file that is no artefact.
    name
        The path as the manifest has it; empty where neither the manifest nor the index knows one.
    is_inferred
        Whether several artefacts had these bytes and the manifest, of schema 1, does not say which was meant.
    """

    role: str
    sha256: str
    path: str | None
    name: str = ""
    is_inferred: bool = False

    @property
    def is_source(self) -> bool:
        """Whether it is a file that no step of the workflow has made."""
        return bool(self.name) and folders.lineage_of(self.name) is None


@dataclass(frozen=True)
class Artefact:
    """An artefact and what its manifest says of it."""

    path: str
    manifest: Mapping[str, Any]
    inputs: tuple[Input, ...]

    @property
    def sha256(self) -> str:
        """The artefact's fingerprint."""
        return str(self.manifest["sha256"])

    @property
    def slice(self) -> Mapping[str, Any]:
        """The step's slice of the config; empty where only the ledger is here."""
        return self.manifest.get("slice", {})

    @property
    def step(self) -> str:
        """The step that made it."""
        return str(self.slice.get("step", "?"))

    def played(self, role: str) -> list[str]:
        """Return the paths of a role's inputs, as far as they are known."""
        return [one.path for one in self.inputs if one.role == role and one.path]


@dataclass(frozen=True)
class Project:
    """A project's folder as it is, or a commit of the project in the working folder; only what is asked for is read."""

    root: Path = Path()
    commit: str | None = None

    @cached_property
    def index(self) -> index.Index:
        """What is known of all fingerprints there; manifests of schema 1 alone ask for it."""
        return index.build(self.commit, self.root)

    @cached_property
    def ledger(self) -> Mapping[str, Entry]:
        """What the ledger says there."""
        return index.read_ledger(self.commit, self.root)

    def name(self, path: str) -> str:
        """Return what an artefact is called, with its project or commit unless it is the one at hand."""
        if self.root != Path():
            return str(self.root / path)
        return references.name_of(path) + (f"{references.REVISION_MARK}{self.commit[:10]}" if self.commit else "")

    def sha256(self, path: str) -> str | None:
        """Return the fingerprint of the artefact at a path: the recorded one beside it, else the ledger's; None where neither knows it."""
        if self.commit is None and (self.root / paths.fingerprint(path)).exists():
            return manifests.recorded_sha256(self.root / path)
        return self.ledger[path].sha256 if path in self.ledger else None

    def artefact(self, path: str) -> Artefact:
        """Return an artefact with its inputs.

        Raises
        ------
        HeirloomError
            If its manifest is missing, records other bytes than its fingerprint, or belongs to another place.
        """
        manifest, listed = self._manifest(path)
        inputs = (self._input(path, one) for one in listed)
        return Artefact(path, manifest, tuple(sorted(inputs, key=lambda one: folders.order(one.path))))

    def ancestors(self, path: str, depth: int | None = None) -> dict[str, Artefact]:
        """Return path → artefact, of one and of all that it was made from, nearest first.

        Parameters
        ----------
        depth
            How many steps up to go; all the way to the real data if None.
        """
        found: dict[str, Artefact] = {}
        frontier = [path]
        for _ in range(depth + 1) if depth is not None else iter(int, 1):
            for one in frontier:
                found[one] = self.artefact(one)
            nearest = dict.fromkeys(given.path for one in frontier for given in found[one].inputs if given.path)
            frontier = [one for one in nearest if one not in found]
            if not frontier:
                break
        return found

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
            raise HeirloomError(f"{path}: its bytes are not here; fetch them with dvc pull {path}")
        return reading.artefact(self.root / path)

    def _input(self, by: str, one: manifests.Input) -> Input:
        if not one.path:
            path, is_inferred = schema1.meant(self.index, one.sha256, one.role, by)
            return Input(one.role, one.sha256, path, path or "", is_inferred)
        is_there = folders.lineage_of(one.path) is not None and self.sha256(one.path) == one.sha256
        return Input(one.role, one.sha256, one.path if is_there else None, one.path)

    def _manifest(self, path: str) -> tuple[Mapping[str, Any], tuple[manifests.Input, ...]]:
        place = self.root / paths.manifest(path)
        if self.commit:
            place = revisions.hold_alone(paths.manifest(path), self.commit)
        elif not place.exists() and not (self.root / path).exists() and path in self.ledger:  # a partial checkout
            entry = self.ledger[path]
            return {"sha256": entry.sha256, "size": entry.size}, entry.inputs
        content = manifests.read(place)
        if (recorded := self.sha256(path)) and recorded != content.get("sha256"):
            said = str(content.get("sha256"))[:12]
            raise HeirloomError(f"{place}: records {said}, but the artefact is recorded as {recorded[:12]}; {manifests.repair(path)}")
        if reason := manifests.misplaced(content, path):
            raise HeirloomError(f"{place}: {reason}; {manifests.repair(path)}")
        return content, tuple(manifests.inputs(content))


def locate(text: str) -> tuple[Project, str]:
    """Return where the ancestry of what a reference names can be read, and the artefact's path there.

    A path into another project (``../elsewhere/data/…``) is looked up in that project.

    Raises
    ------
    HeirloomError
        If nothing has that name, or it lies outside of ``data/``.
    """
    bare, _, revision = text.partition(references.REVISION_MARK)
    if not Path(text).exists() or revision:
        path = references.find(bare, revision)
        if not revision and not Path(paths.manifest(path)).exists() and path not in Project().ledger:
            references.resolve(text)  # its error names what is near
        return Project(commit=git.commit_of(revision) if revision else None), path
    parts = Path(text).parts
    for place in range(len(parts)):
        root, inside = Path(*parts[:place]), "/".join(parts[place:])
        if folders.lineage_of(inside):
            return Project(Path() if root.resolve() == Path.cwd() else root), inside
    raise HeirloomError(f"{text}: only what lies under data/ has an ancestry")
