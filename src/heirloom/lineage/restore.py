"""Restore: Snakemake's records follow the data that git and DVC bring, so that a clone runs no finished job again.

The Snakefile calls it at its top, in the main process. A stamp of size, time and inode of each ``provenance.jsonl`` says
which files are new since the last look. If none is new, no file is read.
"""

from __future__ import annotations

from pathlib import Path

from heirloom import results
from heirloom.errors import HeirloomError
from heirloom.lineage import cache, dvc, provenance, stamps
from heirloom.workflow import folders

SEEN = Path(".heirloom/provenance.json")


def restore() -> int:
    """Put back the records of units whose provenance has changed since the last look, and return how many records changed.

    A record is put back only where the fingerprint on disk is the one it was written for, so unrecorded results of a local run keep theirs.
    """
    seen = stamps.read(SEEN)
    now = signatures()
    changed = sum(provenance.put_back(unit) for unit, signature in now.items() if seen.get(unit) != signature)
    remember(now)
    return changed


def bring_back() -> int:
    """Bring the data of the commit that is checked out, and the records of its jobs. Return how many records changed.

    Raises
    ------
    HeirloomError
        If DVC cannot be used, or if its cache lacks some lineage folders or holds damaged bytes of them. The other folders are
        brought all the same.
    """
    if why := dvc.unavailable():
        raise HeirloomError(why.replace("recorded", "restored").replace("heirloom record", "heirloom restore"))
    here = {lineage: dvc.is_cached(lineage) for lineage in folders.pointed_lineages()}
    sound = {lineage: _damaged(lineage) for lineage, is_here in here.items() if is_here}
    dvc.checkout([lineage for lineage, damage in sound.items() if not damage])
    changed = restore()
    if unsound := [damage for damage in sound.values() if damage]:
        more = f" (and {len(unsound) - 1} more lineages)" if len(unsound) > 1 else ""
        raise HeirloomError(f"not restored: {unsound[0]}{more}")
    if lacking := [lineage for lineage, is_here in here.items() if not is_here]:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise HeirloomError(f"DVC's cache lacks files of {lacking[0]}{more}; dvc pull fetches them, then snakemake goes on")
    return changed


def _damaged(lineage: str) -> str:
    """Return what is damaged in the cache of a lineage, or an empty string. DVC would put damaged bytes into the workspace."""
    recorded = dvc.listing(lineage) or {}
    bad = cache.damaged_objects(recorded.values())
    path = next((path for path, md5 in recorded.items() if md5 in bad), "")
    return f"{path} is damaged in DVC's cache; heirloom repair {lineage} mends it" if path else ""


def signatures() -> dict[str, str]:
    """Return unit → size, time and inode of its provenance, of all units on disk that have one."""
    found = {}
    for unit in (*results.folders(), *(unit for units in folders.lineages().values() for unit in units)):
        try:
            status = Path(unit, folders.PROVENANCE).stat()
        except FileNotFoundError:
            continue
        found[unit] = f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"
    return found


def remember(now: dict[str, str]) -> None:
    """Write down what has been looked at."""
    stamps.write(SEEN, now)
