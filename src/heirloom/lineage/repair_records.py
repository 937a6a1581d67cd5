"""Repair, first part: the records by which all else is judged, namely pointers, DVC's listings and the ledger.

A record is taken from git, the cache or a remote. If none of them has it, it is written again from files that agree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from heirloom.artefacts import paths
from heirloom.artefacts.files import write_text
from heirloom.artefacts.fingerprints import fingerprint_text
from heirloom.errors import HeirloomError
from heirloom.lineage import cache, dvc, edges, git, index, ledger, pointers, remote, verify_records
from heirloom.lineage.ledger import LEDGER
from heirloom.lineage.pointers import Pointer
from heirloom.workflow import folders

Md5s = Callable[[str], Mapping[str, str]]
"""Lineage → path → md5 of the files that lie in it now."""


class Outcome(NamedTuple):
    """What became of a damaged file.

    Attributes
    ----------
    road
        Where its bytes came from, or an empty string if it could not be repaired.
    why
        Why it could not be repaired, or another remark for the reader.
    """

    path: str
    road: str
    why: str = ""

    def __str__(self) -> str:
        """Return one line for people."""
        if not self.road:
            return f"{self.path}: not repaired: {self.why}"
        origin = self.road if self.road.startswith("moved") else f"from {self.road}"
        return f"{self.path}: {origin}" + (f" ({self.why})" if self.why else "")


class Record(NamedTuple):
    """What is recorded of a lineage (path → md5; nothing without a listing), and what was repaired to learn it."""

    listing: Mapping[str, str]
    outcomes: tuple[Outcome, ...]


class Candidate(NamedTuple):
    """A pointer whose listing is available: its bytes, and the road that gave them."""

    pointer: Pointer
    content: bytes
    road: str


def record_of(lineage: str, md5s: Md5s, scratch: Path, *, dry: bool) -> Record:
    """Return what is recorded of a lineage. Its pointer and its listing are repaired first, if necessary."""
    file = str(pointers.file_of(lineage))
    try:
        pointer_here, problem = pointers.read(lineage), ""
    except HeirloomError as error:
        pointer_here, problem = None, _fault_of(error)
    in_git = pointers.in_git(lineage)
    candidates = dict.fromkeys([pointer_here, *in_git] if pointer_here else in_git)
    candidate, obstacle = _candidate(lineage, candidates, md5s, scratch)
    if candidate:
        outcomes = _keep_listing(candidate, dry=dry)
        if candidate.pointer != pointer_here:
            outcomes.append(Outcome(file, "git"))
            if not dry:
                write_text(file, in_git[candidate.pointer])
        return Record(dvc.parse_listing(candidate.content, lineage), tuple(outcomes))
    if problem and not in_git:
        return Record({}, (Outcome(file, "", problem),))
    if candidates:
        reason = "its listing is neither in DVC's cache nor on a remote, and the files that lie here do not give it"
        return Record({}, (Outcome(file, "", f"{reason}; {obstacle}" if obstacle else reason),))
    return Record({}, ())


def _candidate(lineage: str, candidates: Iterable[Pointer], md5s: Md5s, scratch: Path) -> tuple[Candidate | None, str]:
    """Return the first pointer whose listing is that of the ledger, else the first one whose listing can be had.

    Exchanged pointers are sound, and not the ledger's. Without any, return why a remote could not be asked.
    """
    first: Candidate | None = None
    obstacle = ""
    for pointer in candidates:
        content, road = _listing(lineage, pointer, md5s, scratch)
        if content is None:
            obstacle = road
            continue
        candidate = Candidate(pointer, content, road)
        if _is_in_ledger(lineage, dvc.parse_listing(content, lineage)):
            return candidate, obstacle
        first = first or candidate
    return first, obstacle


def _fault_of(error: HeirloomError) -> str:
    """Return what an error says is wrong, without the file before and the way back after."""
    return str(error).partition(": ")[2].partition(";")[0]


def _is_in_ledger(lineage: str, listing: Mapping[str, str]) -> bool:
    """Return whether a listing has the fingerprint of every artefact of the lineage that the ledger names."""
    try:
        entries = index.read_ledger()
    except HeirloomError:
        return True
    for path, entry in entries.items():
        if folders.lineage_of(path) != lineage:
            continue
        text = fingerprint_text(entry.sha256, entry.size)
        if _md5(text.encode()) != listing.get(paths.fingerprint(path)):
            return False
    return True


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def repair_numbers(lineage: str, listing: Mapping[str, str], *, dry: bool) -> list[Outcome]:
    """Rewrite a pointer whose numbers are not those of its listing and its files."""
    try:
        pointer = pointers.read(lineage)
    except HeirloomError:  # a dry run has left it as it is
        return []
    total_size = verify_records.total_size(listing, {}) if listing else None
    if pointer is None or not listing or not pointers.number_mismatches(pointer, lineage, listing, total_size):
        return []
    size = pointer.size if total_size is None or pointer.size is None else total_size
    repaired_pointer = Pointer(pointer.md5, size, len(listing), pointer.path)
    in_git = pointers.in_git(lineage)
    if not dry:
        write_text(pointers.file_of(lineage), in_git.get(repaired_pointer, repaired_pointer.text))
    return [Outcome(str(pointers.file_of(lineage)), "git" if repaired_pointer in in_git else "its listing and the files")]


def repair_ledger(listings: Mapping[str, Mapping[str, str]], *, dry: bool) -> list[Outcome]:
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
        write_text(LEDGER, ledger.text_of(_sound_lines()))
        units = [unit for lineage in listings for unit in folders.units_in(lineage)]
        ledger.write([unit for unit in units if not _is_spoilt(unit)], [], incomplete=list(listings))
    return [Outcome(str(LEDGER), "the manifests", problems[0])]


def ledger_problems(listings: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what is wrong with the ledger by the manifests of some lineages, hashes included."""
    try:
        lines = verify_records.ledger_lines()
    except HeirloomError as error:
        return [_fault_of(error)]
    return _unlike_manifests(lines, listings)


