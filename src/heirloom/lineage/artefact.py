"""An artefact: the one value that stands for a file or folder that a job has made, and what went into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from heirloom.artefacts import kinds
from heirloom.errors import HeirloomError
from heirloom.workflow import folders
from heirloom.workflow.steps import STEPS

if TYPE_CHECKING:
    from heirloom.lineage.project import Project


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
    """A file or folder that a job has made: the one value that stands for it, whoever asks.

    Attributes
    ----------
    project
        The project, or the commit of one, that it was found in.
    path
        Its path inside the project, as manifests and DVC know it; of a copy elsewhere the copy's own.
    manifest
        What stands beside it.
    inputs
        What went in, oldest first.
    """

    project: Project
    path: str
    manifest: Mapping[str, Any]
    inputs: tuple[Input, ...]

    @property
    def name(self) -> str:
        """What it is called: its reference, with project or revision unless that is the one at hand."""
        return self.project.name(self.path)

    @property
    def sha256(self) -> str:
        """Its recorded fingerprint."""
        return str(self.manifest["sha256"])

    @property
    def size(self) -> int:
        """Its recorded size in bytes."""
        return int(self.manifest["size"])

    @property
    def slice(self) -> Mapping[str, Any]:
        """The step's slice of the config; empty where only the ledger is here."""
        return self.manifest.get("slice", {})

    @property
    def step(self) -> str:
        """The step that made it."""
        return str(self.slice.get("step", "?"))

    @property
    def job(self) -> str:
        """The folder that the job which made it worked in: a lineage's for a chain, else that of its generation or real data."""
        key, step = kinds.key_of(self.path), STEPS.get(self.step)
        if key and step:
            return step.place.at(key)
        return folders.unit_of(self.path) or self.path

    @property
    def place(self) -> Path:
        """Where its bytes lie, or would lie."""
        return self.project.file(self.path)

    @property
    def is_here(self) -> bool:
        """Whether its bytes are here; of a revision, whether they can be had."""
        try:
            return self.place.exists()
        except HeirloomError:  # of a revision: neither in the cache nor on a remote
            return False

    def data(self) -> Path:
        """Return where its bytes lie, which are the recorded ones; errors as for `Project.data`."""
        return self.project.data(self.path)

    def input_paths(self, role: str) -> list[str]:
        """Return the paths of a role's inputs, as far as they are known."""
        return [edge.path for edge in self.inputs if edge.role == role and edge.path]
