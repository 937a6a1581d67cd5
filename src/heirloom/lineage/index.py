"""The index: which artefact has which fingerprint, by what is on disk, and for the rest by the ledger in git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.lineage import git
from heirloom.lineage.ledger import LEDGER, Entry, parse
from heirloom.workflow import folders


@dataclass(frozen=True)
class Index:
    """All artefacts that are known.

    Attributes
    ----------
    sha256
        Path → fingerprint: what lies on disk, else what the ledger says.
    paths
        Fingerprint → paths of the artefacts with these bytes, sorted.
    """

    sha256: Mapping[str, str]
    paths: Mapping[str, list[str]]

    def beginning(self, digits: str) -> dict[str, list[str]]:
        """Return the fingerprints that begin with some hex digits, with their paths."""
        return {sha256: paths for sha256, paths in self.paths.items() if sha256.startswith(digits)}


def build(revision: str | None = None, root: Path = Path()) -> Index:
    """Return the index of what is on disk in a project's folder, or of a commit, whose ledger alone is asked.

    Raises
    ------
    HeirloomError
        If there is no such revision.
    """
    sha256_of = {path: entry.sha256 for path, entry in read_ledger(revision, root).items()}
    if revision is None:
        sha256_of |= {path: recorded_sha256(root / path) for path in artefacts_on_disk(root)}
    paths_of: dict[str, list[str]] = {}
    for path, sha256 in sorted(sha256_of.items()):
        paths_of.setdefault(sha256, []).append(path)
    return Index(sha256_of, paths_of)


def read_ledger(revision: str | None = None, root: Path = Path()) -> dict[str, Entry]:
    """Return path → entry of the ledger as it lies here, or as a commit has it; nothing where there is none.

    Raises
    ------
    HeirloomError
        If there is no such revision, or the ledger is damaged.
    """
    if revision is not None:
        content = git.show(revision, LEDGER)
        return {} if content is None else parse(content, f"{LEDGER} of {revision}")
    file = root / LEDGER
    return parse(file.read_bytes(), str(file)) if file.exists() else {}


def artefacts_on_disk(root: Path = Path()) -> list[str]:
    """Return the paths of all artefacts that have a fingerprint and a manifest here, whether they are here themselves or not."""
    artefacts = (path for unit in folders.all_units(root) for path in folders.sealed_artefacts(root / unit))
    return [path.relative_to(root).as_posix() for path in artefacts]
