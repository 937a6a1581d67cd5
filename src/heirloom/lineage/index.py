"""The index: which artefact has which fingerprint; from what is on disk, and for what is not, from the ledger in git."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from heirloom.lineage import folders, git, ledger
from heirloom.lineage.ledger import LEDGER
from heirloom.manifest import Input, recorded_sha256


class Entry(NamedTuple):
    """What the ledger says of an artefact.

    Attributes
    ----------
    inputs
        What went in, several inputs of a role in the order in which they went in; without a path in a ledger that was written
        from manifests of schema 1.
    """

    sha256: str
    size: int
    inputs: tuple[Input, ...]


@dataclass(frozen=True)
class Index:
    """All artefacts that are known.

    Attributes
    ----------
    ledger
        Path → entry of the ledger, whether on disk or not.
    sha256
        Path → fingerprint: what lies on disk, else what the ledger says.
    paths
        Fingerprint → paths of the artefacts with these bytes, sorted.
    """

    ledger: Mapping[str, Entry]
    sha256: Mapping[str, str]
    paths: Mapping[str, list[str]]

    def beginning(self, digits: str) -> dict[str, list[str]]:
        """Return the fingerprints that begin with some hex digits, with their paths."""
        return {sha256: found for sha256, found in self.paths.items() if sha256.startswith(digits)}


def build(revision: str | None = None) -> Index:
    """Return the index of what is on disk, or of a commit, whose ledger alone is asked.

    Raises
    ------
    HeirloomError
        If there is no such revision.
    """
    ledger = read_ledger(revision)
    told = {path: entry.sha256 for path, entry in ledger.items()}
    if revision is None:
        told |= {artefact: recorded_sha256(artefact) for artefact in on_disk()}
    found: dict[str, list[str]] = {}
    for path, sha256 in sorted(told.items()):
        found.setdefault(sha256, []).append(path)
    return Index(ledger, told, found)


def read_ledger(revision: str | None = None) -> dict[str, Entry]:
    """Return path → entry of the ledger as it lies here, or as a commit has it; nothing where there is none.

    Raises
    ------
    HeirloomError
        If there is no such revision.
    """
    if revision is not None:
        text = git.show(revision, LEDGER.as_posix()) or ""
    else:
        text = LEDGER.read_text(encoding="utf-8") if LEDGER.exists() else ""
    return dict(_entries(text))


def on_disk() -> list[str]:
    """Return the paths of all artefacts that have a fingerprint and a manifest here, whether they are here themselves or not."""
    return [path.as_posix() for units in folders.lineages().values() for unit in units for path in folders.sealed(unit)]


def _entries(text: str) -> Iterator[tuple[str, Entry]]:
    for line in text.splitlines()[1:]:
        path, sha256, size, inputs = line.split("\t")
        yield path, Entry(sha256, int(size), tuple(ledger.parsed(field) for field in inputs.split(",") if field))
