"""Survey: which files of some lineages are here, which are recorded, and which are damaged."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from heirloom.artefacts import manifest, paths
from heirloom.artefacts.files import dumps, read_json
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import completeness, dvc, index, pointers, references, verify
from heirloom.lineage.ledger import Entry
from heirloom.lineage.verify_records import Digests
from heirloom.workflow import folders


class Damage(NamedTuple):
    """A file, or a folder that no listing describes, that is missing or has other bytes than were recorded.

    Attributes
    ----------
    md5
        The recorded md5, or an empty string where DVC has no record.
    sha256
        The recorded fingerprint of the artefact that it is or lies beside, where DVC has no record.
    artefact
        The artefact that it belongs to, as a part or a note; an empty string for the provenance of a unit.
    """

    path: str
    md5: str
    sha256: str
    artefact: str


def scope(reference: str | None) -> list[str]:
    """Return the units that a reference covers, on disk or recorded, lineage folders among them.

    Raises
    ------
    HeirloomError
        If nothing here or recorded has that name.
    """
    ledger = entries_of_ledger()
    lineages = {*folders.lineages(), *folders.pointed_lineages(), *pointers.lost_lineages(ledger)}
    recorded_units = folders.units_of(path for lineage in lineages for path in _recorded_paths(lineage))
    ledger_units = folders.units_of(path for path in ledger if folders.lineage_of(path) in lineages)
    return references.units(reference, sorted(lineages.union(folders.all_units(), recorded_units, ledger_units)))


def digests(units: Iterable[str]) -> dict[str, Digests]:
    """Return path → digests of every file in some units, without the files that cannot be read."""
    files = [path for unit in units if Path(unit).is_dir() for path in verify.files_of(unit)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = zip(files, pool.map(_digests, files), strict=True)
        return {path: result for path, result in results if result is not None}


def by_listing(listing: Mapping[str, str], units: Collection[str], files: Mapping[str, Digests]) -> list[Damage]:
    """Return the files of some units that are not as DVC has recorded them."""
    damages = []
    artefacts, units = _artefacts(listing), set(units)
    for path, md5 in listing.items():
        if folders.unit_of(path) in units and (path not in files or files[path].md5 != md5):
            damages.append(Damage(path, md5, "", _artefact_of(path, artefacts)))
    return damages


def by_notes(unit: str, files: Mapping[str, Digests], ledger: Mapping[str, Entry], config: Config) -> list[Damage]:
    """Return what is damaged in a unit without a record in DVC. The bytes, the notes and the ledger vote on each hash.

    Parameters
    ----------
    ledger
        Path → entry of the unit's artefacts in the ledger.
    """
    damages = []
    in_folder = map(str, folders.fingerprinted_artefacts(unit)) if Path(unit).is_dir() else ()
    for artefact in sorted({*ledger, *in_folder}):
        notes = {note: _sha256(note) for note in (paths.fingerprint(artefact), paths.manifest(artefact))}
        sha256_of_bytes = _sha256_of_bytes(artefact, files)
        if not sha256_of_bytes and all(notes.values()) and completeness.is_dropped(artefact, config, {}):
            continue
        sha256 = _majority([*notes.values(), sha256_of_bytes, ledger[artefact].sha256 if artefact in ledger else ""])
        claims = {artefact: sha256_of_bytes, **notes}
        damages += [Damage(path, "", sha256, artefact) for path, claim in claims.items() if claim != sha256 or not sha256]
    return damages


def _majority(votes: Iterable[str]) -> str:
    """Return the hash that most of some votes name, at least two of them; an empty string if there is none. Empty votes do not count."""
    counts = Counter(filter(None, votes)).most_common(1)
    return counts[0][0] if counts and counts[0][1] > 1 else ""


def is_consistent(artefact: str, files: Mapping[str, Digests]) -> bool:
    """Return whether an artefact that is here agrees with its fingerprint and its manifest."""
    notes = (paths.fingerprint(artefact), paths.manifest(artefact))
    hashes = {_sha256_of_bytes(artefact, files), *map(_sha256, notes)}
    return len(hashes) == 1 and hashes != {""}


def is_another_version(artefact: str, listing: Mapping[str, str], files: Mapping[str, Digests]) -> bool:
    """Return whether an artefact agrees with its own notes and these are not what DVC has recorded, because it is newer or forged."""
    note = paths.fingerprint(artefact)
    return note in files and files[note].md5 != listing.get(note) and is_consistent(artefact, files)


def is_right(damage: Damage) -> bool:
    """Return whether what lies at the path of a damaged file has the recorded bytes now."""
    path = Path(damage.path)
    if damage.md5:
        return path.is_file() and verify.digests(path).md5 == damage.md5
    if damage.path == damage.artefact:
        return path.exists() and fingerprint(path)["sha256"] == damage.sha256
    return _sha256(damage.path) == damage.sha256


def fingerprint_text(artefact: str) -> str:
    """Return what a fingerprint says of the bytes that lie here."""
    return dumps(fingerprint(Path(artefact)))


def _digests(path: str) -> Digests | None:
    try:
        return verify.digests(Path(path))
    except OSError:
        return None


def _sha256_of_bytes(artefact: str, files: Mapping[str, Digests]) -> str:
    """Return the sha256 of an artefact by its bytes; an empty string if none of its files is here."""
    present_paths = [artefact, *(path.as_posix() for path in Path(artefact).rglob("*"))]
    sha256s = {path: files[path].sha256 for path in present_paths if path in files}
    return verify.sha256_of(artefact, sha256s) if sha256s else ""


def _sha256(note: str) -> str:
    """Return the hash in a fingerprint or a manifest; an empty string if the file is missing or damaged."""
    is_manifest = note.endswith(paths.manifest("x").removeprefix("x"))
    try:
        content = manifest.read(note) if is_manifest else read_json(note)
        return str(content.get("sha256", ""))
    except (HeirloomError, OSError):
        return ""


def _artefacts(listing: Iterable[str]) -> dict[tuple[str | None, str], str]:
    """Return unit and stem → the artefact of a listing."""
    artefacts: dict[tuple[str | None, str], str] = {}
    for path in listing:
        unit = folders.unit_of(path)
        if unit and not path.endswith((".fingerprint.json", ".manifest.json", folders.PROVENANCE)):
            name = path.removeprefix(f"{unit}/").split("/")[0]
            artefacts[unit, folders.stem(name)] = f"{unit}/{name}"
    return artefacts


def _artefact_of(path: str, artefacts: Mapping[tuple[str | None, str], str]) -> str:
    unit = folders.unit_of(path)
    name = path.removeprefix(f"{unit}/").split("/")[0]
    if name == folders.PROVENANCE:
        return ""
    stem = folders.stem(name)
    return artefacts.get((unit, stem), f"{unit}/{folders.name_of(stem)}")


def _recorded_paths(lineage: str) -> Iterator[str]:
    """Yield the paths that DVC has recorded of a lineage; none where it cannot be asked or its record is damaged."""
    if dvc.unavailable():
        return
    with suppress(HeirloomError):
        yield from dvc.listing(lineage) or {}


def entries_of_ledger() -> dict[str, Entry]:
    """Return the ledger; if it is damaged, the ledger that git has."""
    for revision in (None, "HEAD"):
        try:
            return index.read_ledger(revision)
        except HeirloomError:
            continue
    return {}
