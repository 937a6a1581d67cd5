"""Repair, first part: the records by which all else is judged, namely pointers, DVC's listings and the ledger.

A record is taken from git, the cache or a remote. If none of them has it, it is written again from files that agree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from heirloom.artefacts import paths
from heirloom.artefacts.files import write_text
from heirloom.artefacts.fingerprints import fingerprint_text
from heirloom.errors import HeirloomError
from heirloom.lineage import cache, dvc, edges, git, index, ledger, pointers, remote, verify_records
from heirloom.lineage.ledger import COLUMNS, LEDGER
from heirloom.lineage.pointers import Pointer
from heirloom.workflow import folders

Md5s = Callable[[str], Mapping[str, str]]
"""Lineage → path → md5 of the files that lie in it now."""


class Outcome(NamedTuple):
    """What became of a damaged file.

    Attributes
    ----------
    road
        Where its bytes came from, or an empty string if it could not be mended.
    why
        Why it could not be mended, or another remark for the reader.
    """

    path: str
    road: str
    why: str = ""

    def __str__(self) -> str:
        """Return one line for people."""
        if not self.road:
            return f"{self.path}: not mended: {self.why}"
        origin = self.road if self.road.startswith("moved") else f"from {self.road}"
        return f"{self.path}: {origin}" + (f" ({self.why})" if self.why else "")


class Record(NamedTuple):
    """What is recorded of a lineage (path → md5; nothing without a listing), and what was mended to learn it."""

    listing: Mapping[str, str]
    outcomes: tuple[Outcome, ...]


class Candidate(NamedTuple):
    """A pointer whose listing is available: its bytes, and the road that gave them."""

    pointer: Pointer
    content: bytes
    road: str


def record_of(lineage: str, md5s: Md5s, scratch: Path, *, dry: bool) -> Record:
    """Return what is recorded of a lineage. Its pointer and its listing are mended first, if necessary."""
    try:
        here, problem = pointers.read(lineage), ""
    except HeirloomError as error:
        here, problem = None, str(error).partition(": ")[2].partition(";")[0]
    in_git = pointers.in_git(lineage)
    first: Candidate | None = None
    obstacle = ""
    for pointer in dict.fromkeys([*([here] if here else []), *in_git]):
        content, road = _listing(lineage, pointer, md5s, scratch)
        if content is None:
            obstacle = road
            continue
        candidate = Candidate(pointer, content, road)
        first = first or candidate
        if _is_in_ledger(lineage, _entries(lineage, content)):  # exchanged pointers are sound, and not the ledger's
            first = candidate
            break
    if first:
        outcomes = _keep_listing(first.pointer, first.content, first.road, dry=dry)
        if first.pointer != here:
            outcomes.append(Outcome(str(pointers.file_of(lineage)), "git"))
            if not dry:
                write_text(pointers.file_of(lineage), in_git[first.pointer])
        return Record(_entries(lineage, first.content), tuple(outcomes))
    if problem and not in_git:
        return Record({}, (Outcome(str(pointers.file_of(lineage)), "", problem),))
    if here or in_git:
        why = "its listing is neither in DVC's cache nor on a remote, and the files that lie here do not give it"
        why += f"; {obstacle}" if obstacle else ""
        return Record({}, (Outcome(str(pointers.file_of(lineage)), "", why),))
    return Record({}, ())


def _entries(lineage: str, content: bytes) -> dict[str, str]:
    return dvc.listed(content, lineage)


def _is_in_ledger(lineage: str, listing: Mapping[str, str]) -> bool:
    """Return whether a listing has the fingerprint of every artefact of the lineage that the ledger names."""
    try:
        entries = index.read_ledger()
    except HeirloomError:
        return True
    named = {paths.fingerprint(path): entry for path, entry in entries.items() if folders.lineage_of(path) == lineage}
    texts = {path: fingerprint_text(entry.sha256, entry.size) for path, entry in named.items()}
    return all(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() == listing.get(path) for path, text in texts.items())


def mend_numbers(lineage: str, listing: Mapping[str, str], *, dry: bool) -> list[Outcome]:
    """Rewrite a pointer whose numbers are not those of its listing and its files."""
    try:
        pointer = pointers.read(lineage)
    except HeirloomError:  # a dry run has left it as it is
        return []
    size = verify_records.total_size(listing, {}) if listing else None
    if pointer is None or not listing or not pointers.unlike(pointer, lineage, listing, size):
        return []
    right = Pointer(pointer.md5, pointer.size if size is None or pointer.size is None else size, len(listing), pointer.path)
    if not dry:
        write_text(pointers.file_of(lineage), pointers.in_git(lineage).get(right, right.text))
    return [Outcome(str(pointers.file_of(lineage)), "git" if right in pointers.in_git(lineage) else "its listing and the files")]


def mend_ledger(listings: Mapping[str, Mapping[str, str]], *, dry: bool) -> list[Outcome]:
    """Rewrite a damaged ledger: as git has it if that agrees with the manifests, else from the manifests."""
    problems = ledger_problems(listings)
    if not problems:
        return []
    for content in git.head_or_index(LEDGER):
        if not _disagreements(content, listings):
            if not dry:
                write_text(LEDGER, content.decode())
            return [Outcome(str(LEDGER), "git", problems[0])]
    if not dry:
        lines = _sound_lines()
        write_text(LEDGER, "".join(f"{line}\n" for line in ["\t".join(COLUMNS), *(lines[path] for path in sorted(lines))]))
        units = [unit for lineage in listings for unit in folders.lineages().get(lineage, [])]
        ledger.write([unit for unit in units if not _is_spoilt(unit)], [], kept=list(listings))
    return [Outcome(str(LEDGER), "the manifests", problems[0])]


def ledger_problems(listings: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what is wrong with the ledger by the manifests of some lineages, hashes included."""
    try:
        lines = verify_records.ledger_lines()
    except HeirloomError as error:
        return [str(error).partition(": ")[2].partition(";")[0]]
    return _unlike_manifests(lines, listings)


