"""Survey: which files of some lineages are here, which are recorded, and which are damaged."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
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
    ledger = _in_ledger()
    lineages = {*folders.lineages(), *folders.pointed_lineages(), *pointers.lost(ledger)}
    units = {unit for below in folders.lineages().values() for unit in below}
    recorded = {folders.unit_of(path) for lineage in lineages for path in _listed(lineage)}
    named = {folders.unit_of(path) for path in ledger if folders.lineage_of(path) in lineages}
    every = sorted(lineages | units | {unit for unit in recorded | named if unit})
    return references.units(reference, every)


def digests(units: Iterable[str]) -> dict[str, Digests]:
    """Return path → digests of every file in some units, without the files that cannot be read."""
    files = [path for unit in units if Path(unit).is_dir() for path in verify.files(unit)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {path: one for path, one in zip(files, pool.map(_digests, files), strict=True) if one is not None}


def by_listing(listing: Mapping[str, str], units: Collection[str], read: Mapping[str, Digests]) -> list[Damage]:
    """Return the files of some units that are not as DVC has recorded them."""
    found = []
    artefacts = _artefacts(listing)
    for path, md5 in listing.items():
        if folders.unit_of(path) in units and (path not in read or read[path].md5 != md5):
            found.append(Damage(path, md5, "", _artefact_of(path, artefacts)))
    return found


def by_notes(unit: str, read: Mapping[str, Digests], config: Config) -> list[Damage]:
    """Return what is damaged in a unit without a record in DVC. The bytes, the notes and the ledger vote on each hash."""
    found = []
    ledger = _in_ledger()
    named = {path for path in ledger if folders.unit_of(path) == unit}
    for artefact in sorted({*named, *map(str, folders.fingerprinted_artefacts(unit) if Path(unit).is_dir() else ())}):
        notes = {note: _sha256(note) for note in (paths.fingerprint(artefact), paths.manifest(artefact))}
        here = _sha256_here(artefact, read)
        if not here and all(notes.values()) and completeness.is_dropped(artefact, config, {}):
            continue
        words = [*notes.values(), here, ledger[artefact].sha256 if artefact in ledger else ""]
        sha256, votes = Counter(word for word in words if word).most_common(1)[0] if any(words) else ("", 0)
        sha256 = sha256 if votes > 1 else ""
        bad = [path for path, word in {artefact: here, **notes}.items() if word != sha256 or not sha256]
        found += [Damage(path, "", sha256, artefact) for path in bad]
    return found


def is_consistent(artefact: str, read: Mapping[str, Digests]) -> bool:
    """Return whether an artefact that is here agrees with its fingerprint and its manifest."""
    hashes = {_sha256_here(artefact, read), *map(_sha256, (paths.fingerprint(artefact), paths.manifest(artefact)))}
    return len(hashes) == 1 and hashes != {""}


def is_another_version(artefact: str, listing: Mapping[str, str], read: Mapping[str, Digests]) -> bool:
    """Return whether an artefact agrees with its own notes and these are not what DVC has recorded, because it is newer or forged."""
    noted = paths.fingerprint(artefact)
    return noted in read and read[noted].md5 != listing.get(noted) and is_consistent(artefact, read)


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


def _sha256_here(artefact: str, read: Mapping[str, Digests]) -> str:
    own = {path: one.sha256 for path, one in read.items() if path == artefact or path.startswith(f"{artefact}/")}
    return verify.sha256_of(artefact, own) if own else ""


def _sha256(note: str) -> str:
    """Return the hash in a fingerprint or a manifest; an empty string if the file is missing or damaged."""
    is_manifest = note.endswith(paths.manifest("x").removeprefix("x"))
    try:
        return str((manifest.read(note) if is_manifest else read_json(note)).get("sha256", ""))
    except (HeirloomError, OSError):
        return ""


def _artefacts(listing: Mapping[str, str]) -> dict[tuple[str | None, str], str]:
    """Return unit and stem → the artefact of a listing."""
    found: dict[tuple[str | None, str], str] = {}
    for path in listing:
        unit = folders.unit_of(path)
        if unit and not path.endswith((".fingerprint.json", ".manifest.json", folders.PROVENANCE)):
            inside = path.removeprefix(f"{unit}/").split("/")[0]
            found[unit, folders.stem(inside)] = f"{unit}/{inside}"
    return found


def _artefact_of(path: str, artefacts: Mapping[tuple[str | None, str], str]) -> str:
    unit = folders.unit_of(path)
    inside = path.removeprefix(f"{unit}/").split("/")[0]
    if inside == folders.PROVENANCE:
        return ""
    return artefacts.get((unit, folders.stem(inside)), f"{unit}/{folders.name_of(folders.stem(inside))}")


def _listed(lineage: str) -> Iterator[str]:
    try:
        yield from dvc.listing(lineage) or {} if not dvc.unavailable() else {}
    except HeirloomError:
        return


def _in_ledger() -> dict[str, Entry]:
    """Return the ledger; if it is damaged, the ledger that git has."""
    for revision in (None, "HEAD"):
        try:
            return index.read_ledger(revision)
        except HeirloomError:
            continue
    return {}
