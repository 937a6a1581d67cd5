"""The index: which artefact has which fingerprint; from what is on disk, and for what is not, from the ledger in git."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from heirloom.errors import HeirloomError
from heirloom.lineage import folders, git, ledger
from heirloom.lineage.ledger import COLUMNS, LEDGER
from heirloom.manifest import Input, recorded_sha256

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"0|[1-9][0-9]*")
_INPUT = re.compile(r"[a-z_]+=[0-9a-f]{64}(=.+)?")


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
        If there is no such revision, or the ledger is damaged.
    """
    if revision is not None:
        text = git.show(revision, LEDGER.as_posix())
        return {} if text is None else parse(text, f"{LEDGER} of {revision}")
    return parse(LEDGER.read_bytes()) if LEDGER.exists() else {}


def on_disk() -> list[str]:
    """Return the paths of all artefacts that have a fingerprint and a manifest here, whether they are here themselves or not."""
    return [path.as_posix() for units in folders.lineages().values() for unit in units for path in folders.sealed(unit)]


def parse(text: str | bytes, name: str = LEDGER.as_posix()) -> dict[str, Entry]:
    """Return path → entry of a ledger's text, read strictly: what Heirloom does not write there is damage.

    Raises
    ------
    HeirloomError
        If the header, a line or its place is not as it is written; the message names the line.
    """
    try:
        lines = (text.decode() if isinstance(text, bytes) else text).split("\n")
    except UnicodeDecodeError:
        raise _error(name, "it is not UTF-8") from None
    if lines[0] != "\t".join(COLUMNS):
        raise _error(name, f"line 1 is not the header {' '.join(COLUMNS)}")
    if lines.pop():
        raise _error(name, "its last line has no end")
    entries: dict[str, Entry] = {}
    for number, line in enumerate(lines[1:], start=2):
        path, entry = _entry(line, f"{name}, line {number}")
        if entries and path <= next(reversed(entries)):
            raise _error(name, f"line {number} stands in the wrong place: {ascii(path)[:80]}")
        entries[path] = entry
    return entries


def _entry(line: str, where: str) -> tuple[str, Entry]:
    columns = line.split("\t")
    if len(columns) != len(COLUMNS):
        raise _error(where, f"{len(columns)} columns instead of {', '.join(COLUMNS)}")
    path, sha256, size, inputs = columns
    if folders.lineage_of(path) is None:
        raise _error(where, f"no artefact has the path {ascii(path)[:80]}")
    if not _SHA256.fullmatch(sha256):
        raise _error(where, f"sha256 is {ascii(sha256)[:80]}")
    if not _SIZE.fullmatch(size):
        raise _error(where, f"size is {ascii(size)[:80]}")
    fields = inputs.split(",") if inputs else []
    for field in fields:
        if not _INPUT.fullmatch(field):
            raise _error(where, f"an input is {ascii(field)[:80]}")
    return path, Entry(sha256, int(size), tuple(map(ledger.parsed, fields)))


def _error(where: str, what: str) -> HeirloomError:
    return HeirloomError(f"{where}: damaged, {what}; git checkout -- {LEDGER} or heirloom repair mends it")
