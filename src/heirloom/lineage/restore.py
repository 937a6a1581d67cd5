"""Restore: Snakemake's records follow the data that git and DVC bring, so that a clone runs no finished job again.

The Snakefile calls it at its top, in the main process. A stamp of each unit says which are new since the last look: size, time and
inode of its ``provenance.jsonl``, and the time of its folder, because a run that fails replaces data and Snakemake's records, but
not the provenance, and DVC may then bring the data back. If none is new, no file is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from heirloom import results
from heirloom.errors import HeirloomError, first_of
from heirloom.lineage import cache, dvc, provenance, stamps
from heirloom.runtime.headway import laps
from heirloom.workflow import folders

SEEN = Path(".heirloom/provenance.json")


def restore() -> int:
    """Put back the records of units whose provenance has changed since the last look, and return how many records changed.

    A record is put back only where the fingerprint on disk is the one it was written for, so unrecorded results of a local run keep theirs.
    """
    signatures_before = stamps.read(SEEN)
    current_signatures = signatures()
    num_changes = 0
    for unit, signature in current_signatures.items():
        known = signatures_before.get(unit, "")
        if known.rpartition(" ")[0] != signature.rpartition(" ")[0]:
            num_changes += provenance.put_back(unit)
        elif known != signature:
            num_changes += provenance.put_back(unit, provenance.is_older)
    remember(current_signatures)
    return num_changes


def bring_back() -> int:
    """Bring the data of the commit that is checked out, and the records of its jobs. Return how many records changed.

    Raises
    ------
    HeirloomError
        If DVC cannot be used, or if its cache lacks some lineage folders or holds damaged bytes of them. The other folders are
        brought all the same.
    """
    reason = dvc.unavailable()
    if reason:
        raise HeirloomError(reason.replace("recorded", "restored").replace("heirloom record", "heirloom restore"))
    lineages = folders.pointed_lineages()
    incomplete = [lineage for lineage in lineages if not dvc.is_cached(lineage)]
    damage_of = {lineage: _damage(lineage) for lineage in laps([lineage for lineage in lineages if lineage not in incomplete])}
    dvc.checkout([lineage for lineage, damage in damage_of.items() if not damage])
    num_changes = restore()
    damages = [damage for damage in damage_of.values() if damage]
    if damages:
        raise HeirloomError(f"not restored: {first_of(damages, ' (and {} more lineages)')}")
    if incomplete:
        names = first_of(incomplete, " and {} more")
        raise HeirloomError(f"DVC's cache lacks files of {names}; dvc pull fetches them, then snakemake goes on")
    return num_changes


def _damage(lineage: str) -> str:
    """Return what is damaged in the cache of a lineage, or an empty string. DVC would put damaged bytes into the workspace."""
    md5_of = dvc.listing(lineage) or {}
    damaged_objects = cache.damaged_objects(md5_of.values())
    path = next((path for path, md5 in md5_of.items() if md5 in damaged_objects), "")
    return f"{path} is damaged in DVC's cache; heirloom repair {lineage} repairs it" if path else ""


def signatures() -> dict[str, str]:
    """Return unit → size, time and inode of its provenance, and the time of its folder, of all units on disk that have one."""
    signature_of = {}
    for unit in (*results.folders(), *folders.all_units()):
        try:
            status, folder = Path(unit, folders.PROVENANCE).stat(), Path(unit).stat()
        except FileNotFoundError:
            continue
        signature_of[unit] = f"{status.st_size} {status.st_mtime_ns} {status.st_ino} {folder.st_mtime_ns}"
    return signature_of


def remember(signatures: Mapping[str, str]) -> None:
    """Write down what has been looked at."""
    stamps.write(SEEN, signatures)
