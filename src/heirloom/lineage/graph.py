"""The graph: from an artefact to all that it was made from, by manifests alone; no dataset and no checkpoint is read.

Manifests name their inputs by fingerprint. Several artefacts may have the same bytes (a training set that is one synthetic set whole, two
variants with the same real data), so the input's role and place say which of them was meant.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from heirloom import paths
from heirloom.errors import HeirloomError
from heirloom.lineage import folders, git, index, references, revisions
from heirloom.manifest import read_json

_STAGES = ("synthetic", "selected", "train", "checkpoint", "metrics")
"""What is made first within a generation."""

_PLAYED_BY = {
    "pool": "train",
    "original": "train",
    "prompts": "train",
    "held_out": "test",
    "origin": "checkpoint",
    "start": "checkpoint",
    "judge": "checkpoint",
    "parent": "checkpoint",
}
"""Role → name of the artefact, where the two differ."""

_MADE_IN = {"pool": -1, "held_out": -1, "tokenizer": -1, "original": 0, "prompts": 0, "origin": 0, "judge": 0}
"""Role → the one generation where such an artefact stands, as `order` counts."""


class Input(NamedTuple):
    """What went into an artefact; ``path`` is None where no artefact is known to have this fingerprint."""

    role: str
    sha256: str
    path: str | None


@dataclass(frozen=True)
class Node:
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
        return [given.path for given in self.inputs if given.role == role and given.path]


@dataclass(frozen=True)
class Archive:
    """Where manifests are looked up: a project's folder as it is, or a commit of the project in the working folder."""

    root: Path = Path()
    commit: str | None = None

    @cached_property
    def index(self) -> index.Index:
        """What is known of fingerprints there."""
        with chdir(self.root):
            return index.build(self.commit)

    def name(self, path: str) -> str:
        """Return what an artefact is called, with its project or commit unless it is the one at hand."""
        if self.root != Path():
            return str(self.root / path)
        return references.name_of(path) + (f"{references.REVISION_MARK}{self.commit[:10]}" if self.commit else "")

    def node(self, path: str) -> Node:
        """Return an artefact with its inputs.

        Raises
        ------
        HeirloomError
            If its manifest is missing, or tells of other bytes than its fingerprint.
        """
        manifest = self._manifest(path)
        given = [(role, sha256) for role, several in manifest["inputs"].items() for sha256 in _listed(several)]
        inputs = tuple(Input(role, sha256, self.meant(sha256, role, path)) for role, sha256 in given)
        return Node(path, manifest, tuple(sorted(inputs, key=lambda given: order(given.path))))

    def data(self, path: str) -> Path:
        """Return where an artefact's bytes lie.

        Raises
        ------
        HeirloomError
            If they are not here; for a revision, if neither cache nor remote has them.
        """
        if self.commit:
            return revisions.hold(path, self.commit)
        if not (self.root / path).exists():
            raise HeirloomError(f"{path}: its bytes are not here; fetch them with dvc pull {path}")
        return self.root / path

    def meant(self, sha256: str, role: str, by: str) -> str | None:
        """Return which artefact with a fingerprint went into another in some role."""
        return meant(self.index, sha256, role, by)

    def _manifest(self, path: str) -> Mapping[str, Any]:
        place = self.root / paths.manifest(path)
        if self.commit:
            place = revisions.hold_alone(paths.manifest(path), self.commit)
        elif not place.exists() and not (self.root / path).exists() and path in self.index.ledger:  # a partial checkout
            return self.index.ledger[path]._asdict()
        content = read_json(place)
        if (known := self.index.sha256.get(path)) and known != content.get("sha256"):
            said = str(content.get("sha256"))[:12]
            raise HeirloomError(f"{place}: tells of {said}, the artefact is recorded as {known[:12]}; run heirloom verify")
        return {"inputs": {}, **content}


def locate(text: str) -> tuple[Archive, str]:
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
        if not revision and not Path(paths.manifest(path)).exists() and path not in Archive().index.ledger:
            references.resolve(text)  # its error names what is near
        return Archive(commit=git.commit_of(revision) if revision else None), path
    parts = Path(text).parts
    for place in range(len(parts)):
        root, inside = Path(*parts[:place]), "/".join(parts[place:])
        if folders.lineage_of(inside):
            return Archive(Path() if root.resolve() == Path.cwd() else root), inside
    raise HeirloomError(f"{text}: only what lies under data/ has an ancestry")


def meant(known: index.Index, sha256: str, role: str, by: str) -> str | None:
    """Return which artefact with a fingerprint went into another in some role: made before, by preference in its experiment and arm."""
    wanted, own = _PLAYED_BY.get(role, role), Path(by).parts

    def rank(path: str) -> tuple[Any, ...]:
        parts = Path(path).parts
        generation, stage = order(path)
        elsewhere = parts[1] != own[1], generation != _MADE_IN.get(role, generation), parts[:4] != own[:4]
        return *elsewhere, _stem(path) != wanted, -generation, -stage, path

    before = [path for path in known.paths.get(sha256, []) if order(path) < order(by)]
    return min(before, key=rank, default=None)


def ancestors(archive: Archive, path: str, depth: int | None = None) -> dict[str, Node]:
    """Return path → node of an artefact and of all that it was made from, nearest first.

    Parameters
    ----------
    depth
        How many steps up to go; all the way to the real data if None.
    """
    found: dict[str, Node] = {}
    frontier = [path]
    for _ in range(depth + 1) if depth is not None else iter(int, 1):
        for one in frontier:
            found[one] = archive.node(one)
        nearest = dict.fromkeys(given.path for one in frontier for given in found[one].inputs if given.path)
        frontier = [one for one in nearest if one not in found]
        if not frontier:
            break
    return found


def settings(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as dotted key → value."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        nested = isinstance(value, Mapping)
        found |= settings(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return found


def order(path: str | None) -> tuple[float, int]:
    """Return a key that sorts artefacts by when they are made in a lineage: real data, then generation by generation."""
    if path is None:
        return -2, 0
    if keys := folders.keys(path, paths.GENERATION):
        stem = _stem(path)
        return int(keys["generation"]), _STAGES.index(stem) if stem in _STAGES else -1
    return (-1, 0) if folders.keys(path, paths.REAL_FOLDER) else (math.inf, 0)


def _listed(several: str | Sequence[str]) -> Iterator[str]:
    yield from [several] if isinstance(several, str) else several


def _stem(path: str) -> str:
    return Path(path).name.split(".")[0]