def _unlike_manifests(lines: Mapping[str, str], listings: Mapping[str, Mapping[str, str]]) -> list[str]:
    problems = [mismatch.what for mismatch in verify_records.unknown_lineages(lines)]
    for lineage, listing in listings.items():
        for unit in folders.lineages().get(lineage, []):
            problems += [mismatch.what for mismatch in verify_records.ledger_mismatches(unit, lines, listing)]
            recorded = [str(path) for path in folders.sealed(unit) if verify_records.is_recorded(str(path), listing)]
            parted = [path for path in recorded if path in lines and lines[path] != (_line(path) or lines[path])]
            problems += [f"its line of {path} is not what the manifest says" for path in parted]
        units = {folders.unit_of(path) for path in listing}
        unknown = [path for path in lines if folders.lineage_of(path) == lineage and not _is_known(path, listing)]
        problems += [f"it names {path}, which nobody has recorded" for path in unknown if units]
    return problems


def _is_known(path: str, listing: Mapping[str, str]) -> bool:
    """Return whether DVC has recorded an artefact's fingerprint, or one lies here."""
    fingerprint = paths.fingerprint(path)
    return fingerprint in listing or Path(fingerprint).exists()


def _disagreements(content: bytes, listings: Mapping[str, Mapping[str, str]]) -> list[str]:
    try:
        ledger.parse(content)
    except HeirloomError as error:
        return [str(error)]
    lines = {line.split("\t")[0]: line for line in content.decode().split("\n")[1:-1]}
    return _unlike_manifests(lines, listings)


def _sound_lines() -> dict[str, str]:
    """Return path → line, for all readable lines of the ledgers in git and here; the ledger here has precedence."""
    contents = [*git.head_or_index(LEDGER), LEDGER.read_bytes() if LEDGER.exists() else b""]
    lines = {}
    for line in (line for content in contents for line in content.decode(errors="replace").split("\n")[1:]):
        try:
            (path,) = ledger.parse(f"{chr(9).join(COLUMNS)}\n{line}\n".encode())
        except (HeirloomError, ValueError):
            continue
        lines[path] = line
    return {path: line for path, line in lines.items() if not verify_records.unknown_lineages({path: line})}


def _line(path: str) -> str:
    """Return the ledger's line of an artefact; nothing if its manifest is damaged or belongs to another place."""
    try:
        return "" if edges.is_misplaced(path) else ledger.line(Path(path))
    except (HeirloomError, KeyError, TypeError):
        return ""


def _is_spoilt(unit: str) -> bool:
    return any(not _line(str(path)) for path in folders.sealed(unit))


def _listing(lineage: str, pointer: Pointer, md5s: Md5s, scratch: Path) -> tuple[bytes | None, str]:
    """Return the bytes of a listing and the road that gave them; without bytes, why a remote could not be asked."""
    place = dvc.cached(pointer.md5)
    if place.exists() and not cache.damaged({place: pointer.md5}, afresh=True):
        return place.read_bytes(), "cache"
    answer = remote.fetch([pointer.md5], scratch).get(pointer.md5)
    if answer and answer.file:
        return answer.file.read_bytes(), f"the remote {answer.remote!r}"
    entries = [{"md5": md5, "relpath": path.removeprefix(f"{lineage}/")} for path, md5 in md5s(lineage).items()]
    content = json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True).encode()
    if f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}.dir" == pointer.md5:
        return content, "the files that lie here"
    return None, answer.obstacle if answer else ""


def _keep_listing(pointer: Pointer, content: bytes, road: str, *, dry: bool) -> list[Outcome]:
    if road == "cache":
        return []
    if not dry:
        cache.keep_bytes(pointer.md5, content)
    return [Outcome(str(dvc.cached(pointer.md5)), road)]