def _unlike_manifests(lines: Mapping[str, str], listings: Mapping[str, Mapping[str, str]]) -> list[str]:
    problems = [mismatch.what for mismatch in verify_records.unknown_lineages(lines)]
    for lineage, listing in listings.items():
        for unit in folders.units_in(lineage):
            problems += [mismatch.what for mismatch in verify_records.ledger_mismatches(unit, lines, listing)]
            recorded_paths = [str(path) for path in folders.sealed_artefacts(unit) if verify_records.is_recorded(str(path), listing)]
            outdated_paths = [path for path in recorded_paths if path in lines and lines[path] != (_line(path) or lines[path])]
            problems += [f"its line of {path} is not what the manifest says" for path in outdated_paths]
        if listing:
            unknown = [path for path in lines if folders.lineage_of(path) == lineage and not _is_known(path, listing)]
            problems += [f"it names {path}, which nobody has recorded" for path in unknown]
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
    texts = [content.decode(errors="replace") for content in contents]
    lines = {}
    for line in (line for text in texts for line in text.split("\n")[1:]):
        try:
            (path,) = ledger.parse(ledger.text_of({"": line}).encode())
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
    return any(not _line(str(path)) for path in folders.sealed_artefacts(unit))


def _listing(lineage: str, pointer: Pointer, md5s: Md5s, scratch: Path) -> tuple[bytes | None, str]:
    """Return the bytes of a listing and the road that gave them; without bytes, why a remote could not be asked."""
    place = dvc.cache_path(pointer.md5)
    if place.exists() and not cache.damaged_files({place: pointer.md5}, afresh=True):
        return place.read_bytes(), "cache"
    answer = remote.fetch([pointer.md5], scratch).get(pointer.md5)
    if answer and answer.file:
        return answer.file.read_bytes(), f"the remote {answer.remote!r}"
    entries = [{"md5": md5, "relpath": path.removeprefix(f"{lineage}/")} for path, md5 in md5s(lineage).items()]
    content = json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True).encode()
    if f"{_md5(content)}.dir" == pointer.md5:
        return content, "the files that lie here"
    return None, answer.obstacle if answer else ""


def _keep_listing(candidate: Candidate, *, dry: bool) -> list[Outcome]:
    if candidate.road == "cache":
        return []
    md5 = candidate.pointer.md5
    if not dry:
        cache.keep_bytes(md5, candidate.content)
    return [Outcome(str(dvc.cache_path(md5)), candidate.road)]
